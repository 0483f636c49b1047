"""What is stored and is no part of the newest state any more: it was deleted at its source, or is stored otherwise now.

Nothing is forgotten for that. An archive that is put away (``expired_at``) holds no newest version of anything; history
has it. Of a file alone the earlier ones of its path are put away with it, of a group none are: what only an earlier one
of the same name has is still the newest of its file. A path that is gone (``gone``) has no newest version, wherever
they are; what is sent of it later has higher ids. Both are told by the order of intent, for clocks jump, and by their
times only where somebody asks what there was at a certain time.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime
from functools import cache

from sqlalchemy import ColumnElement, Connection, FromClause, Select, and_, bindparam, exists, func, or_, select

from glacier_backup.catalog.copies import note_change
from glacier_backup.catalog.exact import pack_text
from glacier_backup.catalog.packed import each
from glacier_backup.catalog.paging import VARIABLES
from glacier_backup.catalog.queries import is_stored_at
from glacier_backup.catalog.schema import archives, gone
from glacier_backup.chunks import in_chunks
from glacier_backup.units import rfc3339

_PUT_AWAY = "UPDATE archives SET expired_at = ? WHERE id = ? AND expired_at IS NULL"
_PUT_ALL_AWAY = """
    UPDATE archives SET expired_at = ?
    WHERE destination = ? AND path = ? AND id <= ? AND sent_at IS NOT NULL AND expired_at IS NULL
    AND kind IS NOT 'group'
"""
_GONE = "INSERT OR IGNORE INTO gone (destination, path, at, archive) VALUES (?, ?, ?, ?)"


def expire(connection: Connection, destination: int, ids: Iterable[int], paths: Iterable[str], at: datetime) -> None:
    """What was put away before stays so since then. An archive that isn't stored there is passed over."""
    put_away(connection, destination, ((id, at) for id in ids))
    last = connection.execute(select(func.max(archives.c.id))).scalar() or 0
    each(connection, _GONE, ((destination, pack_text(path), rfc3339(at), last) for path in paths))
    note_change(connection)


def put_away(connection: Connection, destination: int, ids: Iterable[tuple[int, datetime]]) -> None:
    """Archives, each since when; likewise."""
    table = archives.c
    query = select(table.id, table.path, table.kind).where(is_stored_at(destination))
    for chunk in in_chunks(ids, VARIABLES):
        since = {id: rfc3339(at) for id, at in chunk}
        rows = connection.execute(query.where(table.id.in_(since))).all()
        each(connection, _PUT_AWAY, [(since[id], id) for id, _, kind in rows if kind == "group"])
        alone = [(since[id], destination, pack_text(path), id) for id, path, kind in rows if kind != "group"]
        each(connection, _PUT_ALL_AWAY, alone)


def gone_since(connection: Connection, destination: int, paths: Sequence[str]) -> dict[str, int]:
    """Of those of ``paths`` that were deleted the highest id then; no more of them than a statement takes."""
    rows = connection.execute(_last_gone(), {"destination": destination, "paths": paths})
    return {row.path: row.last for row in rows}


@cache
def _last_gone() -> Select[tuple[str, int]]:
    """Made once: that takes ten times as long as asking for one path."""
    its = gone.c
    there = (its.destination == bindparam("destination"), its.path.in_(bindparam("paths", expanding=True)))
    return select(its.path, func.max(its.archive).label("last")).where(*there).group_by(its.path)


def is_present(table: FromClause, path: ColumnElement[str], until: datetime | None) -> ColumnElement[bool]:
    """Whether neither the archive in ``table`` was put away by ``until``, None: by now, nor ``path`` deleted since."""
    its = gone.alias()
    deleted = exists().where(
        its.c.destination == table.c.destination,
        its.c.path == path,
        its.c.archive >= table.c.id,
        *(() if until is None else (its.c.at <= until,)),
    )
    return and_(is_kept(table, until), ~deleted)


def is_kept(table: FromClause, until: datetime | None) -> ColumnElement[bool]:
    """Only the first."""
    never = table.c.expired_at.is_(None)
    return never if until is None else or_(never, table.c.expired_at > until)
