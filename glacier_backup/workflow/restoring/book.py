"""One restore as the catalog keeps it: its items with their archives, a page at a time, and how far each is."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import NamedTuple

from glacier_backup.catalog.catalog import Catalog
from glacier_backup.errors import GlacierBackupError
from glacier_backup.model.reading_event import ItemEnded, ReadingListener
from glacier_backup.model.restore import ENDED, ItemRecord, ItemState, RestoreRecord, Wish
from glacier_backup.model.stored import ArchiveFilter, StoredArchive
from glacier_backup.workflow.restoring.standing import about

PAGE, MOST_RUNS = 500, 100_000
"""Items that are dealt with together, and runs of files of groups that those may have, but for one of them."""

UNDER_WAY: frozenset[ItemState] = frozenset({"planned", "requested", "thawing", "ready", "fetched", "verified"})
"""What a run still has to deal with. ``verified`` is not for a verification, which has that for its end."""


class Page(NamedTuple):
    """Some items, and the archives that they are of; one that is gone is missing among those."""

    records: list[ItemRecord]
    archives: Mapping[int, StoredArchive]


@dataclass(frozen=True, slots=True)
class Book:
    """For one run."""

    catalog: Catalog
    restore: RestoreRecord
    tell: ReadingListener

    @property
    def wish(self) -> Wish:
        return self.restore.wish

    @property
    def open_states(self) -> frozenset[ItemState]:
        return UNDER_WAY - ({"verified"} if self.wish.purpose == "verify" else set())

    def pages(self, states: Collection[ItemState] | None = None) -> Iterator[Page]:
        """Those in one of ``states``, in order."""
        return self.grouped(self.catalog.items(self.restore.id, states))

    def grouped(self, records: Iterable[ItemRecord]) -> Iterator[Page]:
        page: list[ItemRecord] = []
        runs = 0
        for record in records:
            runs += len(record.item.numbers)
            if page and (len(page) >= PAGE or runs > MOST_RUNS):
                yield Page(page, self.archives(page))
                page, runs = [], len(record.item.numbers)
            page.append(record)
        if page:
            yield Page(page, self.archives(page))

    def archives(self, records: Iterable[ItemRecord]) -> dict[int, StoredArchive]:
        ids = tuple({record.item.archive for record in records})
        return {archive.id: archive for archive in self.catalog.stored_archives(ArchiveFilter(ids=ids))}

    def about(self, record: ItemRecord, archive: StoredArchive | None) -> str:
        """What people call an item; of an archive that is gone only where it was to go is known."""
        return record.item.to if archive is None else about(record, archive, self.catalog)

    def set(self, changes: Iterable[tuple[int, ItemState, str | None]]) -> None:
        changed = list(changes)
        if changed:
            self.catalog.set_items(self.restore.id, changed)

    def counts(self) -> dict[ItemState, int]:
        return self.catalog.count_items(self.restore.id)

    def end_if_done(self) -> bool:
        """Note its end, when no later run has anything to do."""
        ended = ENDED | ({"verified"} if self.wish.purpose == "verify" else set())
        done = all(state in ended for state in self.counts())
        if done:
            self.catalog.end_restore(self.restore.id)
        return done

    def tell_ended(
        self,
        record: ItemRecord,
        path: str,
        state: ItemState,
        error: GlacierBackupError | None = None,
        left_out: tuple[str, ...] = (),
    ) -> None:
        cause, hint = (None, None) if error is None else (str(error), error.hint)
        purpose = self.wish.purpose
        self.tell(ItemEnded(record.number, path, record.item.to, state, cause, hint, left_out, purpose))


def cause_of(error: GlacierBackupError) -> str:
    """As the catalog keeps it: with the cure, for whoever looks later."""
    return f"{error}; {error.hint}" if error.hint else str(error)
