"""Files in groups are told and found among all that is stored."""

from __future__ import annotations

from dataclasses import replace

import pytest

from glacier_backup.catalog import paging
from glacier_backup.catalog.catalog import Catalog
from glacier_backup.model.place import Place
from tests.catalog.groups import INSIDE, PHOTOS, stored, told
from tests.catalog.inside import at_most
from tests.catalog.values import (
    a_file,
    a_group,
    an_archive,
    filled,
    of_tree,
)


def test_files_alone_and_in_groups_come_in_one_order(catalog: Catalog, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(paging, "PAGE", 2)
    s3 = Place("s3", "bucket")
    filled(catalog, *(of_tree(f"{PHOTOS}/{name}") for name in "bdf"), place=s3)
    stored(catalog, *map(a_file, "abcdef"))
    stored(catalog, *map(a_file, "bd"), group=a_group(locator="second"), place=s3)

    # The place that was made known first comes first.
    order = ["a4", "b1", "b5", "b4", "c4", "d2", "d5", "d4", "e4", "f3", "f4"]
    assert [f"{path[-1]}{id}" for path, id in told(catalog)] == order


def test_some_members_are_told_by_runs_of_their_numbers(catalog: Catalog, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(paging, "PAGE", 3)
    members = [a_file(f"{number:02}") for number in range(20)]
    archive = stored(catalog, *members)

    def numbers(*runs: tuple[int, int]) -> list[int]:
        found = list(catalog.members_in(archive, runs))
        assert all(member == members[number] for number, member in found)
        return [number for number, _ in found]

    assert numbers((0, 0), (2, 4), (19, 25)) == [0, 2, 3, 4, 19]
    assert numbers((0, 19)) == list(range(20))
    assert numbers((5, 6), (1, 2), (2, 2)) == [5, 6, 1, 2, 2]
    assert numbers((30, 40)) == numbers() == []
    assert list(catalog.members_in(99, [(0, 9)])) == []


def test_a_mistyped_path_is_told_from_those_in_groups_and_no_group_is(catalog: Catalog) -> None:
    filled(catalog, an_archive("/srv/music"))
    stored(catalog, a_file("2020/holiday.jpg"))

    assert catalog.known_paths_like(f"{PHOTOS}/2020/holidy.jpg")[0] == f"{PHOTOS}/2020/holiday.jpg"
    assert catalog.known_paths_like("holiday.jpg") == [f"{PHOTOS}/2020/holiday.jpg"]
    assert not any("~pack" in path for path in catalog.known_paths_like(f"{PHOTOS}/~pack", 50))
    assert catalog.holds_path_above(f"{PHOTOS}/2020/holiday.jpg") == []


def test_files_in_groups_are_found_by_their_paths_the_newest_first(catalog: Catalog) -> None:
    stored(catalog, a_file("2020/a.jpg"), a_file("b.txt"))
    stored(catalog, a_file("2020/a.jpg", size=5), group=a_group(locator="second"))

    def found(text: str, *, glob: bool = False) -> list[tuple[str, int, bool]]:
        return [
            (one.archive.path, one.archive.id, one.member is not None or one.archive.file is None)
            for one in catalog.find(text, glob=glob)
        ]

    both = [(f"{PHOTOS}/2020/a.jpg", 2, False), (f"{PHOTOS}/2020/a.jpg", 1, False)]
    assert found("PHOTOS/2020") == found("*.jpg", glob=True) == found(f"{PHOTOS}/2020/*", glob=True) == both
    assert found("b.txt") == [(f"{PHOTOS}/b.txt", 1, False)]
    groups = [(a_group(locator=locator).label.path, id, True) for id, locator in ((1, "group-id"), (2, "second"))]
    assert found("photos.pack.tar", glob=True) == sorted(groups)


def test_a_few_of_many_files_in_groups_are_found_without_a_look_at_the_others(catalog: Catalog) -> None:
    count = 21_000
    for number in range(4):
        members = (a_file(f"{name % 7}/{name // 7:06}", second=name) for name in range(count) if name % 4 == number)
        stored(catalog, *members, group=a_group(locator=str(number)))

    with at_most(80, catalog):
        assert len(catalog.last_sent(1, [f"{PHOTOS}/3/{name:06}" for name in range(500)])) == 500
    with at_most(45, catalog):
        assert len(catalog.paths_like(1, PHOTOS, [f"file 1234 {second * 10**9}" for second in range(1, 200)])) == 199
        assert len(told(catalog, replace(INSIDE, path=f"{PHOTOS}/3/000123", newest=True))) == 1
        assert len(told(catalog, replace(INSIDE, glob=f"{PHOTOS}/3/00001?", newest=True))) == 10
    with at_most(160, catalog):
        assert len(told(catalog, replace(INSIDE, below=f"{PHOTOS}/3"))) == count // 7
    # What lies below one directory is not gone through from its beginning for each page.
    with at_most(1_800, catalog):
        assert len(told(catalog, replace(INSIDE, below=PHOTOS, newest=True))) == count
