"""What looks the same as something else is found, to tell what was renamed."""

from __future__ import annotations

from dataclasses import replace

import pytest

from glacier_backup.catalog.catalog import Catalog
from glacier_backup.catalog.grouping import look
from glacier_backup.model.record import AsIs, ForeignUpload
from glacier_backup.model.stored import Rebuilt, StoredVolume
from glacier_backup.model.tree_digest import tree_fingerprint
from tests.catalog.groups import PHOTOS, rows, stored
from tests.catalog.values import (
    LOCAL,
    MORNING,
    a_file,
    a_link,
    filled,
    of_tree,
)


def like(catalog: Catalog, *digests: str, below: str = PHOTOS) -> dict[str, tuple[str, ...]]:
    return catalog.paths_like(1, below, digests)


def test_what_looks_the_same_is_told_as_it_was_sent_last(catalog: Catalog) -> None:
    filled(catalog, of_tree(f"{PHOTOS}/a", size=1), of_tree(f"{PHOTOS}/b", size=1), of_tree("/srv/other/a", size=1))
    stored(catalog, a_file("c", size=1), a_file("b", size=2), a_link("l", "x"))
    one, two = "file 1 1700000000000000001", "file 2 1700000000000000001"

    assert like(catalog, one, two, "link 1 1700000000000000000", "0" * 64) == {
        one: (f"{PHOTOS}/c", f"{PHOTOS}/a"),
        two: (f"{PHOTOS}/b",),
        "link 1 1700000000000000000": (f"{PHOTOS}/l",),
    }
    assert like(catalog, one, below="/srv/other") == {one: ("/srv/other/a",)}
    assert like(catalog, one, below="/srv/phot") == like(catalog) == {}
    assert len(like(catalog, one, below="/")[one]) == 3


def test_times_are_alike_where_one_is_a_whole_second(catalog: Catalog) -> None:
    stored(catalog, a_file("a"), a_file("b")._replace(mtime_ns=1_700_000_000_000_000_000))

    assert like(catalog, "file 1234 1700000000000000000") == {
        "file 1234 1700000000000000000": (f"{PHOTOS}/b", f"{PHOTOS}/a")
    }
    assert like(catalog, "file 1234 1700000000000000002") == {"file 1234 1700000000000000002": (f"{PHOTOS}/b",)}


def test_of_many_that_look_the_same_some_are_told(catalog: Catalog) -> None:
    empty, other = (f"file {size} 1700000000000000001" for size in (0, 7))
    stored(catalog, *(a_file(str(number), size=0) for number in range(5_000)), a_file("other", size=7))

    found = like(catalog, empty, other)

    assert 0 < len(found[empty]) < 20
    assert found[other] == (f"{PHOTOS}/other",)


@pytest.mark.parametrize("size", [0, 1, 2**63])
@pytest.mark.parametrize("mtime_ns", [0, -1, 10**9 - 1, 2**63, -(2**70), 2**100])
def test_every_look_is_one_that_sqlite_keeps(catalog: Catalog, size: int, mtime_ns: int) -> None:
    assert -(2**63) <= look(size, mtime_ns) < 2**63
    assert look(size, mtime_ns) == look(size, mtime_ns // 10**9 * 10**9)


def test_looks_of_what_was_taken_over_or_rebuilt_are_known(catalog: Catalog) -> None:
    place, seen = catalog.register(LOCAL, LOCAL), tree_fingerprint("file", 5, 7 * 10**9)
    upload = ForeignUpload(f"{PHOTOS}/a", "a", "key", MORNING, AsIs(seen, "a"))
    newer = ForeignUpload(f"{PHOTOS}/c", "c", "other", MORNING, AsIs(seen, "c"))
    catalog.import_uploads(place, [newer, upload], "record")
    label = replace(of_tree(f"{PHOTOS}/b").label, time=MORNING)
    volume = StoredVolume(1, "b", 5, None, MORNING)
    catalog.add_rebuilt(place, [Rebuilt(label, (volume,), fingerprint=seen)])

    assert like(catalog, seen.digest) == {seen.digest: (f"{PHOTOS}/b", f"{PHOTOS}/a", f"{PHOTOS}/c")}
    catalog.forget_archives([1, 2, 3])
    assert rows(catalog) == (0, 0)
