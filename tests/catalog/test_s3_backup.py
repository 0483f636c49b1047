from __future__ import annotations

import sqlite3
from contextlib import closing
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from glacier_backup.catalog.s3_backup import is_s3_backups_record, opened
from glacier_backup.errors import CatalogError
from tests.legacy.s3_backup import as_version_1

STORED = datetime(2026, 3, 1, 12, tzinfo=UTC)
SECOND = int(STORED.timestamp())
HASH = "{SHA256}" + "ab" * 32


@pytest.fixture
def record(tmp_path: Path) -> Path:
    path = tmp_path / "s3_content.sqlite"
    execute(
        path,
        "CREATE TABLE s3_object_info (key TEXT PRIMARY KEY NOT NULL, size, mtime)",
        "CREATE TABLE s3_metadata (key TEXT NOT NULL, name, value, PRIMARY KEY(key, name))",
        f"INSERT INTO s3_object_info VALUES ('a/b', 5, {SECOND}), ('odd', 'five', 'now'), (x'ff', 1, {SECOND})",
        f"INSERT INTO s3_metadata VALUES ('a/b', 'hash', '{HASH}'), ('a/b', NULL, 'x'), ('a/b', 'n', x'ff'), "
        "('a/b', 'long', printf('%.5000c', 'x'))",
    )
    return path


def execute(path: Path, *statements: str) -> None:
    with closing(sqlite3.connect(path)) as database, database:
        for statement in statements:
            database.execute(statement)


def test_what_an_object_says_is_told_where_the_bucket_has_just_that(record: Path) -> None:
    with opened(str(record)) as found:
        assert found.count() == 3
        assert found.metadata("a/b", 5, STORED) == {"hash": HASH, "n": "\udcff"}
        assert found.metadata("a/b", 5, STORED - timedelta(hours=5)) is not None  # it was begun then
        assert found.metadata("a/b", 6, STORED) is None
        assert found.metadata("a/b", 5, STORED + timedelta(hours=1)) is None  # somebody has replaced it since
        assert found.metadata("c", 5, STORED) is None
        assert found.metadata("odd", 5, STORED) is None


def test_the_record_of_an_older_version_says_the_same_in_its_way(record: Path) -> None:
    as_version_1(record)

    assert is_s3_backups_record(str(record))
    with opened(str(record)) as found:
        assert found.metadata("a/b", 5, STORED) == {"plaintext-size": "5", "plaintext-hash": HASH}


def test_nothing_of_it_is_changed(record: Path) -> None:
    before = record.read_bytes()
    with opened(str(record)) as found:
        found.metadata("a/b", 5, STORED)

    assert record.read_bytes() == before
    assert [*record.parent.iterdir()] == [record]


def test_another_database_is_none_and_no_database_is_said(tmp_path: Path) -> None:
    execute(tmp_path / "other", "CREATE TABLE files (path)")
    (tmp_path / "text").write_text("no database, but long enough to look like a file of some sort" * 20)

    assert not is_s3_backups_record(str(tmp_path / "other"))
    with pytest.raises(CatalogError, match="can't be read as the record of s3-backup"):
        is_s3_backups_record(str(tmp_path / "text"))
