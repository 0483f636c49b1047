"""Groups that were found again without their members, and what reading them brings to light."""

from __future__ import annotations

from dataclasses import replace

import pytest

from glacier_backup.catalog.catalog import Catalog
from glacier_backup.model.archive import ArchiveRecord, Checksums
from glacier_backup.model.stored import ArchiveFilter, StoredVolume
from tests.catalog.groups import PHOTOS, rows, stored, told
from tests.catalog.values import LOCAL, MORNING, a_file, a_group, a_link, a_rebuilt, an_archive, record

SUMS = Checksums(4_096, "e2" * 32, b"\xab" * 32)
FILES = (a_file("2020/a"), a_link("l", "2020/a"))


def found(catalog: Catalog, *groups: ArchiveRecord, tree_hash: str | None = "e2" * 32) -> int:
    """The place of groups of which only the names tell anything."""
    place = catalog.register(LOCAL, LOCAL)
    for number, one in enumerate(groups):
        volume = StoredVolume(1, f"found-{number}", 4_096, tree_hash, MORNING)
        catalog.add_rebuilt(place, [replace(a_rebuilt(), label=one.label, volumes=(volume,))])
    return place


def test_groups_are_unknown_until_somebody_has_learnt_what_is_in_them(catalog: Catalog) -> None:
    place = found(catalog, a_group(locator="one"), a_group(locator="two"))
    stored(catalog, a_file("known"))
    record(catalog, None, place, an_archive("/srv/directory", locator="alone"))
    first, second = catalog.unknown_groups(place)

    catalog.learn(first, iter(FILES), {1: SUMS})

    assert catalog.unknown_groups(place) == [second]
    assert catalog.unknown_groups(place + 1) == []
    assert [*catalog.members(first)] == [*FILES]
    assert {path for path, id in told(catalog) if id == first} == {f"{PHOTOS}/2020/a", f"{PHOTOS}/l"}
    assert catalog.last_sent(place, [f"{PHOTOS}/2020/a"])[f"{PHOTOS}/2020/a"].id == first


@pytest.mark.parametrize("tree_hash", ["e2" * 32, None])
def test_checksums_are_learnt_where_there_are_none(catalog: Catalog, tree_hash: str | None) -> None:
    place = found(catalog, a_group(), tree_hash=tree_hash)

    catalog.learn(1, FILES, {1: SUMS})

    (one,) = catalog.stored_archives(ArchiveFilter(ids=(1,), place_id=place))
    assert (one.volumes[0].tree_hash, catalog.leaves(1, 1)) == (SUMS.tree_hash, SUMS.leaves)


def test_what_is_known_by_now_or_gone_stays_so(catalog: Catalog) -> None:
    place = found(catalog, a_group())
    catalog.learn(1, FILES, {1: SUMS})
    before = catalog.changes()

    catalog.learn(1, [a_file("another")], {1: replace(SUMS, leaves=b"\xcd" * 32)})
    catalog.learn(2, FILES, {1: SUMS})

    assert ([*catalog.members(1)], catalog.leaves(1, 1)) == ([*FILES], SUMS.leaves)
    assert (rows(catalog), catalog.changes(), catalog.unknown_groups(place)) == ((2, 2), before, [])
    catalog.forget_archives([1])
    assert rows(catalog) == (0, 0)


def test_a_copy_of_the_catalog_is_behind_what_was_learnt(catalog: Catalog) -> None:
    found(catalog, a_group())
    before = catalog.changes()

    catalog.learn(1, FILES, {})

    assert catalog.changes() == before + 1
