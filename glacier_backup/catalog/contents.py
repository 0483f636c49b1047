"""What is inside an archive, and what its bytes add up to."""

from __future__ import annotations

from collections.abc import Iterator

from sqlalchemy import Connection, or_, select

from glacier_backup.catalog.database import Database
from glacier_backup.catalog.paging import AnyRow, in_pages
from glacier_backup.catalog.schema import MEMBER_TYPES, members, volumes
from glacier_backup.catalog.spans import below
from glacier_backup.model.archive import Member

MEMBER = (
    members.c.number,
    members.c.path,
    members.c.type,
    members.c.size,
    members.c.mtime_ns,
    members.c.mode,
    members.c.offset,
    members.c.target,
)
"""The columns of :func:`member_of`."""


def member_of(row: AnyRow) -> Member:
    _, path, code, *rest = row
    return Member(path, MEMBER_TYPES[code], *rest)


def list_members(database: Database, archive: int) -> Iterator[Member]:
    """All of them, in stream order."""
    table = members.c
    query = select(*MEMBER).where(table.archive == archive).order_by(table.number)
    rows = in_pages(database, lambda last: query if last is None else query.where(table.number > last.number))
    return (member_of(row) for row in rows)


def members_at(database: Database, archive: int, path: str) -> Iterator[tuple[int, Member]]:
    """The member at ``path`` and all below it, with their numbers, in stream order."""
    table = members.c
    is_below = or_(*[span(table.path) for span in below(path)])
    query = select(*MEMBER).where(table.archive == archive, is_below).order_by(table.number)
    rows = in_pages(database, lambda last: query if last is None else query.where(table.number > last.number))
    return ((row.number, member_of(row)) for row in rows)


def member_named(connection: Connection, archive: int, path: str) -> tuple[int, Member] | None:
    """The last one of that path: whoever unpacks the archive ends up with it."""
    table = members.c
    query = select(*MEMBER).where(table.archive == archive, table.path == path).order_by(table.number.desc())
    row = connection.execute(query.limit(1)).first()
    return None if row is None else (row.number, member_of(row))


def offset_behind(connection: Connection, archive: int, number: int) -> int | None:
    """Where the member behind that one begins."""
    table = members.c
    query = select(table.offset).where(table.archive == archive, table.number == number + 1)
    return connection.execute(query).scalar()


def leaves(connection: Connection, archive: int, number: int) -> bytes | None:
    """Those of one volume."""
    query = select(volumes.c.leaves).where(volumes.c.archive == archive, volumes.c.number == number)
    return connection.execute(query).scalar()
