from __future__ import annotations

import fnmatch
from collections.abc import Iterator
from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from glacier_backup.catalog import loaded, paging
from glacier_backup.catalog.catalog import Catalog
from glacier_backup.catalog.keys import Key, Sorting
from glacier_backup.errors import CatalogError
from glacier_backup.model.archive import ReadProblem
from glacier_backup.model.place import Place
from glacier_backup.model.recipe import Recipe, Step
from glacier_backup.model.stored import ArchiveFilter, StoredVolume
from tests.catalog.inside import at_most, changed
from tests.catalog.values import (
    LOCAL,
    MORNING,
    NOT_UTF8,
    a_rebuilt,
    an_archive,
    an_upload,
    checksums,
    filled,
    intended,
    minutes,
    record,
)

OTHER = Place("s3", "bucket/prefix")

TREE = ("/srv", "/srv/a", "/srv/a!b", "/srv/a/b", "/srv/a/b/c", "/srv/a0", "/srv/ab", f"/srv/a/{NOT_UTF8}", "/tmp/a")


@pytest.fixture(params=[2, paging.PAGE])
def _pages(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """Pages so short that everything takes several, and as they are."""
    monkeypatch.setattr(paging, "PAGE", request.param)
    monkeypatch.setattr(loaded, "TOGETHER", request.param)


several_pages = pytest.mark.usefixtures("_pages")


def paths(catalog: Catalog, wanted: ArchiveFilter | None = None) -> list[str]:
    return [archive.path for archive in catalog.stored_archives(wanted or ArchiveFilter())]


def ids(catalog: Catalog, wanted: ArchiveFilter) -> list[int]:
    return [archive.id for archive in catalog.stored_archives(wanted)]


def test_a_stored_archive_is_told_with_all_that_is_known(catalog: Catalog) -> None:
    stored = an_archive(problems=[ReadProblem("/srv/photos/a", "gone")], changed=True)
    place = filled(catalog, stored)
    catalog.note_verified(1, 1, minutes(9))

    (told,) = catalog.stored_archives(ArchiveFilter())

    assert (told.id, told.place_id, told.path, told.name, told.host) == (1, place, "/srv/photos", "photos.tar", "host")
    assert (told.kind, told.container, told.recipe) == ("directory", "tar", stored.recipe)
    assert (told.time, told.sent_at) == (minutes(-1), MORNING)
    assert (told.source_bytes, told.size, told.mode) == (5_000, 10_240, 0o755)
    assert (told.mtime_ns, told.digest, told.fixed_key) == (1_700_000_000_123_456_789, "d1" * 32, None)
    assert (told.has_members, told.problems, told.changed_while_read, told.origin) == (True, 1, True, None)
    volume = StoredVolume(1, "archive-id", 10_240, "e2" * 32, MORNING, has_leaves=True, verified_at=minutes(9))
    assert told.volumes == (volume,)


def test_what_another_system_has_sent_is_told_as_far_as_it_is_known(catalog: Catalog) -> None:
    catalog.import_uploads(catalog.register(LOCAL, LOCAL), [an_upload()], "record")

    (told,) = catalog.stored_archives(ArchiveFilter())

    assert (told.recipe, told.container, told.kind, told.digest, told.size) == (None,) * 5
    assert (told.time, told.origin, told.has_members) == (MORNING, "record", False)
    assert not told.volumes[0].has_leaves


def test_what_is_not_known_to_be_stored_is_not_told(catalog: Catalog) -> None:
    place = catalog.register(LOCAL, LOCAL)
    for path, end in (("/srv/doubtful", catalog.doubt), ("/srv/under-way", lambda _: None)):
        archive = catalog.intend(None, place, intended(an_archive(path)), 2**24)
        catalog.completing(archive, intended(an_archive(path)), checksums(an_archive(path)), [])
        end(archive)

    assert paths(catalog) == paths(catalog, ArchiveFilter(ids=(1, 2))) == []


@several_pages
def test_archives_come_by_path_then_by_place_then_oldest_first(catalog: Catalog) -> None:
    first, second = (catalog.register(place, place) for place in (LOCAL, OTHER))
    for path, place in [("/b", first), ("/a", second), ("/b", second), ("/a", first), ("/a", second), ("/b", first)]:
        record(catalog, None, place, an_archive(path, sent_at=minutes(-len(paths(catalog)))))

    told = [(one.path, one.place_id, one.id) for one in catalog.stored_archives(ArchiveFilter())]

    assert told == [
        *(("/a", first, 4), ("/a", second, 2), ("/a", second, 5)),
        *(("/b", first, 1), ("/b", first, 6), ("/b", second, 3)),
    ]
    assert ids(catalog, ArchiveFilter(ids=(6, 5, 4, 3, 2, 1, 99))) == [4, 2, 5, 1, 6, 3]
    assert ids(catalog, ArchiveFilter(place_id=second)) == [2, 5, 3]


@several_pages
def test_below_a_path_is_that_path_and_nothing_beside_it(catalog: Catalog) -> None:
    filled(catalog, *map(an_archive, TREE))

    assert paths(catalog, ArchiveFilter(below="/srv/a")) == ["/srv/a", "/srv/a/b", "/srv/a/b/c", f"/srv/a/{NOT_UTF8}"]
    assert paths(catalog, ArchiveFilter(below="/srv/a/")) == paths(catalog, ArchiveFilter(below="/srv/a"))[1:]
    assert len(paths(catalog, ArchiveFilter(below="/"))) == len(TREE)
    assert paths(catalog, ArchiveFilter(below=f"/srv/a/{NOT_UTF8}")) == [f"/srv/a/{NOT_UTF8}"]


@several_pages
def test_below_a_path_that_is_not_utf8(catalog: Catalog) -> None:
    top = f"/srv/{NOT_UTF8}"
    filled(catalog, *map(an_archive, [top, f"{top}/a", f"{top}/ü", f"{top}0", f"/srv/{NOT_UTF8}x/a"]))

    assert paths(catalog, ArchiveFilter(below=top)) == [top, f"{top}/a", f"{top}/ü"]


_NAMES = st.text(st.sampled_from("a!0/é\udce9[*?b-]^"), min_size=1, max_size=6)


@settings(max_examples=50)
@given(st.lists(_NAMES, max_size=12, unique=True), _NAMES, _NAMES)
def test_below_and_glob_hold_what_they_say(names: list[str], below: str, glob: str) -> None:
    with Catalog.peek("/nowhere/at/all") as catalog:
        catalog._database.configure("PRAGMA query_only = OFF")
        place = catalog.register(LOCAL, LOCAL)
        catalog.import_uploads(place, [an_upload(f"/{name}") for name in names], "record")
        known = sorted(f"/{name}" for name in names)
        top = f"/{below}".rstrip("/")

        assert sorted(paths(catalog)) == known
        assert sorted(paths(catalog, ArchiveFilter(below=top))) == [
            path for path in known if path == top or path.startswith(f"{top}/")
        ]
        for pattern in (glob, f"/{glob}", f"*{glob}"):
            assert sorted(paths(catalog, ArchiveFilter(glob=pattern))) == [
                path for path in known if fnmatch.fnmatchcase(path, pattern)
            ]


@several_pages
def test_each_filter_leaves_out_the_others(catalog: Catalog) -> None:
    problems = [ReadProblem("/srv/b/x", "gone")]
    place = filled(
        catalog,
        an_archive("/srv/a", locator="one", sent_at=minutes(1)),
        an_archive("/srv/b", locator="two", sent_at=minutes(2), problems=problems),
        an_archive("/mnt/a", locator="three", sent_at=minutes(3)),
    )

    assert ids(catalog, ArchiveFilter(path="/srv/a")) == [1]
    assert ids(catalog, ArchiveFilter(name="a.tar")) == [3, 1]
    assert ids(catalog, ArchiveFilter(name="a.tar", below="/srv")) == [1]
    assert ids(catalog, ArchiveFilter(name="a.tar", glob="/m*")) == [3]
    assert ids(catalog, ArchiveFilter(locator="two")) == [2]
    assert ids(catalog, ArchiveFilter(locator="two", path="/srv/a")) == []
    assert ids(catalog, ArchiveFilter(locator="two", place_id=place + 1)) == []
    assert ids(catalog, ArchiveFilter(ids=(1, 2), since=minutes(1))) == [2]
    assert ids(catalog, ArchiveFilter(since=minutes(1))) == [3, 2]
    assert ids(catalog, ArchiveFilter(until=minutes(1))) == [1, 2]
    assert ids(catalog, ArchiveFilter(incomplete=True)) == [2]
    assert ids(catalog, ArchiveFilter(path="/srv/a", below="/mnt")) == []
    assert ids(catalog, ArchiveFilter(ids=())) == []
    assert ids(catalog, ArchiveFilter(ids=(2**64, 1, -(2**64)))) == [1]


@several_pages
def test_the_newest_of_each_path_at_each_place_is_that_of_the_highest_id(catalog: Catalog) -> None:
    first = filled(catalog, an_archive("/a", sent_at=minutes(60)), an_archive("/a"), an_archive("/b"))
    second = filled(catalog, an_archive("/a", locator="there"), place=OTHER)

    newest = [(one.path, one.place_id, one.id) for one in catalog.stored_archives(ArchiveFilter(newest=True))]

    assert newest == [("/a", first, 2), ("/a", second, 4), ("/b", first, 3)]
    assert ids(catalog, ArchiveFilter(newest=True, name="a.tar")) == [2, 4]
    assert ids(catalog, ArchiveFilter(newest=True, ids=(1, 3))) == [3]


@several_pages
def test_the_newest_as_of_a_moment(catalog: Catalog) -> None:
    times = [minutes(count) for count in (1, 2, 3)]
    filled(catalog, *(an_archive("/a", sent_at=at) for at in times), an_archive("/b", sent_at=minutes(9)))

    assert ids(catalog, ArchiveFilter(newest=True, until=minutes(1))) == [2]
    assert ids(catalog, ArchiveFilter(newest=True, until=minutes(-9))) == []
    assert ids(catalog, ArchiveFilter(newest=True, since=minutes(2))) == [3, 4]


def test_the_newest_is_chosen_before_anything_else_is_asked(catalog: Catalog) -> None:
    torn = an_archive("/a", problems=[ReadProblem("/a/x", "gone")])
    filled(catalog, torn, an_archive("/a"), replace(torn, label=replace(torn.label, path="/b")))

    assert ids(catalog, ArchiveFilter(newest=True, incomplete=True)) == [3]


def test_what_is_recorded_and_forgotten_between_pages_disturbs_nothing(
    catalog: Catalog, path: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(paging, "PAGE", 2)
    monkeypatch.setattr(loaded, "TOGETHER", 2)
    filled(catalog, *(an_archive(f"/srv/{name}") for name in "acegik"))

    told = catalog.stored_archives(ArchiveFilter())
    first = next(told).path
    with Catalog.open(path) as other:
        place = filled(other, an_archive("/srv/b"), an_archive("/srv/h"))
        other.forget_archives([4])
        other.add_rebuilt(place, [a_rebuilt("/srv/z")])

    assert [first, *(one.path for one in told)] == [f"/srv/{name}" for name in "acehikz"]


def test_a_recipe_that_can_not_be_read_is_said_with_its_path(catalog: Catalog, path: str) -> None:
    filled(catalog, an_archive())
    changed(path, """UPDATE archives SET recipe = '{"version": 1}'""")

    with pytest.raises(CatalogError, match=r"^/srv/photos: how its archive was made can't be read"):
        list(catalog.stored_archives(ArchiveFilter()))


def test_every_place_is_listed_with_its_id(catalog: Catalog) -> None:
    vault = Place("glacier", "photos", "eu-central-1", "-")
    first = catalog.register(vault, vault.with_account("111122223333"))
    second = catalog.register(LOCAL, LOCAL)

    assert catalog.places() == [(first, vault.with_account("111122223333")), (second, LOCAL)]


_KEYS = st.tuples(_NAMES, st.integers(1, 3), st.integers(-(2**40), 2**40), st.none() | st.integers(0, 2**40))


@given(st.lists(_KEYS, max_size=20, unique_by=lambda key: key[2]))
def test_sorting_has_each_once_and_in_the_order_of_the_database(
    found: list[tuple[str, int, int, int | None]],
) -> None:
    keys = [Key(*one) for one in found]
    sorting, newest = Sorting(), Sorting(newest_first=True)
    for key in [*keys, *keys]:
        sorting.add(key)
        newest.add(key)

    assert list(sorting.keys()) == sorted(keys, key=lambda key: key.order)
    assert list(newest.keys()) == sorted(keys, key=lambda key: (key.order[:2], -key.id))


def _many(count: int) -> Iterator[str]:
    return (f"/srv/{number % 7}/{number // 7:06d}" for number in range(count))


def test_a_few_of_twenty_thousand_are_found_without_a_look_at_the_others(catalog: Catalog) -> None:
    place = catalog.register(LOCAL, LOCAL)
    assert catalog.add_rebuilt(place, map(a_rebuilt, _many(20_000))) == 20_000

    with at_most(20, catalog):
        assert len(ids(catalog, ArchiveFilter(below="/srv/3/00012", newest=True))) == 0
        assert len(ids(catalog, ArchiveFilter(glob="/srv/3/0001[12]?", newest=True))) == 20
        assert len(ids(catalog, ArchiveFilter(path="/srv/3/000123"))) == 1
        assert len(ids(catalog, ArchiveFilter(name="000123.tar"))) == 7
        assert len(ids(catalog, ArchiveFilter(locator=a_rebuilt("/srv/3/000123").volumes[0].locator))) == 1
    assert sum(1 for _ in catalog.stored_archives(ArchiveFilter(newest=True))) == 20_000


def test_recipes_are_told_as_they_were(catalog: Catalog) -> None:
    recipe = Recipe((Step("tar", {"format": "pax"}), Step("age", {"recipients": 2})))
    place = catalog.register(LOCAL, LOCAL)
    catalog.add_rebuilt(place, [replace(a_rebuilt(), recipe=recipe)])

    assert [one.recipe for one in catalog.stored_archives(ArchiveFilter())] == [recipe]
