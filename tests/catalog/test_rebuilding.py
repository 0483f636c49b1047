from __future__ import annotations

import itertools
from collections.abc import Iterator
from dataclasses import replace
from datetime import datetime

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from glacier_backup.catalog.catalog import Catalog
from glacier_backup.catalog.paging import VARIABLES
from glacier_backup.errors import DestinationError
from glacier_backup.model.archive import Role
from glacier_backup.model.candidate import Fingerprint
from glacier_backup.model.place import Place
from glacier_backup.model.stored import ArchiveFilter, Rebuilt, StoredArchive
from tests.catalog.inside import rows, soundness
from tests.catalog.processes import running
from tests.catalog.values import (
    LOCAL,
    NOT_UTF8,
    a_rebuilt,
    a_sealed,
    an_archive,
    an_object,
    an_upload,
    filled,
    intended,
    minutes,
)

_FOREVER = """
import sys, time
from glacier_backup.catalog.catalog import Catalog
from glacier_backup.catalog.paging import VARIABLES
from tests.catalog.values import LOCAL, a_rebuilt
def found():
    for number in range(5_000):
        yield a_rebuilt(f"/srv/{number:05d}")
    print("midway", flush=True)
    time.sleep(600)
with Catalog.open(sys.argv[1]) as catalog:
    catalog.add_rebuilt(catalog.register(LOCAL, LOCAL), found())
"""


@pytest.fixture
def place(catalog: Catalog) -> int:
    return catalog.register(LOCAL, LOCAL)


def at(count: int, path: str = "/srv/photos") -> Rebuilt:
    """Of so many minutes after the morning."""
    return a_rebuilt(path, time=minutes(count))


def times(catalog: Catalog, path: str = "/srv/photos") -> list[datetime]:
    """Of all of a path, the newest last."""
    return [one.time for one in catalog.stored_archives(ArchiveFilter(path=path))]


def newest(catalog: Catalog) -> StoredArchive:
    (one,) = catalog.stored_archives(ArchiveFilter(path="/srv/photos", newest=True))
    return one


def test_what_was_found_is_stored_as_far_as_it_is_known(catalog: Catalog, place: int) -> None:
    found = a_rebuilt(f"/srv/{NOT_UTF8}", locator=f"id-{NOT_UTF8}")

    assert catalog.add_rebuilt(place, [found]) == 1

    (told,) = catalog.stored_archives(ArchiveFilter())
    assert (told.path, told.name, told.host) == (found.label.path, found.label.name, "nas")
    assert (told.time, told.sent_at) == (found.label.time, found.volumes[0].stored_at)
    assert (told.kind, told.container, told.recipe, told.digest) == ("directory", "tar", None, None)
    assert (told.source_bytes, told.mtime_ns, told.mode, told.origin) == (None,) * 4
    assert told.volumes == found.volumes
    assert catalog.last_sent(place, [told.path])[told.path].digest is None


def test_a_sealed_archive_that_was_found_has_all_of_its_objects(catalog: Catalog, place: int) -> None:
    sealed, plain = a_sealed(fixed_key="nas/photos"), a_rebuilt()
    kept: list[tuple[int, Role, int]] = [(1, "data", 1), (2, "parity", 1), (3, "data", 2), (4, "manifest", 2)]
    objects = tuple(
        replace(
            plain.volumes[0],
            number=number,
            locator=f"id-{number}",
            role=role,
            volume=volume,
            suffix=an_object(sealed, role, volume).suffix,
            hmac_sha256="c3" * 32,
        )
        for number, role, volume in kept
    )

    found = replace(plain, label=sealed.label, recipe=sealed.recipe, volumes=objects)
    assert catalog.add_rebuilt(place, [found]) == 1
    assert catalog.add_rebuilt(place, [replace(plain, volumes=objects[1:2])]) == 0

    (told,) = catalog.stored_archives(ArchiveFilter())
    assert sorted(told.objects, key=lambda one: one.number) == list(objects)
    assert [one.volume for one in told.volumes] == [1, 2]
    assert (told.suffix, told.alias, told.fixed_key) == (".zst.age", "k3", "nas/photos")
    assert [one.stored_bytes for one in catalog.archives()] == [4 * 4_096]
    assert list(catalog.check()) == []


def test_of_a_raw_file_mode_and_mtime_are_kept(catalog: Catalog, place: int) -> None:
    found = a_rebuilt()
    label = replace(found.label, kind="file", container="raw", mtime_ns=2**70, mode=0o600, fixed_key=f"k/{NOT_UTF8}")

    catalog.add_rebuilt(place, [replace(found, label=label)])

    told = newest(catalog)
    assert (told.mtime_ns, told.mode, told.fixed_key) == (2**70, 0o600, f"k/{NOT_UTF8}")


def test_what_a_manifest_tells_is_kept(catalog: Catalog, place: int) -> None:
    seen = Fingerprint("d1" * 32, 5_000, 3, 7, 0o755)
    found = replace(
        a_rebuilt(), fingerprint=seen, problems=2, changed_while_read=True, origin="mt2", recipe=an_archive().recipe
    )
    found = replace(found, sha256="f6" * 32)

    catalog.add_rebuilt(place, [found])

    told = newest(catalog)
    assert (told.digest, told.source_bytes, told.mtime_ns, told.mode) == ("d1" * 32, 5_000, 7, 0o755)
    assert (told.problems, told.changed_while_read, told.origin) == (2, True, "mt2")
    assert told.recipe == an_archive().recipe
    assert told.sha256 == "f6" * 32


def test_a_locator_that_is_known_at_the_place_is_not_added_again(catalog: Catalog) -> None:
    place = filled(catalog, an_archive(locator="one"))
    found = [a_rebuilt(locator="one"), a_rebuilt("/srv/b", locator="two"), a_rebuilt("/srv/c", locator="two")]
    other = catalog.register(Place("s3", "bucket"), Place("s3", "bucket"))

    assert catalog.add_rebuilt(place, found) == 1
    assert catalog.add_rebuilt(place, found) == 0
    assert catalog.add_rebuilt(other, found) == 2


def test_a_path_may_have_many_archives_and_the_newest_is_the_newest(catalog: Catalog, place: int) -> None:
    assert catalog.add_rebuilt(place, map(at, range(2_500))) == 2_500

    assert times(catalog) == [minutes(count) for count in range(2_500)]
    assert newest(catalog).time == minutes(2_499)
    filled(catalog, an_archive(sent_at=minutes(3_000)))
    assert newest(catalog).digest == "d1" * 32


def test_what_is_older_than_what_is_known_does_not_become_the_newest(catalog: Catalog) -> None:
    place = filled(catalog, an_archive(sent_at=minutes(9)))

    assert catalog.add_rebuilt(place, [at(1), at(2), at(3)]) == 3

    assert times(catalog) == [minutes(1), minutes(2), minutes(3), minutes(8)]
    assert catalog.last_sent(place, ["/srv/photos"])["/srv/photos"].digest == "d1" * 32


def test_what_is_newer_than_what_is_known_becomes_the_newest(catalog: Catalog) -> None:
    place = filled(catalog, an_archive(sent_at=minutes(9)))

    catalog.add_rebuilt(place, [at(1), at(20)])

    assert times(catalog) == [minutes(1), minutes(8), minutes(20)]


def test_what_is_under_way_is_newer_than_what_is_found(catalog: Catalog, place: int) -> None:
    archive = catalog.intend(None, place, intended(an_archive()), 2**24)

    catalog.add_rebuilt(place, [at(1)])

    assert newest(catalog).id < archive


def test_later_finds_have_their_place_in_the_order(catalog: Catalog) -> None:
    place = filled(catalog, an_archive(sent_at=minutes(99)))
    catalog.add_rebuilt(place, [at(30), at(40)])

    catalog.add_rebuilt(place, [at(50), at(60)])
    assert times(catalog) == [minutes(count) for count in (30, 40, 50, 60, 98)]

    catalog.add_rebuilt(place, [at(10), at(20)])
    catalog.add_rebuilt(place, [at(1), at(2)])
    assert times(catalog) == [minutes(count) for count in (1, 2, 10, 20, 30, 40, 50, 60, 98)]


def test_what_was_taken_over_before_has_its_place_too(catalog: Catalog) -> None:
    place = filled(catalog, an_archive(sent_at=minutes(99)))
    catalog.import_uploads(place, [an_upload(sent_at=minutes(30))], "record")

    catalog.add_rebuilt(place, [at(10), at(40)])

    assert times(catalog) == [minutes(count) for count in (10, 30, 40, 98)]


@settings(max_examples=40, deadline=None)
@given(st.lists(st.lists(st.integers(0, 30), max_size=6), max_size=4), st.none() | st.integers(0, 30))
def test_whatever_is_found_when_the_newest_is_the_newest(finds: list[list[int]], known: int | None) -> None:
    with Catalog.peek("/nowhere/at/all") as catalog:
        catalog._database.configure("PRAGMA query_only = OFF")
        place = catalog.register(LOCAL, LOCAL)
        if known is not None:
            filled(catalog, an_archive(sent_at=minutes(known)))
        for find in finds:
            catalog.add_rebuilt(place, map(at, sorted(find)))

        found = times(catalog)

    assert not found or found[-1] == max(found)
    assert len(found) == len({count for find in finds for count in find}) + (known is not None)


def test_what_was_noted_before_it_was_killed_stays_and_the_rest_is_added(path: str) -> None:
    with running(_FOREVER, path) as process:
        process.kill()
        process.wait()
    assert soundness(path) == []

    with Catalog.open(path) as catalog:
        place = catalog.register(LOCAL, LOCAL)
        before = len(list(catalog.archives()))
        assert 0 < before < 5_000
        found = (a_rebuilt(f"/srv/{number:05d}") for number in range(6_000))

        assert catalog.add_rebuilt(place, found) == 6_000 - before
        assert [one.path for one in catalog.archives()] == [f"/srv/{number:05d}" for number in range(6_000)]


def test_what_fails_midway_leaves_the_chunks_before(catalog: Catalog, place: int) -> None:
    def found() -> Iterator[Rebuilt]:
        yield from map(at, range(VARIABLES + 5))
        raise DestinationError("the inventory ends in the middle")

    with pytest.raises(DestinationError):
        catalog.add_rebuilt(place, found())

    assert len(times(catalog)) == VARIABLES


def test_what_is_found_may_use_the_catalog(catalog: Catalog, place: int) -> None:
    found = (at(len(times(catalog)) + number) for number in range(3))

    assert catalog.add_rebuilt(place, found) == 3


def test_two_processes_that_find_the_same_add_it_once(catalog: Catalog, path: str, place: int) -> None:
    with Catalog.open(path) as other:
        both = itertools.count()

        def found() -> Iterator[Rebuilt]:
            for number in range(2_000):
                if next(both) == 1_500:
                    assert other.add_rebuilt(place, map(at, range(2_000))) == 2_000 - VARIABLES
                yield at(number)

        assert catalog.add_rebuilt(place, found()) == VARIABLES

    assert len(rows(path, "archives")) == len(rows(path, "volumes")) == 2_000
    assert times(catalog) == [minutes(count) for count in range(2_000)]
