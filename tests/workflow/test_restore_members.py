"""A directory out of an archive, whose hard links lead out of it."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from glacier_backup.destination.local import Local
from glacier_backup.model.restore import WHOLE, RestoreItem
from glacier_backup.plan.inside import needed
from glacier_backup.units import MIB
from tests.streams import noise
from tests.workflow.library import Library, look

FILES = 200
MEMBER = "snapshots/daily.1"


@pytest.fixture
def library(tmp_path: Path) -> Library:
    """Two snapshots, as rsnapshot makes them: what hasn't changed is a hard link to the one before."""
    library = Library(tmp_path / "library", lambda: Local(str(tmp_path / "disk"), create=True))
    before, after = (library.source / "snapshots" / name for name in ("daily.0", "daily.1"))
    before.mkdir(parents=True)
    after.mkdir()
    for number in range(FILES):
        (before / f"f{number:03}").write_bytes(noise(2000, number))
        if number % 2:
            os.link(before / f"f{number:03}", after / f"f{number:03}")
        else:
            (after / f"f{number:03}").write_bytes(b"changed")
    (library.source / "snapshots" / "last").write_bytes(noise(3 * MIB))
    library.back_up()
    return library


def test_the_bytes_of_many_ranges_are_fetched_once(library: Library) -> None:
    with library.catalog() as catalog:
        (archive,) = library.archives(catalog)
        ranges = needed(catalog, archive, MEMBER).ranges
    assert len(ranges) > FILES // 4

    summary = library.restore([RestoreItem(archive.id, "daily.1", MEMBER, ranges)])

    assert summary.exit_code == 0, library.causes()
    assert look(library.target / "daily.1") == look(library.source / MEMBER)
    assert summary.fetched <= 2 * MIB


def test_what_links_lead_to_comes_along_where_nobody_knew_of_them(library: Library) -> None:
    library.sql("DELETE FROM members")
    with library.catalog() as catalog:
        (archive,) = library.archives(catalog)
        assert needed(catalog, archive, MEMBER).ranges == (WHOLE,)

    summary = library.restore([RestoreItem(archive.id, "daily.1", MEMBER)])

    assert summary.exit_code == 0, library.causes()
    assert look(library.target) == {
        "daily.1": look(library.source)[MEMBER],
        **{f"daily.1/{name}": seen for name, seen in look(library.source / MEMBER).items()},
    }


def test_and_where_there_are_too_many_ranges_the_members_are_still_compared(library: Library) -> None:
    with library.catalog() as catalog:
        (archive,) = library.archives(catalog)
    library.sql("UPDATE members SET size = size + 1 WHERE path LIKE '%daily.0/f100'")

    summary = library.restore([RestoreItem(archive.id, "daily.1", MEMBER)])

    assert summary.exit_code == 5
    assert "holds other things than the catalog says" in library.causes()
