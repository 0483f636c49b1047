"""What increments list as deleted: of each archive the names, in the order of the list."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from sqlalchemy import Connection, delete, select

from glacier_backup.catalog.database import Database
from glacier_backup.catalog.exact import pack_text
from glacier_backup.catalog.packed import add_tuples
from glacier_backup.catalog.paging import in_pages
from glacier_backup.catalog.schema import vanished


def note(connection: Connection, archive: int, paths: Iterable[str]) -> None:
    """In place of what was noted of it before."""
    connection.execute(delete(vanished).where(vanished.c.archive == archive))
    add_tuples(connection, vanished, ((archive, number, pack_text(path)) for number, path in enumerate(paths)))


def listed(database: Database, archive: int) -> Iterator[str]:
    """In order."""
    table = vanished.c
    query = select(table.number, table.path).where(table.archive == archive).order_by(table.number)
    rows = in_pages(database, lambda last: query if last is None else query.where(table.number > last.number))
    return (row.path for row in rows)
