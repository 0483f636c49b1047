"""Files of trees that got another time and nothing else."""

from __future__ import annotations

from dataclasses import replace

import pytest

from glacier_backup.catalog.catalog import Catalog
from glacier_backup.model.archive import Member
from glacier_backup.model.stored import ArchiveFilter, StoredArchive
from glacier_backup.units import MIB
from tests.catalog.values import LOCAL, NOT_UTF8, a_file, a_group, a_link, checksums, intended, of_tree, record

SECTION = "/srv/photos"
ALONE, GROUPED, LINK = (f"{SECTION}/{name}" for name in ("alone", NOT_UTF8, "link"))
BEFORE = 1_700_000_000 * 10**9
LATER = "file 1234 1800000000000000007"


@pytest.fixture
def place(catalog: Catalog) -> int:
    """It has a file alone, of which the first version is outdated, and a group of two files."""
    place = catalog.register(LOCAL, LOCAL)
    record(catalog, None, place, of_tree(ALONE, size=1))
    record(catalog, None, place, replace(of_tree(ALONE), sha256="a1" * 32))
    hashed = a_file(NOT_UTF8)._replace(sha256=b"\xb2" * 32)
    record(catalog, None, place, a_group(), [hashed, a_link("link", "to")])
    return place


def looks(catalog: Catalog, place: int) -> dict[str, tuple[int, str | None, str | None]]:
    sent = catalog.last_sent(place, [ALONE, GROUPED, LINK])
    return {path: (one.id, one.digest, one.sha256) for path, one in sent.items()}


def stored(catalog: Catalog, path: str) -> StoredArchive:
    (found,) = catalog.stored_archives(ArchiveFilter(path=path, inside=True, newest=True))
    return found


def test_the_hash_of_what_was_sent_last_is_told(catalog: Catalog, place: int) -> None:
    assert looks(catalog, place) == {
        ALONE: (2, f"file 1234 {BEFORE + 1}", "a1" * 32),
        GROUPED: (3, f"file 1234 {BEFORE + 1}", "b2" * 32),
        LINK: (3, f"link 2 {BEFORE}", None),
    }
    assert [stored(catalog, path).sha256 for path in (ALONE, GROUPED, LINK)] == ["a1" * 32, "b2" * 32, None]
    assert [one.sha256 for one in catalog.members(3)] == [b"\xb2" * 32, None]


@pytest.mark.parametrize("time", [1_800_000_000_000_000_007, 2**70, -(2**70), BEFORE + 1])
def test_the_next_run_compares_with_the_new_time(catalog: Catalog, place: int, time: int) -> None:
    now = f"file 1234 {time}"
    catalog.touched(place, [(2, ALONE, LATER), (3, GROUPED, LATER)])
    catalog.touched(place, [(2, ALONE, now), (3, GROUPED, now), (3, LINK, f"link 2 {time}")])

    assert looks(catalog, place) == {
        ALONE: (2, now, "a1" * 32),
        GROUPED: (3, now, "b2" * 32),
        LINK: (3, f"link 2 {time}", None),
    }
    assert {*catalog.paths_like(place, SECTION, [now])[now]} == {ALONE, GROUPED}
    assert catalog.paths_like(place, SECTION, [LATER]).keys() == ({LATER} if now == LATER else set())
    assert [one for one in catalog.check() if "said to" in one] == []


def test_what_comes_back_is_what_was_sent(catalog: Catalog, place: int) -> None:
    members = [*catalog.members(3)]
    catalog.touched(place, [(2, ALONE, LATER), (3, GROUPED, LATER)])
    for path in (ALONE, GROUPED):
        assert stored(catalog, path).digest == LATER
        assert stored(catalog, path).mtime_ns == BEFORE + 1
    assert [*catalog.members(3)] == members


@pytest.mark.parametrize(
    "wrong",
    [
        (2, f"{ALONE}/x", LATER),
        (2, GROUPED, LATER),
        (3, ALONE, LATER),
        (2, ALONE, "file 99 7"),
        (3, GROUPED, "file 99 7"),
        (3, GROUPED, "link 1234 7"),
        (3, GROUPED, "d1" * 32),
        (99, ALONE, LATER),
    ],
)
def test_what_is_not_there_so_is_left_as_it_is(catalog: Catalog, place: int, wrong: tuple[int, str, str]) -> None:
    before = looks(catalog, place)
    catalog.touched(place, [wrong])
    catalog.touched(place + 1, [(2, ALONE, LATER), (3, GROUPED, LATER)])
    assert looks(catalog, place) == before


def test_what_is_on_its_way_is_left_as_it_is(catalog: Catalog, place: int) -> None:
    group = a_group(locator="more")
    archive = catalog.intend(None, place, intended(group), MIB)
    catalog.completing(archive, intended(group), checksums(group), [a_file("new")])
    catalog.touched(place, [(archive, f"{SECTION}/new", LATER)])
    catalog.stored(archive, *group.receipts)
    (sent,) = catalog.last_sent(place, [f"{SECTION}/new"]).values()
    assert sent.digest == f"file 1234 {BEFORE + 1}"


def test_what_is_forgotten_leaves_nothing(catalog: Catalog, place: int) -> None:
    catalog.touched(place, [(2, ALONE, LATER), (3, GROUPED, LATER)])
    catalog.forget_archives([2, 3])
    assert catalog.paths_like(place, SECTION, [LATER, f"file 1234 {BEFORE + 1}"]) == {}
    assert [one for one in catalog.check() if "said to" in one] == []
    rows = catalog.ask(lambda connection: connection.exec_driver_sql("SELECT archive FROM looks").all())
    assert [*rows] == [(1,)]


def test_many_are_noted_at_once(catalog: Catalog, place: int) -> None:
    names = [f"{number:05}" for number in range(2_000)]
    members: list[Member] = [a_file(name) for name in names]
    group = record(catalog, None, place, a_group(locator="more"), members)
    catalog.touched(place, ((group, f"{SECTION}/{name}", LATER) for name in names))
    sent = catalog.last_sent(place, [f"{SECTION}/{name}" for name in names])
    assert {one.digest for one in sent.values()} == {LATER}
    assert len(sent) == len(names)
