"""Reading the record of the Storage Box streamer."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from glacier_backup.catalog.streamer import SentFile, is_streamer_record, read_files
from glacier_backup.errors import CatalogError
from tests.catalog.streamer_record import write_record


def read(file: Path) -> tuple[list[SentFile], int]:
    left_out: list[None] = []
    return list(read_files(str(file), lambda: left_out.append(None))), len(left_out)


def test_its_rows_are_read_in_their_order(tmp_path: Path) -> None:
    file = write_record(tmp_path / "x.db", [("b/ä", 5, 1_600_000_000, 1_700_000_000), ("/a", 0, 0, 0)])
    assert read(file) == ([SentFile("b/ä", 5, 1_600_000_000, 1_700_000_000), SentFile("/a", 0, 0, 0)], 0)


def test_paths_lose_what_means_nothing(tmp_path: Path) -> None:
    paths = ["./a//b/", "//c", b"caf\xe9"]
    file = write_record(tmp_path / "x.db", [(path, 1, 2, 3) for path in paths])
    assert [one.path for one in read(file)[0]] == ["a/b", "/c", "caf\udce9"]


@pytest.mark.parametrize(
    "row",
    [
        (None, 1, 2, 3),
        ("", 1, 2, 3),
        ("/", 1, 2, 3),
        ("a/../../etc", 1, 2, 3),
        (7.5, 1, 2, None),
        ("a\0b", 1, 2, 3),
        ("a", None, 2, 3),
        ("a", -1, 2, 3),
        ("a", "many", 2, 3),
        ("a", 1.5, 2, 3),
        ("a", b"1", 2, 3),
        ("a", 1, -2, 3),
        ("a", 1, 2**62, 3),
        ("a", 1, 2, -3),
        ("a", 1, 2, 2**62),
        ("a", 1, 2, None),
    ],
)
def test_a_row_that_says_nothing_of_use_is_left_out(tmp_path: Path, row: tuple[object, ...]) -> None:
    file = write_record(tmp_path / "x.db", [row, ("good", 1, 2, 3)])
    assert read(file) == ([SentFile("good", 1, 2, 3)], 1)


def test_it_is_told_by_its_table(tmp_path: Path) -> None:
    assert is_streamer_record(str(write_record(tmp_path / "x.db", [])))
    with closing(sqlite3.connect(tmp_path / "y.db")) as database:
        database.execute("CREATE TABLE files (path, size)")
    assert not is_streamer_record(str(tmp_path / "y.db"))
    (tmp_path / "empty").touch()
    assert not is_streamer_record(str(tmp_path / "empty"))


def test_what_is_no_database_is_said_so(tmp_path: Path) -> None:
    (tmp_path / "x").write_text("nothing of the kind")
    for file in (tmp_path / "x", tmp_path / "missing"):
        with pytest.raises(CatalogError, match=r"can't be read as the record") as caught:
            is_streamer_record(str(file))
        assert "archive_state.db" in str(caught.value.hint)


def test_it_is_left_as_it_was_and_nothing_is_made_beside_it(tmp_path: Path) -> None:
    file = write_record(tmp_path / "x.db", [("a", 1, 2, 3)])
    before = file.read_bytes()
    read(file)
    assert file.read_bytes() == before
    assert [one.name for one in tmp_path.iterdir()] == ["x.db"]
