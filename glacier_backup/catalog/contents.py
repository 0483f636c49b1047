"""What is inside an archive, and what its bytes add up to."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from itertools import chain

from sqlalchemy import Connection, or_, select

from glacier_backup.catalog.codes import MEMBER_TYPES
from glacier_backup.catalog.database import Database
from glacier_backup.catalog.member_rows import member_of
from glacier_backup.catalog.paging import PAGE, AnyRow, in_pages
from glacier_backup.catalog.schema import members, volumes
from glacier_backup.catalog.spans import below
from glacier_backup.model.archive import Member, Outline

_Run = tuple[int, int]
"""Of numbers, the first and the last."""

MEMBER = (
    members.c.number,
    members.c.path,
    members.c.type,
    members.c.size,
    members.c.mtime_ns,
    members.c.mode,
    members.c.offset,
    members.c.target,
    members.c.sha256,
    members.c.source,
)
"""The columns of :func:`~glacier_backup.catalog.member_rows.member_of`; others may stand behind them."""


def list_members(database: Database, archive: int) -> Iterator[Member]:
    """All of them, in stream order."""
    table = members.c
    query = select(*MEMBER).where(table.archive == archive).order_by(table.number)
    rows = in_pages(database, lambda last: query if last is None else query.where(table.number > last.number))
    return (member_of(row) for row in rows)


def list_outlines(database: Database, archive: int) -> Iterator[Outline]:
    """Of all of them, in stream order: fewer columns are fewer to convert, and members come by the million."""
    table = members.c
    columns = (table.path, table.type, table.size, table.number)
    query = select(*columns).where(table.archive == archive).order_by(table.number)
    rows = in_pages(database, lambda last: query if last is None else query.where(table.number > last.number))
    return (Outline(path, MEMBER_TYPES[code], size) for path, code, size, _ in rows)


def members_at(database: Database, archive: int, path: str) -> Iterator[tuple[int, Member]]:
    """The member at ``path`` and all below it, with their numbers, in stream order."""
    table = members.c
    is_below = or_(*[span.condition(table.path) for span in below(path)])
    query = select(*MEMBER).where(table.archive == archive, is_below).order_by(table.number)
    rows = in_pages(database, lambda last: query if last is None else query.where(table.number > last.number))
    return ((row.number, member_of(row)) for row in rows)


def members_in(database: Database, archive: int, numbers: Iterable[tuple[int, int]]) -> Iterator[tuple[int, Member]]:
    """Those whose numbers lie in one of these runs, first and last, with their numbers."""
    for runs in _together(numbers):
        wanted = chain.from_iterable(range(first, last + 1) for first, last in runs)
        number = next(wanted, None)
        for row in _between(database, archive, runs[0][0], runs[-1][1]):
            while number is not None and number < row.number:
                number = next(wanted, None)
            if number == row.number:
                yield row.number, member_of(row)


def _together(numbers: Iterable[tuple[int, int]]) -> Iterator[list[_Run]]:
    """Runs of which each begins soon behind the one before: reading what lies between takes less than another query."""
    runs: list[_Run] = []
    for first, last in numbers:
        if runs and not (len(runs) < PAGE and runs[-1][1] < first <= runs[-1][1] + PAGE):
            yield runs
            runs = []
        runs.append((first, last))
    if runs:
        yield runs


def _between(database: Database, archive: int, first: int, end: int) -> Iterator[AnyRow]:
    table = members.c
    query = select(*MEMBER).where(table.archive == archive, table.number <= end).order_by(table.number)
    begin = query.where(table.number >= first)
    return in_pages(database, lambda last: begin if last is None else query.where(table.number > last.number))


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
