"""What is put away, or deleted at its source: it is no newest version of anything, and history has it."""

from __future__ import annotations

from dataclasses import replace

from glacier_backup.catalog.catalog import Catalog
from glacier_backup.model.place import Place
from glacier_backup.model.stored import ArchiveFilter
from tests.catalog.groups import PHOTOS, stored
from tests.catalog.inside import at_most
from tests.catalog.values import (
    LOCAL,
    a_file,
    a_group,
    a_rebuilt,
    by_prefix,
    filled,
    minutes,
    of_tree,
    record,
    under_key,
)

A, B, C = (f"{PHOTOS}/{name}" for name in "abc")


def newest(catalog: Catalog, until: int | None = None) -> list[tuple[str, int]]:
    """Of each path, as of so many minutes."""
    wanted = ArchiveFilter(inside=True, newest=True, present=True, until=None if until is None else minutes(until))
    return [(one.path, one.id) for one in catalog.stored_archives(wanted)]


def test_a_file_that_is_in_a_group_now_is_in_no_archive_of_its_own(catalog: Catalog) -> None:
    place = filled(catalog, *(of_tree(A, size=size, locator=f"{size}") for size in (1, 2)))
    group = stored(catalog, under_key("a", size=2), group=by_prefix(locator="zip", sent_at=minutes(2)))
    assert [one.own for one in catalog.current(place, PHOTOS)] == [2]

    catalog.expire(place, [2], [], minutes(2))

    assert (newest(catalog), newest(catalog, 0)) == ([(A, group)], [(A, 2)])
    (one,) = catalog.current(place, PHOTOS)
    assert (one.archive, one.group, one.own) == (group, f"{PHOTOS}/*~.zip", None)
    history = catalog.stored_archives(ArchiveFilter(path=A))
    assert [(one.id, one.expired_at) for one in history] == [(1, minutes(2)), (2, minutes(2))]


def test_where_the_group_is_put_away_what_it_held_in_an_older_version_is_still_there(catalog: Catalog) -> None:
    first = stored(catalog, under_key("a"), under_key("c"), group=by_prefix(locator="1"))
    second = stored(catalog, under_key("a"), group=by_prefix(locator="2", sent_at=minutes(1)))
    place = filled(catalog, of_tree(A, sent_at=minutes(2)))

    catalog.expire(place, [second], [], minutes(3))

    assert [*catalog.current_groups(place, PHOTOS)] == []
    assert catalog.last_sent(place, [f"{PHOTOS}/*~.zip"]) == {}
    assert newest(catalog) == [(A, 3), (C, first)]


def test_what_was_deleted_has_no_newest_version_and_is_found_as_of_before(catalog: Catalog) -> None:
    place = filled(catalog, of_tree(A))
    stored(catalog, a_file("b"), a_file("c"))

    catalog.expire(place, [1], [A, B], minutes(5))

    assert (newest(catalog), newest(catalog, 4)) == ([(C, 2)], [(A, 1), (B, 2), (C, 2)])
    assert newest(catalog, 5) == [(C, 2)]
    assert [*catalog.last_sent(place, [A, B, C])] == [C]
    assert catalog.paths_like(place, PHOTOS, ["file 1234 1700000000000000001"]) == {
        "file 1234 1700000000000000001": (C,)
    }


def test_what_is_there_again_is_found_again_even_if_the_clock_was_set_back(catalog: Catalog) -> None:
    place = filled(catalog, of_tree(A))
    catalog.expire(place, [1], [A], minutes(9_000))
    filled(catalog, of_tree(A, size=7, locator="again", sent_at=minutes(1)))

    assert newest(catalog) == [(A, 2)]
    assert catalog.last_sent(place, [A])[A].bytes == 7
    catalog.expire(place, [2], [A], minutes(9_001))
    assert newest(catalog) == []


def test_what_is_put_away_at_one_place_is_there_at_another(catalog: Catalog) -> None:
    other = Place("s3", "bucket")
    here, there = filled(catalog, of_tree(A)), filled(catalog, of_tree(A, locator="2"), place=other)

    catalog.expire(here, [1, 2, 99], [A], minutes(1))

    assert [*catalog.last_sent(here, [A])] == []
    assert catalog.last_sent(there, [A])[A].id == 2


def test_places_that_turn_out_to_be_one_are_gone_together(catalog: Catalog) -> None:
    own, numbered = (Place("glacier", "photos", "eu-central-1", account) for account in ("-", "111122223333"))
    place = catalog.register(own, own)
    record(catalog, None, place, of_tree(A))
    catalog.expire(place, [], [A], minutes(1))
    catalog.register(numbered, numbered)

    merged = catalog.register(own, numbered)

    assert (catalog.last_sent(merged, [A]), newest(catalog)) == ({}, [])


def test_what_a_place_hides_is_known_so_when_it_is_rebuilt_with_all_before_it(catalog: Catalog) -> None:
    place = catalog.register(LOCAL, LOCAL)
    found = [
        replace(a_rebuilt(A, time=minutes(time)), label=of_tree(A, sent_at=minutes(time + 1)).label) for time in (1, 2)
    ]
    found.append(replace(found[1], volumes=a_rebuilt(A, time=minutes(3)).volumes, expired_at=minutes(5)))

    assert catalog.add_rebuilt(place, found) == 3

    assert newest(catalog) == []
    assert [one.expired_at for one in catalog.stored_archives(ArchiveFilter(path=A))] == [minutes(5)] * 3


def test_the_times_of_a_group_are_noted_together(catalog: Catalog) -> None:
    group = by_prefix()
    archive = stored(catalog, under_key("a", second=1), under_key("b", second=2), group=group)
    place = catalog.register(LOCAL, LOCAL)

    catalog.touched_group(place, archive, "f0" * 32, [(A, "file 1234 5"), (C, "file 1234 6"), (B, "file 99 7")])

    assert [one.look for one in catalog.group_members(archive)] == [("file", 1234, 5), ("file", 1234, 2 * 10**9 + 1)]
    assert catalog.last_sent(place, [group.label.path])[group.label.path].digest == "f0" * 32


def test_of_what_changed_while_it_was_read_nothing_is_noted(catalog: Catalog) -> None:
    group = a_group(changed_back=True)
    archive = stored(catalog, a_file("a"), group=group)

    catalog.touched_group(1, archive, "f0" * 32, [(A, "file 1234 5")])

    assert [*catalog.group_members(archive)] == []
    assert catalog.last_sent(1, [group.label.path])[group.label.path].digest == group.fingerprint.digest


def test_the_state_of_a_large_tree_is_told_in_one_pass(catalog: Catalog) -> None:
    names = [f"{number:05}" for number in range(20_000)]
    stored(catalog, *(under_key(name) for name in names), group=by_prefix())
    with at_most(3_500, catalog):
        assert sum(1 for _ in catalog.current(1, PHOTOS)) == len(names)
    with at_most(50, catalog):
        assert len([*catalog.current_groups(1, "/srv")]) == 1
