"""What SQLite itself says of a catalog's file."""

from __future__ import annotations

import sqlite3
from contextlib import closing


def rows(path: str, table: str) -> list[sqlite3.Row]:
    with closing(sqlite3.connect(path)) as database:
        database.row_factory = sqlite3.Row
        return database.execute(f"SELECT * FROM {table}").fetchall()


def soundness(path: str) -> list[object]:
    """What SQLite finds wrong with a catalog."""
    with closing(sqlite3.connect(path)) as database:
        broken = [row for row in database.execute("PRAGMA integrity_check") if row != ("ok",)]
        return broken + database.execute("PRAGMA foreign_key_check").fetchall()
