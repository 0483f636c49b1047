"""What SQLite itself says of a catalog's file."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager

from glacier_backup.catalog.catalog import Catalog


def rows(path: str, table: str) -> list[sqlite3.Row]:
    with closing(sqlite3.connect(path)) as database:
        database.row_factory = sqlite3.Row
        return database.execute(f"SELECT * FROM {table}").fetchall()


def soundness(path: str) -> list[object]:
    """What SQLite finds wrong with a catalog."""
    with closing(sqlite3.connect(path)) as database:
        broken = [row for row in database.execute("PRAGMA integrity_check") if row != ("ok",)]
        return broken + database.execute("PRAGMA foreign_key_check").fetchall()


def changed(path: str, statement: str, *values: object) -> None:
    """Change a catalog behind its back."""
    with closing(sqlite3.connect(path)) as database, database:
        database.execute(statement, values)


@contextmanager
def at_most(thousands: int, catalog: Catalog) -> Iterator[None]:
    """What is asked meanwhile takes SQLite no more than so many thousand steps: no time that depends on the machine,
    but so many rows that it looks at."""
    taken = 0

    def tick() -> None:
        nonlocal taken
        taken += 1

    catalog._database._raw.set_progress_handler(tick, 1_000)
    try:
        yield
    finally:
        catalog._database._raw.set_progress_handler(None, 0)
    assert taken <= thousands
