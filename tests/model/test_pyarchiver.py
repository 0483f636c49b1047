"""What the names of pyArchiver's tars tell."""

from __future__ import annotations

import time
from datetime import UTC, datetime

import pytest

from glacier_backup.model.pyarchiver import in_order, parse_tar_name
from glacier_backup.model.recipe import Step


@pytest.mark.parametrize(
    ("name", "archive", "is_encrypted"),
    [
        ("ARCHIVE_photos_20200101-000000_000000.tar.gz", "photos", False),
        ("ARCHIVE_photos_20200101-000000_000000.tar.gz.aes", "photos", True),
        ("ARCHIVE__20200101-000000_000000.tar.gz", "", False),
        ("ARCHIVE_a_b\nc_20200101-000000_000000.tar.gz", "a_b\nc", False),
    ],
)
def test_a_name_tells_whose_it_is_and_how_it_was_made(name: str, archive: str, is_encrypted: bool) -> None:
    told = parse_tar_name(name)
    assert told is not None
    assert (told.archive, told.is_encrypted) == (archive, is_encrypted)
    steps = told.recipe("srv/photos").steps
    assert steps[0] == Step("tar", {"top": "srv/photos"})
    assert [step.name for step in steps[1:]] == ["gzip", "pyarchiver"][: 1 + is_encrypted]


@pytest.mark.parametrize(
    "name",
    [
        "photos_20200101-000000_000000.tar.gz",
        "ARCHIVE_photos_20200101-000000_00000.tar.gz",
        "ARCHIVE_photos_20200101-000000_000000.tar",
        "ARCHIVE_photos_20200101-000000_000000.tar.gz\n",
        "",
    ],
)
def test_other_names_are_none_of_its(name: str) -> None:
    assert parse_tar_name(name) is None


def name(stamp: str, index: int = 0) -> str:
    return f"ARCHIVE_x_{stamp}_{index:06}.tar.gz"


def test_the_stamp_is_local_time(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TZ", "Europe/Zurich")
    time.tzset()
    try:
        told = parse_tar_name(name("20200701-120000"))
        assert told is not None
        assert told.time == datetime(2020, 7, 1, 10, tzinfo=UTC)
    finally:
        monkeypatch.undo()
        time.tzset()


def test_the_order_is_that_of_the_names_and_times_never_go_back(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TZ", "Europe/Zurich")
    time.tzset()
    try:
        # The clock goes from 3 back to 2 that night: 02:30 comes twice.
        names = [name("20201025-015900"), name("20201025-023000"), name("20201025-023000", 1), name("20201025-030000")]
        found = [*in_order([*reversed(names), "something else", names[0]])]
        assert [one.name for one in found] == names
        times = [one.time for one in found]
        assert times == sorted(times)
    finally:
        monkeypatch.undo()
        time.tzset()


def test_a_stamp_that_is_no_time_is_as_old_as_the_one_before() -> None:
    found = [*in_order([name("20200101-000000"), name("20209999-999999"), name("00000000-000000")])]
    assert [one.told.stamp for one in found] == ["00000000-000000", "20200101-000000", "20209999-999999"]
    assert found[0].time == datetime(1970, 1, 1, tzinfo=UTC)
    assert found[2].time == found[1].time
