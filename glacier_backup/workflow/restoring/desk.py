"""What one thing takes to be fetched, and what all things of one run share."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import NamedTuple

from glacier_backup.catalog.catalog import Catalog
from glacier_backup.destination.destination import Check, Destination
from glacier_backup.model.event import Warned
from glacier_backup.model.reading_event import BytesFetched, ItemStarted, ReadingListener
from glacier_backup.model.restore import ItemRecord
from glacier_backup.model.stored import StoredArchive, StoredVolume
from glacier_backup.model.thaw import Thaw
from glacier_backup.plan.across import layout_of
from glacier_backup.units import now
from glacier_backup.workflow.restoring.coverage import count, needs
from glacier_backup.workflow.restoring.fetch import Fetcher
from glacier_backup.workflow.restoring.item_folder import ItemFolder
from glacier_backup.workflow.restoring.mending import ByParity, number_of
from glacier_backup.workflow.restoring.staging import Staging, name_of
from glacier_backup.workflow.restoring.stream import Reading, Source, is_whole
from glacier_backup.workflow.restoring.tools import RestoreTools
from glacier_backup.workflow.restoring.unsealed import Unsealed


class Work(NamedTuple):
    """One thing to be fetched, all of whose bytes can be."""

    record: ItemRecord
    archive: StoredArchive
    place: str
    destination: Destination
    thaws: tuple[Thaw, ...]
    path: str
    """What people call it."""

    @property
    def source(self) -> Source:
        by_locator: dict[str, tuple[Thaw, ...]] = {}
        for thaw in self.thaws:
            by_locator[thaw.locator or ""] = (*by_locator.get(thaw.locator or "", ()), thaw)
        return Source(self.archive, self.destination, by_locator)


@dataclass(frozen=True, slots=True)
class Desk:
    """What all things of one run share."""

    tools: RestoreTools
    fetcher: Fetcher
    tell: ReadingListener
    check: Check
    """Raises where going on makes no sense any more."""
    overwrite: bool = False

    @property
    def catalog(self) -> Catalog:
        return self.tools.catalog

    def reading(self, work: Work, kept: ItemFolder | None, scratch: Callable[[], str] | None = None) -> Reading:
        """``scratch`` makes the folder in which what is damaged is mended, and tells its path; of an item that has a
        folder of its own (``kept``) that is there."""

        def fetched(count: int) -> None:
            self.tell(BytesFetched(work.record.number, count))

        item = work.record.item
        # What has to be opened is read in whole volumes; what is only verified isn't opened.
        whole = is_whole(item.ranges) or (item.to != "" and not layout_of(work.archive).plain)
        folder = scratch if kept is None else kept.scratch
        mender = None if folder is None else self.mender(work, folder)
        return Reading(work.source, self.catalog, self.fetcher, self.check, fetched, whole, kept, mender)

    def mender(self, work: Work, folder: Callable[[], str]) -> ByParity:
        """What mends volumes of an item's archive, in a folder of its own."""

        def fetched(count: int) -> None:
            self.tell(BytesFetched(work.record.number, count))

        def was_mended(volume: StoredVolume) -> None:
            where = f"it is still damaged at {work.place}: glacier-backup verify --repair mends it there"
            self.tell(Warned(f"{work.path}: {number_of(volume)} was damaged, and is mended by its parity; {where}"))

        return ByParity(work.source, folder, self.check, fetched, partial(self.was_right, work), was_mended)

    def was_right(self, work: Work, volume: StoredVolume) -> None:
        """Note that a volume is as it was sent, whatever was said of it."""
        self.catalog.note_verified(work.archive.id, volume.number, now())

    def unsealed(self, work: Work, reading: Reading) -> Unsealed:
        """The stream that was packed."""
        return Unsealed(reading, self.tools.keys(work.archive.path), work.record.item.ranges)

    def started(self, work: Work) -> None:
        wanted = [count(need.ranges) for need in needs(work.record.item, work.archive)]
        size = None if None in wanted else sum(one or 0 for one in wanted)
        self.tell(ItemStarted(work.record.number, work.path, size))


def folder_of(record: ItemRecord, archive: StoredArchive, place: str, staging: Staging) -> ItemFolder:
    """Where it is made. The same whatever became of the catalog meanwhile."""
    locators = [volume.locator for volume in archive.volumes]
    return staging.item(name_of(place, locators, record.item.member, record.item.to, record.item.numbers))
