"""The record of pyArchiver, whatever is in it."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from glacier_backup.catalog.believed import Believed
from glacier_backup.catalog.pyarchiver import (
    SeenFile,
    is_pyarchivers_record,
    look_of,
    read_pending,
    read_seen,
    read_tars,
)
from glacier_backup.errors import CatalogError

DIRECTORY = "/srv/photos"


def record(folder: Path, state: Any = None, tars: tuple[Any, ...] = (), pending: tuple[Any, ...] | None = ()) -> str:
    path = folder / "photos.archive"
    with closing(sqlite3.connect(path)) as database, database:
        database.execute("CREATE TABLE json (state_dir BLOB)")
        database.execute("CREATE TABLE config (ini TEXT)")
        database.execute("CREATE TABLE tars (path)")
        if state is not None:
            database.execute("INSERT INTO json VALUES (?)", (state if isinstance(state, bytes) else as_json(state),))
        database.executemany("INSERT INTO tars VALUES (?)", [(one,) for one in tars])
        if pending is not None:
            database.execute("CREATE TABLE files_to_archive (hash INTEGER PRIMARY KEY, path, size)")
            database.executemany("INSERT INTO files_to_archive (path) VALUES (?)", [(one,) for one in pending])
    return str(path)


def as_json(files: Any) -> bytes:
    return json.dumps({"generator": "info.xtof.COMPARE_FOLDERS", "files": files}).encode()


def test_it_is_told_from_other_databases(tmp_path: Path) -> None:
    assert is_pyarchivers_record(record(tmp_path))
    with closing(sqlite3.connect(tmp_path / "other")) as database:
        database.execute("CREATE TABLE tars (path)")
    assert not is_pyarchivers_record(str(tmp_path / "other"))


@pytest.mark.parametrize("content", [None, b"", b"no database at all" * 100])
def test_what_is_no_database_is_said_to_be_none(tmp_path: Path, content: bytes | None) -> None:
    file = tmp_path / "photos.archive"
    if content is not None:
        file.write_bytes(content)
    if content == b"":
        assert not is_pyarchivers_record(str(file))
        return
    with pytest.raises(CatalogError, match=r"photos\.archive can't be read as the record of pyArchiver"):
        is_pyarchivers_record(str(file))


def test_tars_and_pending_files_are_read_and_nonsense_is_passed_over(tmp_path: Path) -> None:
    odd = ("a", "/srv/photos/b/c", "./d//e", "/etc/passwd", "../x", "", None, 7, b"z", "a\0b")
    file = record(tmp_path, tars=("t1", None, 5, b"t2", "", "t3"), pending=odd)
    assert [*read_tars(file)] == ["t1", "t3"]
    left_out: list[None] = []
    assert [*read_pending(file, DIRECTORY, lambda: left_out.append(None))] == ["a", "b/c", "d/e"]
    assert len(left_out) == 7


def test_a_record_without_a_list_of_pending_files_has_none(tmp_path: Path) -> None:
    assert [*read_pending(record(tmp_path, pending=None), DIRECTORY)] == []


def test_what_it_saw_is_read_from_its_json(tmp_path: Path) -> None:
    look = look_of(3, 1_600_000_000_000_000_000)
    files = {
        "a b.jpg": {"hash": look, "last_modified": 1_600_000_000, "size": 3},
        "caf\udce9/😀": {"hash": f"0x{1_600_000_000:X}0x3", "size": 3},
        "no look": {"size": 9},
        "look of something else": {"hash": "abc", "size": 9},
        "no size": {"hash": "5f5e1003", "size": "3"},
        "../x": {"hash": look, "size": 3},
        "no object": 7,
    }
    left_out: list[None] = []
    found = [*read_seen(record(tmp_path, files), DIRECTORY, lambda: left_out.append(None))]
    assert found == [
        SeenFile("a b.jpg", 3, look),
        SeenFile("caf\udce9/😀", 3, look),
        SeenFile("no look", 9, ""),
        SeenFile("look of something else", 9, ""),
        SeenFile("no size", None, "5f5e1003"),
    ]
    assert len(left_out) == 1


def test_letters_that_are_none_do_no_harm(tmp_path: Path, believed: Believed) -> None:
    found = [*read_seen(record(tmp_path, b'{"files": {"\\ud800": {"size": 3}, "\xff": {"size": 4}}}'), DIRECTORY)]
    believed.add(found)
    assert [*believed.doubtful("missing")] == sorted(one.path for one in found)


def test_a_list_of_files_is_read_too(tmp_path: Path) -> None:
    found = [*read_seen(record(tmp_path, [{"path": "a", "size": 3}, {"size": 4}, "x"]), DIRECTORY)]
    assert found == [SeenFile("a", 3, "")]


@pytest.mark.parametrize("state", [b"", b"{}", b'{"files": 5}', b'{"files": null}'])
def test_a_json_that_tells_of_no_files_tells_of_none(tmp_path: Path, state: bytes) -> None:
    assert [*read_seen(record(tmp_path, state), DIRECTORY)] == []


@pytest.mark.parametrize("state", [b"{", b"\xff\xfe", b"[" * 5000])
def test_what_is_no_json_is_said_to_be_none(tmp_path: Path, state: bytes) -> None:
    with pytest.raises(CatalogError, match="can't be read as the record of pyArchiver: malformed JSON"):
        [*read_seen(record(tmp_path, state), DIRECTORY)]


def test_nothing_is_made_beside_it(tmp_path: Path) -> None:
    file = record(tmp_path, {"a": {"size": 1}}, ("t",), ("b",))
    before = Path(file).read_bytes()
    assert [*read_seen(file, DIRECTORY), *read_tars(file), *read_pending(file, DIRECTORY)]
    assert ([one.name for one in tmp_path.iterdir()], Path(file).read_bytes()) == (["photos.archive"], before)


# What is taken for stored, beside what is.


@pytest.fixture
def believed() -> Iterator[Believed]:
    with Believed() as made:
        yield made


def seen(path: str, size: int = 3, second: int = 1_600_000_000) -> SeenFile:
    return SeenFile(path, size, look_of(size, second * 10**9))


def test_files_in_no_tar_and_files_in_tars_as_they_were_before_are_told_apart(believed: Believed) -> None:
    believed.add([seen("caf\udce9"), seen("changed"), seen("right"), seen("pending"), seen("twice")])
    second = 1_600_000_000 * 10**9
    stored = [("changed", 3, second - 1), ("right", 3, second + 5), ("twice", 3, second), ("twice", 4, second)]
    believed.stored([*stored, ("elsewhere", 1, 1)])
    believed.settle(["pending", "nobody"])
    assert [*believed.doubtful("missing")] == ["caf\udce9"]
    assert [*believed.doubtful("older")] == ["changed"]
    assert (believed.count("missing"), believed.count("older")) == (1, 1)


def test_where_nothing_tells_the_time_the_size_has_to_do(believed: Believed) -> None:
    believed.add([SeenFile("a", 3, ""), SeenFile("b", 3, ""), SeenFile("c", None, "")])
    believed.stored([("a", 3, 1), ("b", 4, 1), ("c", 9, 1)])
    assert ([*believed.doubtful("older")], [*believed.doubtful("missing")]) == (["b"], [])
