"""What was sent last of each path, as an archive of its own or in a group. Each answers in full."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache
from typing import Any

from sqlalchemy import Connection, Select, and_, bindparam, func, select

from glacier_backup.catalog.contents import MEMBER
from glacier_backup.catalog.expiring import gone_since
from glacier_backup.catalog.member_rows import look_of, member_of
from glacier_backup.catalog.paging import VARIABLES, AnyRow
from glacier_backup.catalog.queries import damage, is_stored_at
from glacier_backup.catalog.schema import archives, grouped, members
from glacier_backup.model.record import LastSent


def last_sent(connection: Connection, destination: int, paths: Sequence[str]) -> dict[str, LastSent]:
    """The newest stored version of each of ``paths`` that has one, looked up in bulk; none of what was deleted since.

    The newest is the one with the highest id: clocks jump, the order of intent doesn't.
    """
    found: dict[str, LastSent] = {}
    for start in range(0, len(paths), VARIABLES):
        chunk = paths[start : start + VARIABLES]
        found.update(_alone(connection, destination, chunk))
        for path, last in _in_groups(connection, destination, chunk).items():
            if path not in found or found[path].id < last.id:
                found[path] = last
        for path, id in gone_since(connection, destination, chunk).items():
            if path in found and found[path].id <= id:
                del found[path]
    return found


def _alone(connection: Connection, destination: int, paths: Sequence[str]) -> dict[str, LastSent]:
    rows = connection.execute(_newest_alone(), {"destination": destination, "paths": paths})
    return {path: LastSent(*rest) for path, *rest in rows.all()}


@cache
def _newest_alone() -> Select[Any]:
    """Made once, as below: that takes ten times as long as asking for one path."""
    table = archives.c
    there = (is_stored_at(bindparam("destination")), table.path.in_(bindparam("paths", expanding=True)))
    newest = select(func.max(table.id)).where(*there).group_by(table.path)
    wanted = (table.id.in_(newest), table.expired_at.is_(None))
    size = func.coalesce(table.source_bytes, 0)
    return select(
        *(table.path, table.id, table.sent_at, size, table.digest, table.problems, table.changed_while_read),
        *(damage, table.sha256),
    ).where(*wanted)


def _in_groups(connection: Connection, destination: int, paths: Sequence[str]) -> dict[str, LastSent]:
    rows = connection.execute(_newest_in_groups(), {"destination": destination, "paths": paths})
    return {row.was: _last(row) for row in rows}


@cache
def _newest_in_groups() -> Select[Any]:
    its, is_there = grouped.c, grouped.c.destination == bindparam("destination")
    there = (archives.c.sent_at.is_not(None), archives.c.expired_at.is_(None))
    newest = (
        select(its.path, func.max(its.archive).label("archive"))
        .join_from(grouped, archives, archives.c.id == its.archive)
        .where(is_there, its.path.in_(bindparam("paths", expanding=True)), *there)
        .group_by(its.path)
        .subquery()
    )
    return (
        select(*MEMBER, its.path.label("was"), its.archive, archives.c.sent_at, damage, its.mtime_ns.label("touched"))
        .add_columns(archives.c.path.label("group"))
        .join_from(newest, grouped, and_(its.path == newest.c.path, its.archive == newest.c.archive))
        .join(members, and_(members.c.archive == its.archive, members.c.number == its.number))
        .join(archives, archives.c.id == its.archive)
        .where(is_there)
    )


def _last(row: AnyRow) -> LastSent:
    member = member_of(row)
    seen = look_of(member, row.touched)
    sha256 = member.content_sha256
    return LastSent(row.archive, row.sent_at, seen.bytes, seen.digest, 0, False, row.damage, sha256, row.group)
