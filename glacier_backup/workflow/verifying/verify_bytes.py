"""The rungs ``--sample`` and ``--full``: what is stored is thawed, read and checked, as a restore that writes nothing.

The catalog keeps what was drawn and how far it is, so that the command can be run again until all of it is thawed.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import chain, groupby, islice
from operator import attrgetter

from glacier_backup.catalog.catalog import Catalog
from glacier_backup.chunks import in_chunks
from glacier_backup.model.archive import WITH_MEMBERS
from glacier_backup.model.finding import Finding
from glacier_backup.model.restore import ItemRecord, ItemState, RestoreItem, RestoreRecord, Wish
from glacier_backup.model.stored import ArchiveFilter, StoredArchive, StoredVolume
from glacier_backup.model.thaw import Tier
from glacier_backup.plan.across import layout_of
from glacier_backup.plan.cost import Loads, load_of
from glacier_backup.plan.mending import mendable
from glacier_backup.plan.retention import overwritten_among
from glacier_backup.plan.sample import everything, repair, sample
from glacier_backup.plan.thawing import shelf_of
from glacier_backup.plan.verify import damaged_at, members_at
from glacier_backup.spool import Spool
from glacier_backup.units import MIB
from glacier_backup.workflow.restoring.check_all import GONE
from glacier_backup.workflow.restoring.coverage import needs
from glacier_backup.workflow.restoring.damage import with_cure

REPAIR = "--repair"
"""The rung of a wish to have mended what can be."""

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


def repair_wish_of(words: Sequence[str], tier: Tier, days: int) -> Wish:
    """The same of a repair."""
    return Wish("verify", "", (REPAIR, *words), tier=tier, days=days)


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
    return _planned(catalog, everything(archives) if percent is None else sample(archives, percent, seed))


def plan_repairs(catalog: Catalog, wanted: Sequence[ArchiveFilter]) -> BytesPlan:
    """What to have mended: all that is known to be damaged and has parity, of what is ``wanted``. Raises
    CatalogError."""
    return _planned(catalog, (repair(one) for one in _distinct(catalog, wanted) if mendable(one)))


def _planned(catalog: Catalog, wanted: Iterable[RestoreItem]) -> BytesPlan:
    items: Spool[RestoreItem] = Spool(wanted)
    places = dict(catalog.places())
    loads, size, unsized = Loads(), 0, 0
    for archive, item in _with_archives(catalog, items):
        for need in needs(item, archive):
            if need.volume.size is None:
                unsized += 1
                continue
            shelf = shelf_of(places[archive.place_id], need.volume.storage_class)
            load = load_of(shelf, need.volume.size, need.ranges)
            loads.add(shelf, load)
            size += load.read
    return BytesPlan(items, loads, size, unsized)


def findings(catalog: Catalog, restore: int) -> Iterator[Finding]:
    """What is wrong with what was read, and what could not be. Raises CatalogError."""
    places = dict(catalog.places())
    for page in in_chunks(catalog.items(restore, {"damaged", "failed"}), TOGETHER):
        archives = _by_id(catalog, (record.item.archive for record in page))
        for record in page:
            archive = archives.get(record.item.archive)
            if archive is not None:  # else it was deleted meanwhile
                yield from _findings(catalog, record, archive, str(places[archive.place_id]))


def now_mended(catalog: Catalog, finding: Finding) -> Finding:
    """A finding of what may have been mended since; the same where it wasn't. Raises CatalogError."""
    if not finding.is_damage or finding.archive is None:
        return finding
    archive = _by_id(catalog, [finding.archive]).get(finding.archive)
    if archive is None or any(one.locator == finding.locator and one.damaged_at for one in archive.objects):
        return finding
    what = f"it is right again, and was not: {finding.what}"
    return replace(finding, kind="mended", what=what, cure=None, sent_again=False)


def _findings(catalog: Catalog, record: ItemRecord, archive: StoredArchive, place: str) -> Iterator[Finding]:
    """One for each object that is hurt."""
    cause = record.cause or "for no reason that is known"
    if record.state != "damaged":
        first = archive.objects[0].locator
        what = f"it could not be read: {cause}"
        yield Finding("unsure", what, place, archive.path, first, archive.id, archive.time)
        return
    known = [(one, one.damage) for one in archive.objects if one.damage is not None]
    # What is gone was noted in the words of whoever found it first.
    hurt = [one for one, said in known if said in cause or f"{one.locator}: {GONE}" in cause]
    for one in hurt or archive.objects[:1]:
        what = one.damage or cause
        members = _hit(catalog, archive, one, what)
        found = Finding("damaged", what, place, archive.path, one.locator, archive.id, archive.time, members=members)
        yield with_cure(found, catalog, archive.place_id)


def _hit(catalog: Catalog, archive: StoredArchive, volume: StoredVolume, what: str) -> tuple[str, ...]:
    """The members that are in the MiB which is wrong; none where that can't be told."""
    at, base = damaged_at(what), _begins_at(archive, volume)
    if at is None or base is None or archive.container not in WITH_MEMBERS:
        return ()
    return tuple(islice(members_at(catalog.members(archive.id), base + at, base + at + MIB), NAMED))


def _begins_at(archive: StoredArchive, volume: StoredVolume) -> int | None:
    """Of the stream, where that is what is stored."""
    if volume not in archive.volumes or not layout_of(archive).plain:
        return None
    before = [one.size for one in archive.volumes[: archive.volumes.index(volume)]]
    return None if None in before else sum(size or 0 for size in before)


def _distinct(catalog: Catalog, wanted: Sequence[ArchiveFilter]) -> Iterator[StoredArchive]:
    """Each archive once, however many of the filters it fits; none that a newer one has overwritten, for what bears its
    name there now is no damage of it."""
    found = chain.from_iterable(map(catalog.stored_archives, wanted or (ArchiveFilter(),)))
    seen: set[int] = set()
    for _, of_one in groupby(found, key=attrgetter("path", "place_id")):
        versions = list(of_one)
        overwritten = overwritten_among(versions)
        yield from (one for one in versions if one.id not in seen and one.id not in overwritten)
        if len(wanted) > 1:
            seen.update(one.id for one in versions)


def _with_archives(catalog: Catalog, items: Iterable[RestoreItem]) -> Iterator[tuple[StoredArchive, RestoreItem]]:
    for page in in_chunks(items, TOGETHER):
        archives = _by_id(catalog, (item.archive for item in page))
        yield from ((archives[item.archive], item) for item in page if item.archive in archives)


def _by_id(catalog: Catalog, ids: Iterable[int]) -> dict[int, StoredArchive]:
    return {one.id: one for one in catalog.stored_archives(ArchiveFilter(ids=tuple({*ids})))}
