from __future__ import annotations

import pytest

from glacier_backup.catalog import paging
from glacier_backup.catalog.catalog import Catalog
from glacier_backup.model.archive import Member
from tests.catalog.inside import at_most
from tests.catalog.test_schema import members_of_a_forest
from tests.catalog.values import LOCAL, NOT_UTF8, a_member, a_rebuilt, an_archive, filled, record

_PATHS = (
    *("p", "p!", "p/a", "p/a b", "p/a/x", f"p/a/{NOT_UTF8}", "p/a/y", "p/a0", f"p/{NOT_UTF8}"),
    *(f"p/{NOT_UTF8}/z", f"p/{NOT_UTF8}0", "p/b"),
)


@pytest.fixture
def archive(catalog: Catalog, monkeypatch: pytest.MonkeyPatch) -> int:
    """One with these members, read in short pages."""
    monkeypatch.setattr(paging, "PAGE", 2)
    return record(catalog, None, catalog.register(LOCAL, LOCAL), an_archive(), _members())


def _members() -> list[Member]:
    return [a_member(path, offset=1_024 * number) for number, path in enumerate(_PATHS)]


def _at(catalog: Catalog, archive: int, path: str) -> list[str]:
    found = list(catalog.members_at(archive, path))
    assert [_members()[number] for number, _ in found] == [member for _, member in found]
    return [member.path for _, member in found]


def test_members_at_a_path_are_that_one_and_all_below_it(catalog: Catalog, archive: int) -> None:
    assert _at(catalog, archive, "p/a") == ["p/a", "p/a/x", f"p/a/{NOT_UTF8}", "p/a/y"]
    assert _at(catalog, archive, "p/a/x") == ["p/a/x"]
    assert _at(catalog, archive, f"p/{NOT_UTF8}") == [f"p/{NOT_UTF8}", f"p/{NOT_UTF8}/z"]
    assert _at(catalog, archive, "p") == [path for path in _PATHS if path != "p!"]
    assert _at(catalog, archive, "q") == []
    assert _at(catalog, archive + 1, "p") == []


def test_outlines_are_of_all_members_in_their_order(catalog: Catalog, archive: int) -> None:
    assert [*catalog.outlines(archive)] == [(one.path, one.type, one.size) for one in catalog.members(archive)]
    assert [one.path for one in catalog.outlines(archive)] == [*_PATHS]
    assert [*catalog.outlines(archive + 1)] == []


def test_where_the_next_member_begins_is_known_for_all_but_the_last(catalog: Catalog, archive: int) -> None:
    assert catalog.offset_behind(archive, 0) == 1_024
    assert catalog.offset_behind(archive, len(_PATHS) - 1) is None


def test_a_member_is_found_by_its_path(catalog: Catalog, archive: int) -> None:
    assert catalog.member_named(archive, f"p/a/{NOT_UTF8}") == (5, _members()[5])
    assert catalog.member_named(archive, "p/c") is None


def test_of_two_members_of_a_path_the_last_one_is_meant(catalog: Catalog) -> None:
    filled(catalog, an_archive())
    place = catalog.register(LOCAL, LOCAL)
    archive = record(catalog, None, place, an_archive(), [a_member(), a_member("b"), a_member(offset=512)])

    assert catalog.member_named(archive, a_member().path) == (2, a_member(offset=512))


def test_leaves_are_asked_for_by_themselves(catalog: Catalog) -> None:
    place = filled(catalog, an_archive())
    catalog.add_rebuilt(place, [a_rebuilt("/srv/found")])

    assert catalog.leaves(1, 1) == b"\xab" * 32
    assert catalog.leaves(2, 1) is None
    assert catalog.leaves(1, 2) is None


def test_what_is_below_a_folder_of_many_members_is_found_at_once(catalog: Catalog) -> None:
    count = 100_000
    archive = record(catalog, None, catalog.register(LOCAL, LOCAL), an_archive(), members_of_a_forest(count))

    with at_most(2_000, catalog):
        found = list(catalog.members_at(archive, "git/project-0031"))

    assert len(found) == 2_000
    assert [number for number, _ in found] == list(range(62_000, 64_000))
