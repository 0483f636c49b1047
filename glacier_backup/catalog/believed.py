"""Which files another system takes for stored, though nothing that it has stored holds them as they were: a comparison
in a database that vanishes.

Files may be millions; SQLite keeps in memory what is little and the rest in a temporary file.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable, Iterator
from types import TracebackType
from typing import Literal

from glacier_backup.catalog.exact import pack_text, unpack_text
from glacier_backup.catalog.pyarchiver import SeenFile, look_of

Doubt = Literal["missing", "older"]
"""Nothing is stored of it, or only what it was at another time."""

_TABLE = "CREATE TABLE files (path BLOB PRIMARY KEY, size INTEGER, look TEXT, state INTEGER) WITHOUT ROWID"
_STATES: tuple[Doubt, ...] = ("missing", "older")
_SETTLED = len(_STATES)
_ADD = "INSERT OR REPLACE INTO files VALUES (?, ?, ?, 0)"
_IS_SAME = "look = ? OR (look = '' AND ifnull(size, ?) = ?)"
_STORED = f"UPDATE files SET state = max(state, CASE WHEN {_IS_SAME} THEN {_SETTLED} ELSE 1 END) WHERE path = ?"  # noqa: S608
_PENDING = f"UPDATE files SET state = {_SETTLED} WHERE path = ?"  # noqa: S608  # constants, both


class Believed:
    """Files by their paths below one directory. A context manager."""

    def __init__(self) -> None:
        self._database = sqlite3.connect("", isolation_level=None, check_same_thread=False)
        self._database.executescript(f"PRAGMA journal_mode = OFF; PRAGMA synchronous = OFF; {_TABLE}")

    def __enter__(self) -> Believed:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._database.close()

    def add(self, files: Iterable[SeenFile]) -> None:
        """What is taken for stored."""
        self._each(_ADD, ((pack_text(one.path), one.size, one.look) for one in files))

    def stored(self, files: Iterable[tuple[str, int, int]]) -> None:
        """What is: path, bytes and mtime in ns of each. Compared by the second and the size, as it was by who stored
        it."""
        rows = ((look_of(size, mtime_ns), size, size, pack_text(path)) for path, size, mtime_ns in files)
        self._each(_STORED, rows)

    def settle(self, paths: Iterable[str]) -> None:
        """What is known not to be stored yet, or to be stored by another name."""
        self._each(_PENDING, ((pack_text(path),) for path in paths))

    def count(self, doubt: Doubt) -> int:
        """How many are left of which that is so."""
        found: int = self._database.execute(
            "SELECT count(*) FROM files WHERE state = ?", (_STATES.index(doubt),)
        ).fetchone()[0]
        return found

    def doubtful(self, doubt: Doubt) -> Iterator[str]:
        """Their paths, in order."""
        query = "SELECT path FROM files WHERE state = ? ORDER BY path"
        return (unpack_text(path) for (path,) in self._database.execute(query, (_STATES.index(doubt),)))

    def _each(self, statement: str, rows: Iterable[tuple[object, ...]]) -> None:
        self._database.execute("BEGIN")
        self._database.executemany(statement, rows)
        self._database.execute("COMMIT")
