"""Which file, or group, a key is of that filters have made: an index in a database that vanishes.

There may be millions; SQLite keeps in memory what is little and the rest in a temporary file.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable
from threading import Lock
from types import TracebackType

from glacier_backup.catalog.exact import pack_text, unpack_text

_TABLE = "CREATE TABLE keys (inside INTEGER, key BLOB, path TEXT, PRIMARY KEY (inside, key)) WITHOUT ROWID"
_ADD = "INSERT OR IGNORE INTO keys VALUES (?, ?, ?)"
_FIND = "SELECT path FROM keys WHERE inside = ? AND key = ?"


class KeyPaths:
    """Keys of objects, and of files inside of groups. A context manager; safe to use from several threads."""

    def __init__(self) -> None:
        self._database = sqlite3.connect("", isolation_level=None, check_same_thread=False)
        self._database.executescript(f"PRAGMA journal_mode = OFF; PRAGMA synchronous = OFF; {_TABLE}")
        self._lock = Lock()

    def __enter__(self) -> KeyPaths:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._database.close()

    def add(self, rows: Iterable[tuple[str, str]], *, inside: bool = False) -> None:
        """Key and path of each; of one key the first counts."""
        with self._lock:
            self._database.execute("BEGIN")
            self._database.executemany(_ADD, ((inside, pack_text(key), pack_text(path)) for key, path in rows))
            self._database.execute("COMMIT")

    def path_of(self, key: str, *, inside: bool = False) -> str | None:
        """None for a key that nothing has."""
        with self._lock:
            row = self._database.execute(_FIND, (inside, pack_text(key))).fetchone()
        return None if row is None else unpack_text(row[0])
