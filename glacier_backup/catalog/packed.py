"""Rows by the million: packed by the caller, and handed to the driver as tuples.

Through the types of their columns they take three times as long.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from functools import cache
from typing import Any

from sqlalchemy import Column, Connection, Table, insert
from sqlalchemy.dialects import sqlite
from sqlalchemy.sql.schema import ScalarElementColumnDefault

from glacier_backup.chunks import in_chunks

CHUNK = 5_000
"""Rows that are handed to SQLite at a time; bounds memory however many there are."""

Packed = int | str | bytes | None


def add_tuples(connection: Connection, table: Table, rows: Iterable[tuple[Packed, ...]]) -> None:
    """Values in the order of the table's columns, each as :mod:`glacier_backup.catalog.exact` packs it."""
    each(connection, _insertion(table), rows)


@cache
def _insertion(table: Table) -> str:
    return str(insert(table).compile(dialect=sqlite.dialect()))


def each(connection: Connection, statement: str, rows: Iterable[tuple[Packed, ...]]) -> None:
    """Run ``statement`` with each of ``rows``, packed likewise."""
    for chunk in in_chunks(rows, CHUNK):
        connection.exec_driver_sql(statement, chunk)


def add_rows(connection: Connection, table: Table, rows: Iterable[Mapping[str, Packed]]) -> None:
    """The same by the names of columns; those that are left out are NULL, or what the table has for them by default."""
    columns = [(column.name, _default(column)) for column in table.columns]
    add_tuples(connection, table, (tuple([row.get(name, default) for name, default in columns]) for row in rows))


def _default(column: Column[Any]) -> Packed:
    return column.default.arg if isinstance(column.default, ScalarElementColumnDefault) else None
