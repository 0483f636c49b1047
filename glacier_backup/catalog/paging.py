"""Long answers, a page at a time: nothing is held open while others write, and no more than a page is in memory."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any, TypeAlias

from sqlalchemy import Connection, Row, Select

from glacier_backup.catalog.database import Database

AnyRow: TypeAlias = "Row[*tuple[Any, ...]]"
AnySelect: TypeAlias = "Select[*tuple[Any, ...]]"

PAGE = 1_000
"""Rows that are read at a time."""


def in_pages(database: Database, query: Callable[[AnyRow | None], AnySelect]) -> Iterator[AnyRow]:
    """The rows of a query that is asked again for those behind the last row of each page; None at first."""
    last: AnyRow | None = None
    while page := read_page(database, query(last).limit(PAGE)):
        yield from page
        if len(page) < PAGE:
            return
        last = page[-1]


def read_page(database: Database, query: AnySelect) -> list[AnyRow]:
    """All rows of a query that has few."""

    def ask(connection: Connection) -> list[AnyRow]:
        return list(connection.execute(query))

    return database.read(ask)
