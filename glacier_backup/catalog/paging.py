"""Long answers, a page at a time: nothing is held open while others write, and no more than a page is in memory."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Any, NamedTuple, TypeAlias

from glacier_backup.catalog.database import Database, Execute

if TYPE_CHECKING:
    from sqlalchemy import Connection, Row, Select

AnyRow: TypeAlias = "Row[*tuple[Any, ...]]"
AnySelect: TypeAlias = "Select[*tuple[Any, ...]]"

PAGE = 1_000
"""Rows that are read at a time."""

VARIABLES = 900
"""Values in one statement: below the 999 that every SQLite takes (https://www.sqlite.org/limits.html)."""


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


class Rows(NamedTuple):
    """Rows to be read without SQLAlchemy, as the driver has them."""

    columns: str
    source: str
    """The table, or a join."""
    condition: str
    values: tuple[Any, ...]
    """For the marks in ``condition``."""
    order: int
    """So many of the columns, the first ones, tell their order, and one row from another."""


def in_order(database: Database, rows: Rows) -> Iterator[tuple[Any, ...]]:
    """Those rows, however many there are."""
    keys = ", ".join(rows.columns.split(", ")[: rows.order])
    behind = f"AND ({keys}) > ({marks(rows.order)})"
    last: tuple[Any, ...] = ()

    def ask(execute: Execute) -> list[tuple[Any, ...]]:
        statement = (
            f"SELECT {rows.columns} FROM {rows.source} WHERE ({rows.condition}) {behind if last else ''} "  # noqa: S608
            f"ORDER BY {keys} LIMIT {PAGE}"
        )
        return [tuple(row) for row in execute(statement, (*rows.values, *last))]

    while page := database.ask(ask):
        yield from page
        if len(page) < PAGE:
            return
        last = page[-1][: rows.order]


def marks(count: int) -> str:
    """For so many values of a statement."""
    return ", ".join("?" * count)
