"""The record of the Storage Box streamer, made for a test."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable
from contextlib import closing
from pathlib import Path

TABLE = "CREATE TABLE files (path TEXT PRIMARY KEY, size INTEGER, mtime INTEGER, uploaded_at INTEGER)"


def write_record(file: Path, rows: Iterable[tuple[object, ...]]) -> Path:
    """A record with these rows, in their order."""
    with closing(sqlite3.connect(file)) as database, database:
        database.execute(TABLE)
        database.executemany("INSERT INTO files VALUES (?, ?, ?, ?)", rows)
    return file
