"""What is to be fetched of several files, some of which are there already."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import replace

from glacier_backup.catalog.catalog import Catalog
from glacier_backup.model.restore import ByteRange, RestoreItem
from glacier_backup.model.stored import StoredArchive
from glacier_backup.plan.inside import MOST_RANGES, can_be_taken_apart
from glacier_backup.plan.ranges import merged
from glacier_backup.units import MIB


def narrowed(
    item: RestoreItem, numbers: Iterable[tuple[int, int]], archive: StoredArchive, catalog: Catalog
) -> RestoreItem:
    """``item`` with only those of its files; and with only their bytes, where each MiB is proven by itself and there is
    little enough to ask for. Raises CatalogError."""
    only = replace(item, numbers=tuple(numbers))
    if only.numbers == item.numbers or len(only.numbers) > MOST_RANGES:
        return only
    if not can_be_taken_apart(archive) or not all(volume.has_leaves for volume in archive.volumes):
        return only
    ranges = list(_ranges(only, archive, catalog))
    return only if None in ranges else replace(only, ranges=merged((one for one in ranges if one), gap=MIB))


def _ranges(item: RestoreItem, archive: StoredArchive, catalog: Catalog) -> Iterator[ByteRange | None]:
    """Those of each run; None where hard links among them lead elsewhere."""
    for first, last in item.numbers:
        start = None
        for _, member in catalog.members_in(archive.id, ((first, last),)):
            start = member.offset if start is None else start
            if member.type == "hardlink":
                yield None
                return
        yield None if start is None else ByteRange(start, catalog.offset_behind(archive.id, last))
