"""Which files of another system's record are stored, and under which keys: a join in a database that vanishes.

Rows and objects may be millions; SQLite keeps in memory what is little and the rest in a temporary file.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable, Iterator
from types import TracebackType
from typing import NamedTuple

_TABLES = """
CREATE TABLE files (
    number INTEGER PRIMARY KEY, path BLOB NOT NULL UNIQUE, size INTEGER, mtime INTEGER, uploaded_at INTEGER
);
CREATE TABLE objects (key BLOB PRIMARY KEY, size INTEGER, class TEXT) WITHOUT ROWID;
"""
_JOIN = "files LEFT JOIN objects ON objects.key = CAST(:start || files.path AS BLOB)"
_SENT = f"SELECT path, files.size, mtime, uploaded_at, class FROM {_JOIN}"  # noqa: S608  # constants
_IS_STORED = "objects.size = files.size"


class Sent(NamedTuple):
    """One file that was sent. A plain tuple, for there may be millions."""

    path: str
    """Below the directory that was looked after."""
    size: int
    """Bytes."""
    mtime: int
    """Seconds since 1970, as is the next one."""
    uploaded_at: int
    storage_class: str | None = None
    """Of its object, where that is known."""


class Matching:
    """Files by their paths below one directory, objects by their keys below one prefix. A context manager.

    The key of a file is a ``start``, which is the same for all, and its path. Where a path or a key is added twice the
    last counts.
    """

    def __init__(self) -> None:
        self._database = sqlite3.connect("", isolation_level=None, check_same_thread=False)
        self._database.executescript(f"PRAGMA journal_mode = OFF; PRAGMA synchronous = OFF; {_TABLES}")

    def __enter__(self) -> Matching:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._database.close()

    def add_files(self, files: Iterable[Sent]) -> None:
        rows = ((_bytes(one.path), one.size, one.mtime, one.uploaded_at) for one in files)
        self._add("INSERT OR REPLACE INTO files (path, size, mtime, uploaded_at) VALUES (?, ?, ?, ?)", rows)

    def add_objects(self, objects: Iterable[tuple[str, int, str | None]]) -> None:
        """Key, size in bytes and storage class of each."""
        rows = ((_bytes(key), size, storage_class) for key, size, storage_class in objects)
        self._add("INSERT OR REPLACE INTO objects VALUES (?, ?, ?)", rows)

    def _add(self, statement: str, rows: Iterable[tuple[object, ...]]) -> None:
        self._database.execute("BEGIN")
        self._database.executemany(statement, rows)
        self._database.execute("COMMIT")

    def files(self) -> int:
        """How many there are."""
        return self._count("SELECT count(*) FROM files", "")

    def objects(self) -> int:
        """How many there are."""
        return self._count("SELECT count(*) FROM objects", "")

    def with_object(self, start: str) -> int:
        """How many files there are whose key begins so, and is that of an object of any size."""
        return self._count(f"SELECT count(objects.key) FROM {_JOIN}", start)  # noqa: S608

    def all_files(self) -> Iterator[Sent]:
        """In the order in which they came."""
        return self._sent("", "1")

    def stored(self, start: str) -> Iterator[Sent]:
        """Those that have an object of the same size."""
        return self._sent(start, _IS_STORED)

    def missing(self, start: str) -> Iterator[Sent]:
        """Those that have no object."""
        return self._sent(start, "objects.key IS NULL")

    def of_other_size(self, start: str) -> Iterator[Sent]:
        """Those whose object has another size."""
        return self._sent(start, f"NOT {_IS_STORED}")

    def _sent(self, start: str, condition: str) -> Iterator[Sent]:
        query = f"{_SENT} WHERE {condition} ORDER BY number"
        for path, *rest in self._database.execute(query, {"start": _bytes(start)}):
            yield Sent(path.decode("utf-8", "surrogateescape"), *rest)

    def _count(self, query: str, start: str) -> int:
        found: int = self._database.execute(query, {"start": _bytes(start)}).fetchone()[0]
        return found


def _bytes(text: str) -> bytes:
    """Lone surrogates that stand for no byte, which another program may have written, are no error."""
    try:
        return text.encode("utf-8", "surrogateescape")
    except UnicodeEncodeError:
        return text.encode("utf-8", "surrogatepass")
