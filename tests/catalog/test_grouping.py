"""What is recorded of files in groups, and what is left of it: they are found as files alone are."""

from __future__ import annotations

import os
from collections.abc import Iterable
from dataclasses import replace

import pytest
from sqlalchemy import Table, select

from glacier_backup.catalog import grouping
from glacier_backup.catalog.catalog import Catalog
from glacier_backup.catalog.frames import Frame, frame_of
from glacier_backup.catalog.schema import grouped, looks
from glacier_backup.model.archive import ArchiveRecord, Member, MemberType, ReadProblem
from glacier_backup.model.place import Place
from glacier_backup.model.recipe import Recipe, Step
from glacier_backup.model.stored import ArchiveFilter, GroupedFile, Rebuilt, StoredVolume
from tests.catalog.groups import INSIDE, PHOTOS, rows, stored, told
from tests.catalog.inside import changed
from tests.catalog.test_schema import members_of_a_forest
from tests.catalog.values import (
    LOCAL,
    MORNING,
    NOT_UTF8,
    a_file,
    a_group,
    a_link,
    a_rebuilt,
    a_sealed,
    checksums,
    filled,
    intended,
    minutes,
    of_tree,
    record,
    seal,
)


def from_elsewhere(top: str) -> ArchiveRecord:
    """A group whose members begin with ``top``."""
    group = a_group(PHOTOS)
    return replace(group, recipe=Recipe((Step("tar", {"top": top}), Step("gzip"))))


def test_a_file_in_a_group_is_told_as_an_archive_of_its_own_path(catalog: Catalog) -> None:
    group = a_group(problems=[ReadProblem(f"{PHOTOS}/b", "gone")])
    stored(catalog, a_file("2020/a.jpg"), a_link("l", f"../{NOT_UTF8}"), group=group)

    first, link = catalog.stored_archives(INSIDE)
    (whole,) = catalog.stored_archives(ArchiveFilter())

    assert (first.path, first.kind, first.source_bytes) == (f"{PHOTOS}/2020/a.jpg", "file", 1_234)
    assert (first.digest, first.mode) == ("file 1234 1700000000000000001", 0o644)
    assert first.mtime_ns == 1_700_000_000_000_000_001
    assert first.file == GroupedFile(0, a_file("2020/a.jpg"))
    assert (first.problems, first.id, first.volumes, first.time) == (0, whole.id, whole.volumes, whole.time)
    assert (link.path, link.kind, link.digest) == (f"{PHOTOS}/l", "link", "link 7 1700000000000000000")
    assert (whole.path, whole.kind, whole.file, whole.problems) == (group.label.path, "group", None, 1)
    assert told(catalog, replace(INSIDE, incomplete=True)) == []


def test_what_was_sent_last_of_a_file_is_told_of_its_group_or_of_itself_whichever_is_newer(catalog: Catalog) -> None:
    place = filled(catalog, of_tree(f"{PHOTOS}/a", size=1), of_tree(f"{PHOTOS}/b", size=1))
    stored(catalog, a_file("a", size=2), a_file("c", size=2))
    catalog.note_damaged([(3, 1, "gone")], minutes(1))
    filled(catalog, of_tree(f"{PHOTOS}/c", size=3))

    last = catalog.last_sent(place, [f"{PHOTOS}/{name}" for name in "abcd"])

    assert {path[-1]: (one.id, one.bytes, one.damage) for path, one in last.items()} == {
        "a": (3, 2, "gone"),
        "b": (2, 1, None),
        "c": (4, 3, None),
    }
    assert last[f"{PHOTOS}/a"].digest == "file 2 1700000000000000001"
    assert (last[f"{PHOTOS}/a"].sent_at, last[f"{PHOTOS}/a"].problems) == (MORNING, 0)


def test_nothing_in_a_group_counts_before_it_is_stored(catalog: Catalog) -> None:
    place, group = catalog.register(LOCAL, LOCAL), a_group()
    archive = catalog.intend(None, place, intended(group), 2**24)
    catalog.completing(archive, intended(group), checksums(group), [a_file("a"), a_file("b")])

    assert (catalog.last_sent(place, [f"{PHOTOS}/a"]), told(catalog), rows(catalog)) == ({}, [], (2, 2))
    assert catalog.paths_like(place, PHOTOS, ["file 1234 1700000000000000001"]) == {}
    assert list(catalog.find("photos", glob=False)) == []
    assert catalog.known_paths_like(f"{PHOTOS}/a") == []

    catalog.completing(archive, intended(group), checksums(group), [a_file("b")])
    assert rows(catalog) == (1, 1)
    catalog.stored(archive, *group.receipts)
    assert told(catalog) == [(f"{PHOTOS}/b", archive)]


def test_nothing_is_left_of_a_group_that_is_given_up(catalog: Catalog) -> None:
    place = catalog.register(LOCAL, LOCAL)
    for one, members in ((a_group(), [a_file("a")]), (of_tree(f"{PHOTOS}/b"), [])):
        archive = catalog.intend(None, place, intended(one), 2**24)
        catalog.completing(archive, intended(one), checksums(one), members)
        assert rows(catalog) != (0, 0)
        catalog.give_up(archive)
        assert rows(catalog) == (0, 0)


def test_giving_up_what_is_stored_leaves_all_of_it(catalog: Catalog) -> None:
    archive = stored(catalog, a_file("a"))

    catalog.give_up(archive)

    assert (told(catalog), rows(catalog)) == ([(f"{PHOTOS}/a", archive)], (1, 1))


def test_a_group_in_volumes_is_recorded_likewise(catalog: Catalog) -> None:
    sealed, plain = a_sealed(), a_group()
    group = replace(sealed, label=replace(plain.label, suffix=".zst.age", alias="k3"), fingerprint=plain.fingerprint)
    catalog.finish(seal(catalog, catalog.register(LOCAL, LOCAL), group, [a_file("a")]))

    assert told(catalog) == [(f"{PHOTOS}/a", 1)]
    assert len(next(catalog.stored_archives(INSIDE)).volumes) == 2


def test_a_group_of_which_nobody_knows_what_was_read_of_each_file_comes_as_itself(catalog: Catalog) -> None:
    group = a_group(changed_back=True)
    archive = stored(catalog, a_file("a"), group=group)
    place = catalog.register(LOCAL, LOCAL)

    assert (catalog.last_sent(place, [f"{PHOTOS}/a"]), rows(catalog)) == ({}, (0, 0))
    assert told(catalog) == [(group.label.path, archive)]
    assert [one.member for one in catalog.find("photos/a", glob=False)] == [a_file("a")]


def test_a_group_whose_members_nobody_knows_comes_as_itself(catalog: Catalog) -> None:
    label = a_group().label
    found = replace(a_rebuilt(), label=label)
    catalog.add_rebuilt(catalog.register(LOCAL, LOCAL), [found])

    assert told(catalog) == [(label.path, 1)]
    assert catalog.holds_path_above(f"{PHOTOS}/a") == []


@pytest.mark.parametrize("section", ["/", "sftp://me@nas:22/"])
def test_files_of_a_root_are_found(catalog: Catalog, section: str) -> None:
    stored(catalog, a_file("etc/hosts", top="root"), group=a_group(section))

    assert frame_of(a_group(section).label.path, None) == Frame(section, "root")
    assert told(catalog) == [(f"{section}etc/hosts", 1)]


@pytest.mark.parametrize("top", ["srv/photos", "some/thing else", ""])
def test_the_recipe_may_say_what_members_begin_with(catalog: Catalog, top: str) -> None:
    stored(catalog, a_file("2020/a", top=top) if top else a_file("a", top="2020"), group=from_elsewhere(top))

    assert told(catalog) == [(f"{PHOTOS}/2020/a", 1)]
    catalog.forget_archives([1])
    assert rows(catalog) == (0, 0)


_HOSTILE = ["photos", "photosynthesis/a", "other/a", "photos/../a", "photos/./a", "photos//a", "photos/a/", "photos/.."]


def test_members_that_were_nowhere_below_the_section_are_no_files_of_it(catalog: Catalog) -> None:
    fine = ["photos/..a", "photos/.a", "photos/a..", "photos/a. /b", "photos/..."]
    stored(catalog, *(a_file("x")._replace(path=path) for path in [*_HOSTILE, *fine]))

    assert [path for path, _ in told(catalog)] == sorted(f"/srv/{path}" for path in fine)


def test_what_is_no_file_is_none(catalog: Catalog) -> None:
    kinds: list[MemberType] = ["directory", "fifo", "device", "other"]
    stored(catalog, *(a_file(kind)._replace(type=kind) for kind in kinds), a_file("a"))

    assert told(catalog) == [(f"{PHOTOS}/a", 1)]


def test_of_a_path_that_comes_twice_in_a_group_the_last_counts(catalog: Catalog) -> None:
    archive = stored(catalog, a_file("a", size=1), a_file("b"), a_file("a", size=2))

    (first, _) = catalog.stored_archives(INSIDE)

    assert (first.file, first.source_bytes) == (GroupedFile(2, a_file("a", size=2)), 2)
    assert told(catalog, replace(INSIDE, ids=(archive,))) == told(catalog)
    assert catalog.paths_like(1, PHOTOS, ["file 1 1700000000000000001"]) == {}


def hard_link(name: str, to: str) -> Member:
    return a_file(name)._replace(type="hardlink", size=0, target=to)


def test_a_hard_link_stands_for_what_it_leads_to(catalog: Catalog) -> None:
    links = (hard_link("b", "photos/a"), hard_link("c", "photos/nowhere"), hard_link("d", "elsewhere"))
    archive = stored(catalog, a_file("x"), a_file("a", size=5), *links)

    found = {one.path[-1]: one for one in catalog.stored_archives(INSIDE)}

    assert sorted(found) == ["a", "b", "x"]
    assert (found["b"].file, found["b"].source_bytes) == (GroupedFile(1, a_file("a", size=5)), 5)
    assert catalog.last_sent(1, [f"{PHOTOS}/b"])[f"{PHOTOS}/b"].bytes == 5
    assert told(catalog, replace(INSIDE, ids=(archive,))) == told(catalog)
    catalog.forget_archives([archive])
    assert rows(catalog) == (0, 0)


def test_names_that_are_not_utf8_are_found_at_every_place(catalog: Catalog) -> None:
    section = f"/srv/{NOT_UTF8}"
    stored(catalog, *(a_file(name, top=NOT_UTF8) for name in ("a", NOT_UTF8, "é")), group=a_group(section))
    paths = [f"{section}/{name}" for name in ("a", NOT_UTF8, "é")]

    assert sorted(catalog.last_sent(1, paths)) == sorted(path for path, _ in told(catalog)) == sorted(paths)
    assert len(told(catalog, replace(INSIDE, below=section, newest=True))) == 3


def test_places_that_turn_out_to_be_one_keep_what_is_in_groups(catalog: Catalog) -> None:
    vault = Place("glacier", "photos", "eu-central-1", "-")
    number = vault.with_account("111122223333")
    unasked, named = catalog.register(vault, vault), catalog.register(number, number)
    assert unasked != named
    record(catalog, None, unasked, a_group(locator="one"), [a_file("a", size=1)])
    record(catalog, None, named, a_group(locator="two"), [a_file("a", size=2), a_file("b")])

    kept = catalog.register(vault, number)

    assert {path[-1]: one.id for path, one in catalog.last_sent(kept, [f"{PHOTOS}/a", f"{PHOTOS}/b"]).items()} == {
        "a": 2,
        "b": 2,
    }
    assert len(told(catalog)) == 3
    assert catalog.paths_like(kept, PHOTOS, ["file 2 1700000000000000001"])
    catalog.forget_archives([1, 2])
    assert rows(catalog) == (0, 0)


@pytest.mark.parametrize("is_stored", [True, False])
def test_what_is_rebuilt_is_not_newer_than_a_group_that_was_sent_later(catalog: Catalog, is_stored: bool) -> None:
    place, group = catalog.register(LOCAL, LOCAL), a_group()
    archive = catalog.intend(None, place, intended(group), 2**24)
    catalog.completing(archive, intended(group), checksums(group), [a_file("a", size=2)])
    if is_stored:
        catalog.stored(archive, *group.receipts)
    old = replace(of_tree(f"{PHOTOS}/a").label, time=minutes(-60))
    catalog.add_rebuilt(place, [Rebuilt(old, (StoredVolume(1, "old", 1, None, minutes(-60)),))])
    if not is_stored:
        catalog.stored(archive, *group.receipts)

    assert catalog.last_sent(place, [f"{PHOTOS}/a"])[f"{PHOTOS}/a"].id == archive
    assert [id for _, id in told(catalog, replace(INSIDE, newest=True))] == [archive]


def test_rows_without_an_archive_are_noticed(catalog: Catalog, path: str) -> None:
    stored(catalog, a_file("a"), a_file("b"))
    filled(catalog, of_tree(f"{PHOTOS}/c"))

    def said() -> Iterable[str]:
        return [one for one in catalog.check() if "checksums" not in one]

    assert said() == []
    changed(path, "UPDATE grouped SET archive = 99 WHERE path LIKE '%a'")
    assert said() == ["1 paths are said to be in groups that lack them"]
    changed(path, "UPDATE grouped SET archive = 1, number = 9 WHERE path LIKE '%a'")
    assert said() == ["1 paths are said to be in groups that lack them"]
    changed(path, "UPDATE grouped SET number = 0 WHERE path LIKE '%a'")
    changed(path, "UPDATE looks SET archive = 99 WHERE archive = 2")
    assert said() == ["1 files are said to look like others, but are in no archive"]


def test_a_copy_holds_what_is_in_groups(catalog: Catalog, tmp_path: os.PathLike[str]) -> None:
    stored(catalog, a_file("a"))
    copy = os.path.join(tmp_path, "copy.sqlite3")
    catalog.copy_to(copy)

    with Catalog.peek(copy) as copied:
        assert told(copied) == told(catalog)
        assert copied.paths_like(1, PHOTOS, ["file 1234 1700000000000000001"])
    (exported,) = catalog.export_rows()
    assert (exported["kind"], exported["path"]) == ("group", a_group().label.path)


def test_a_file_in_a_group_takes_less_than_250_bytes(path: str) -> None:
    count, together = 40_000, 4_000
    with Catalog.open(path) as catalog:
        catalog.register(LOCAL, LOCAL)
        members = members_of_a_forest(count)
        empty = os.path.getsize(path)
        for number in range(count // together):
            some = (next(members) for _ in range(together))
            record(catalog, None, 1, a_group("/srv/git", locator=str(number)), some)

    assert (os.path.getsize(path) - empty) / count < 250


def test_what_is_written_beside_the_members_is_what_follows_from_them(catalog: Catalog) -> None:
    first = a_file("2020/a.jpg")
    hard = first._replace(path=f"{first.path}.too", type="hardlink", target=first.path, offset=9_000)
    id = stored(catalog, first, hard, a_link("l", f"../{NOT_UTF8}"), a_file(NOT_UTF8), a_file("../above"))

    beside = _derived(catalog)
    catalog.ask(lambda connection: grouping.remove(connection, [id]))
    nothing = _derived(catalog)
    catalog.ask(lambda connection: grouping.add(connection, [id]))

    assert (len(beside[0]), len(beside[1]), nothing) == (4, 3, ([], []))
    assert _derived(catalog) == beside


def _derived(catalog: Catalog) -> tuple[list[tuple[object, ...]], list[tuple[object, ...]]]:
    def rows(table: Table) -> list[tuple[object, ...]]:
        return catalog.ask(lambda connection: [tuple(row) for row in connection.execute(select(table))])

    return rows(grouped), rows(looks)
