from __future__ import annotations

import os
import sqlite3
from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path

import pytest

from glacier_backup.catalog.legacy import LONG_AGO, find_record, read_uploads
from glacier_backup.errors import CatalogError
from glacier_backup.model.record import ForeignUpload
from tests.catalog.processes import run_as_anybody

Row = tuple[object, object, object, object]

NOVEMBER = 1_604_188_800
"""2020-11-01 00:00 UTC, in seconds since the epoch."""

_READ = """
import sys
from glacier_backup.catalog.legacy import read_uploads
print(len(read_uploads(sys.argv[1])))
"""


@pytest.fixture
def record(tmp_path: Path) -> str:
    """Where the record of a vault is; nothing is there yet."""
    return str(tmp_path / "glacier.photos.sqlite3")


def write(path: str, *rows: Row, mode: str = "DELETE") -> str:
    """A record as 1.2 keeps it."""
    with closing(sqlite3.connect(path)) as database, database:
        database.execute(f"PRAGMA journal_mode = {mode}")
        database.execute("CREATE TABLE uploads (path, name, archive_id, uploaded_date)")
        database.executemany("INSERT INTO uploads VALUES (?, ?, ?, ?)", rows)
    return path


def date_of(path: str, date: object) -> datetime:
    (upload,) = read_uploads(write(path, ("/srv/a", "a", "id", date)))
    return upload.sent_at


def test_every_upload_is_read(record: str) -> None:
    write(record, ("/srv/photos", "photos.tar", "id-1", NOVEMBER), ("/srv/a.iso", "a.iso", "id-2", NOVEMBER + 60))

    assert read_uploads(record) == [
        ForeignUpload("/srv/photos", "photos.tar", "id-1", datetime(2020, 11, 1, tzinfo=UTC)),
        ForeignUpload("/srv/a.iso", "a.iso", "id-2", datetime(2020, 11, 1, 0, 1, tzinfo=UTC)),
    ]


def test_the_last_row_of_a_path_counts_whatever_its_date(record: str) -> None:
    write(
        record,
        ("/srv/a", "a", "first", NOVEMBER),
        ("/srv/b", "b", "other", NOVEMBER),
        ("/srv/a", "a", "last", NOVEMBER - 60),
    )

    assert [upload.locator for upload in read_uploads(record)] == ["other", "last"]


def test_trailing_slashes_do_not_count(record: str) -> None:
    write(record, ("/srv/a/", "a.tar", "1", NOVEMBER), ("/srv/a", "a.tar", "2", NOVEMBER), ("//", "_", "3", NOVEMBER))

    assert [(upload.path, upload.locator) for upload in read_uploads(record)] == [("/srv/a", "2"), ("/", "3")]


@pytest.mark.parametrize("date", [NOVEMBER, float(NOVEMBER), str(NOVEMBER), f"{NOVEMBER}.0", "2020-11-01 00:00:00"])
def test_a_date_may_be_a_number_or_text(record: str, date: object) -> None:
    assert date_of(record, date) == datetime(2020, 11, 1, tzinfo=UTC)


def test_a_date_with_a_zone_is_that_moment(record: str) -> None:
    assert date_of(record, "2020-11-01T02:00:00+02:00") == datetime(2020, 11, 1, tzinfo=UTC)


@pytest.mark.parametrize("date", [None, "", "yesterday", b"\xff", 1e300, float("inf"), "nan", -(10**18)])
def test_a_date_that_can_not_be_read_is_long_ago(record: str, date: object) -> None:
    assert date_of(record, date) == LONG_AGO


@pytest.mark.parametrize(
    "row",
    [
        ("srv/a", "a", "id", NOVEMBER),
        ("", "a", "id", NOVEMBER),
        (None, "a", "id", NOVEMBER),
        (17, "a", "id", NOVEMBER),
        ("/srv/a", "a", None, NOVEMBER),
        ("/srv/a", "a", "", NOVEMBER),
    ],
)
def test_rows_that_name_no_absolute_path_or_no_archive_are_left_out_and_counted(record: str, row: Row) -> None:
    warnings: list[str] = []
    write(record, ("/srv/good", "good", "id", NOVEMBER), row, row)

    assert [upload.path for upload in read_uploads(record, warnings.append)] == ["/srv/good"]
    assert warnings == [f"{record}: 2 uploads are left out, for they have no absolute path or no archive id"]


def test_a_sound_record_gives_no_warning(record: str) -> None:
    warnings: list[str] = []

    read_uploads(write(record, ("/srv/a", "a", "id", NOVEMBER)), warnings.append)

    assert warnings == []


def test_an_upload_without_a_name_has_that_of_its_path(record: str) -> None:
    assert read_uploads(write(record, ("/srv/a.iso", None, "id", NOVEMBER)))[0].name == "a.iso"


def test_names_that_are_not_utf8_are_read(record: str) -> None:
    write(record, (b"/srv/caf\xe9", b"caf\xe9", "id", NOVEMBER))
    with closing(sqlite3.connect(record)) as database, database:
        database.execute("INSERT INTO uploads VALUES (CAST(X'2F616FE9' AS TEXT), 'x', 'id', 0)")

    assert [upload.path for upload in read_uploads(record)] == ["/srv/caf\udce9", "/ao\udce9"]


@pytest.mark.parametrize("mode", ["DELETE", "WAL"])
def test_reading_changes_nothing_and_leaves_nothing_behind(record: str, mode: str) -> None:
    write(record, ("/srv/a", "a", "id", NOVEMBER), mode=mode)
    before = Path(record).read_bytes()

    read_uploads(record)

    assert Path(record).read_bytes() == before
    assert os.listdir(os.path.dirname(record)) == ["glacier.photos.sqlite3"]


@pytest.mark.parametrize("mode", ["DELETE", "WAL"])
def test_a_record_is_read_where_nothing_can_be_written(record: str, tmp_path: Path, mode: str) -> None:
    write(record, ("/srv/a", "a", "id", NOVEMBER), mode=mode)
    os.chmod(record, 0o400)
    tmp_path.chmod(0o500)

    told = run_as_anybody(_READ, record)

    tmp_path.chmod(0o700)
    assert told == "1\n"


def test_the_empty_file_that_a_new_installation_of_1_2_leaves_is_an_empty_record(record: str) -> None:
    Path(record).touch()

    assert read_uploads(record) == []


def test_a_file_that_is_no_database_is_no_record(record: str) -> None:
    Path(record).write_text("[main]\n" * 500)

    with pytest.raises(CatalogError, match=r"can't be read as the record of glacier_backup 1\.2: .* not a database"):
        read_uploads(record)


@pytest.mark.parametrize("table", ["songs (id)", "uploads (path, name)"])
def test_a_database_of_another_program_is_no_record(record: str, table: str) -> None:
    with closing(sqlite3.connect(record)) as database:
        database.execute(f"CREATE TABLE {table}")

    with pytest.raises(CatalogError, match="can't be read as the record") as caught:
        read_uploads(record)

    assert "glacier.<vault>.sqlite3" in str(caught.value.hint)


def test_a_record_that_is_not_there_is_said_so(record: str) -> None:
    with pytest.raises(CatalogError, match="No such file"):
        read_uploads(record)

    assert not os.path.exists(record)


@pytest.mark.parametrize("name", ["glacier.photos.sqlite3", "glacier.'photos'.sqlite3", 'glacier."photos".sqlite3'])
def test_the_record_of_a_vault_is_found_even_if_its_name_was_quoted(tmp_path: Path, name: str) -> None:
    written = write(str(tmp_path / name), ("/srv/a", "a", "id", NOVEMBER))

    assert find_record(str(tmp_path), "photos") == written


def test_an_empty_record_does_not_hide_one_that_was_quoted(tmp_path: Path) -> None:
    (tmp_path / "glacier.photos.sqlite3").touch()
    quoted = write(str(tmp_path / "glacier.'photos'.sqlite3"), ("/srv/a", "a", "id", NOVEMBER))

    assert find_record(str(tmp_path), "photos") == quoted


def test_the_record_of_another_vault_is_not_found(tmp_path: Path) -> None:
    write(str(tmp_path / "glacier.music.sqlite3"), ("/srv/a", "a", "id", NOVEMBER))

    assert find_record(str(tmp_path), "photos") is None


def test_there_is_no_record_in_a_folder_that_is_not_there(tmp_path: Path) -> None:
    assert find_record(str(tmp_path / "nowhere"), "photos") is None
