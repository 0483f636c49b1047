"""The rungs ``--sample`` and ``--full``: what is stored is thawed, read and checked, as a restore that writes nothing.

The catalog keeps what was drawn and how far it is, so that the command can be run again until all of it is thawed.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import chain, islice

from glacier_backup.catalog.catalog import Catalog
from glacier_backup.model.finding import Finding
from glacier_backup.model.restore import ItemRecord, ItemState, RestoreItem, RestoreRecord, Wish
from glacier_backup.model.stored import ArchiveFilter, StoredArchive
from glacier_backup.model.thaw import Tier
from glacier_backup.plan.cost import Loads, load_of
from glacier_backup.plan.sample import everything, sample
from glacier_backup.plan.thawing import shelf_of
from glacier_backup.plan.verify import damaged_at, members_at
from glacier_backup.spool import Spool
from glacier_backup.units import MIB
from glacier_backup.workflow.restoring.coverage import needs
from glacier_backup.workflow.restoring.damage import with_cure

TOGETHER = 500
"""Archives that are looked up at a time."""

NAMED = 20
"""Members that a finding names."""

_ON_THEIR_WAY: frozenset[ItemState] = frozenset({"planned", "requested", "thawing", "ready", "fetched"})


@dataclass(frozen=True, slots=True)
class BytesPlan:
    """What is to be read. There may be millions of items: they are read one after the other."""

    items: Collection[RestoreItem]
    loads: Loads
    """What that is, for what it costs."""
    bytes: int
    """That are read."""
    unsized: int
    """Volumes of which nobody knows how large they are: they are in no sum."""


def wish_of(words: Sequence[str], percent: float | None, tier: Tier, days: int) -> Wish:
    """The same words again are the same verification, as long as it isn't done. Without ``percent``: everything."""
    rung = "--full" if percent is None else f"--sample {percent:g}%"
    return Wish("verify", "", (rung, *words), tier=tier, days=days)


def under_way(catalog: Catalog, wish: Wish) -> RestoreRecord | None:
    """The one that an earlier run began and that goes on. One that has nothing left but what failed is forgotten:
    drawing anew tells more than failing again. Raises CatalogError."""
    earlier = catalog.restore_like(wish)
    if earlier is None or earlier.ended_at is not None:
        return None
    if _ON_THEIR_WAY & {state for state, count in catalog.count_items(earlier.id).items() if count}:
        return earlier
    catalog.forget_restore(earlier.id)
    return None


def plan_bytes(catalog: Catalog, wanted: Sequence[ArchiveFilter], percent: float | None, seed: str) -> BytesPlan:
    """What to read of what is ``wanted``, of everything where it is empty. Raises ValueError for a sample that can't be
    drawn, and CatalogError."""
    archives = _distinct(catalog, wanted)
    items: Spool[RestoreItem] = Spool(everything(archives) if percent is None else sample(archives, percent, seed))
    places = dict(catalog.places())
    loads, size, unsized = Loads(), 0, 0
    for archive, item in _with_archives(catalog, items):
        for volume, ranges in needs(item, archive):
            if volume.size is None:
                unsized += 1
                continue
            load = load_of(shelf_of(places[archive.place_id], volume.storage_class), volume.size, ranges)
            loads.add(shelf_of(places[archive.place_id], volume.storage_class), load)
            size += load.read
    return BytesPlan(items, loads, size, unsized)


def findings(catalog: Catalog, restore: int) -> Iterator[Finding]:
    """What is wrong with what was read, and what could not be. Raises CatalogError."""
    places = dict(catalog.places())
    rest = catalog.items(restore, {"damaged", "failed"})
    while page := list(islice(rest, TOGETHER)):
        archives = _by_id(catalog, (record.item.archive for record in page))
        for record in page:
            archive = archives.get(record.item.archive)
            if archive is not None:  # else it was deleted meanwhile
                yield _finding(catalog, record, archive, str(places[archive.place_id]))


def _finding(catalog: Catalog, record: ItemRecord, archive: StoredArchive, place: str) -> Finding:
    cause = record.cause or "for no reason that is known"
    which = (place, archive.path, archive.volumes[0].locator, archive.id, archive.time)
    if record.state != "damaged":
        return Finding("unsure", f"it could not be read: {cause}", *which)
    at = damaged_at(cause)
    members: tuple[str, ...] = ()
    if at is not None and len(archive.volumes) == 1 and archive.container == "tar":
        members = tuple(islice(members_at(catalog.members(archive.id), at, at + MIB), NAMED))
    return with_cure(Finding("damaged", cause, *which, members=members), catalog, archive.place_id)


def _distinct(catalog: Catalog, wanted: Sequence[ArchiveFilter]) -> Iterator[StoredArchive]:
    """Each archive once, however many of the filters it fits."""
    found = chain.from_iterable(map(catalog.stored_archives, wanted or (ArchiveFilter(),)))
    seen: set[int] = set()
    for archive in found:
        if archive.id not in seen:
            yield archive
        if len(wanted) > 1:
            seen.add(archive.id)


def _with_archives(catalog: Catalog, items: Iterable[RestoreItem]) -> Iterator[tuple[StoredArchive, RestoreItem]]:
    rest = iter(items)
    while page := list(islice(rest, TOGETHER)):
        archives = _by_id(catalog, (item.archive for item in page))
        yield from ((archives[item.archive], item) for item in page if item.archive in archives)


def _by_id(catalog: Catalog, ids: Iterable[int]) -> dict[int, StoredArchive]:
    return {one.id: one for one in catalog.stored_archives(ArchiveFilter(ids=tuple({*ids})))}
