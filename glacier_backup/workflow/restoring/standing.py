"""How an item stands: which bytes it wants of which volumes, and whether what was made readable has them all."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import NamedTuple

from glacier_backup.catalog.catalog import Catalog
from glacier_backup.errors import GlacierBackupError, VolumeMissing
from glacier_backup.model.restore import ItemRecord, ItemState
from glacier_backup.model.stored import StoredArchive
from glacier_backup.model.thaw import Thaw
from glacier_backup.plan.inside import member_path
from glacier_backup.workflow.restoring.coverage import Need, made_readable, without

Key = tuple[int, str]
"""A volume: the id of its place, and its locator."""


class Standing(NamedTuple):
    """How one item stands."""

    record: ItemRecord
    archive: StoredArchive | None
    """None for one that the catalog has no more."""
    state: ItemState
    """``ready``, ``thawing``, ``failed``, ``damaged`` where it isn't there, or ``planned`` where it can't be asked for
    now."""
    thaws: tuple[Thaw, ...] = ()
    """Of one that is ready, all that it takes."""
    error: GlacierBackupError | None = None


class Wanting(NamedTuple):
    """An item and what it takes."""

    record: ItemRecord
    archive: StoredArchive
    needs: tuple[Need, ...]

    @property
    def keys(self) -> list[Key]:
        return [(self.archive.place_id, need.volume.locator) for need in self.needs]

    def without_spare(self, errors: Mapping[Key, GlacierBackupError]) -> Wanting:
        """The same, but for what isn't there and can be done without."""
        needs = zip(self.keys, self.needs, strict=True)
        return self._replace(needs=tuple(need for key, need in needs if not (need.spare and is_gone_at(errors, key))))

    def covered_by(self, thaws: Sequence[Thaw]) -> bool:
        """Whether all that it takes is among the bytes that ``thaws`` are about."""
        for need in self.needs:
            have = [made_readable(thaw) for thaw in thaws if thaw.locator == need.volume.locator]
            if without(need.ranges, have):
                return False
        return True


def is_gone_at(errors: Mapping[Key, GlacierBackupError], key: Key) -> bool:
    """Whether asking for it has shown that nothing is there."""
    return isinstance(errors.get(key), VolumeMissing)


def about(record: ItemRecord, archive: StoredArchive, catalog: Catalog) -> str:
    """What people call an item: the path of its archive, and the member where only that is meant; of files of a group
    the path of the only one, else how many they are and below what."""
    item = record.item
    if not item.numbers:
        return archive.path if item.member is None else f"{archive.path}: {item.member}"
    count = sum(last - first + 1 for first, last in item.numbers)
    only = next(iter(catalog.members_in(archive.id, item.numbers)), None) if count == 1 else None
    if only is not None:
        return member_path(archive, only[1].path)
    below = archive.base if item.member is None else member_path(archive, item.member)
    return f"{count:,} {'file' if count == 1 else 'files'} of {below}"
