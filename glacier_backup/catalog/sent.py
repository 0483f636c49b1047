"""What was sent last of each path, as an archive of its own or in a group. Each answers in full."""

from __future__ import annotations

from collections.abc import Sequence

from sqlalchemy import Connection, and_, func, select

from glacier_backup.catalog.contents import MEMBER, member_of
from glacier_backup.catalog.expiring import gone_since
from glacier_backup.catalog.paging import AnyRow
from glacier_backup.catalog.queries import VARIABLES, damage, is_stored_at
from glacier_backup.catalog.schema import archives, grouped, members
from glacier_backup.model.archive import Member
from glacier_backup.model.candidate import Fingerprint, Kind
from glacier_backup.model.record import LastSent
from glacier_backup.model.tree_digest import tree_fingerprint


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


def kind_of(member: Member) -> Kind:
    """Of the file that a member of a group has."""
    return "link" if member.type == "symlink" else "file"


def look_of(member: Member, touched: int | None = None) -> Fingerprint:
    """Of the same file, as the walk through a tree has it; ``touched`` is the time that it was found to have later."""
    size = member.size if member.target is None else len(member.target.encode("utf-8", "surrogateescape"))
    return tree_fingerprint(kind_of(member), size, member.mtime_ns if touched is None else touched, member.mode)


def _alone(connection: Connection, destination: int, paths: Sequence[str]) -> dict[str, LastSent]:
    table = archives.c
    newest = select(func.max(table.id)).where(is_stored_at(destination), table.path.in_(paths)).group_by(table.path)
    wanted = (table.id.in_(newest), table.expired_at.is_(None))
    size = func.coalesce(table.source_bytes, 0)
    query = select(
        *(table.path, table.id, table.sent_at, size, table.digest, table.problems, table.changed_while_read),
        *(damage, table.sha256),
    )
    return {path: LastSent(*rest) for path, *rest in connection.execute(query.where(*wanted))}


def _in_groups(connection: Connection, destination: int, paths: Sequence[str]) -> dict[str, LastSent]:
    its = grouped.c
    there = (archives.c.sent_at.is_not(None), archives.c.expired_at.is_(None))
    newest = (
        select(its.path, func.max(its.archive).label("archive"))
        .join_from(grouped, archives, archives.c.id == its.archive)
        .where(its.destination == destination, its.path.in_(paths), *there)
        .group_by(its.path)
        .subquery()
    )
    query = (
        select(*MEMBER, its.path.label("was"), its.archive, archives.c.sent_at, damage, its.mtime_ns.label("touched"))
        .add_columns(archives.c.path.label("group"))
        .join_from(newest, grouped, and_(its.path == newest.c.path, its.archive == newest.c.archive))
        .join(members, and_(members.c.archive == its.archive, members.c.number == its.number))
        .join(archives, archives.c.id == its.archive)
        .where(its.destination == destination)
    )
    return {row.was: _last(row) for row in connection.execute(query)}


def _last(row: AnyRow) -> LastSent:
    member = member_of(row)
    seen = look_of(member, row.touched)
    sha256 = member.content_sha256
    return LastSent(row.archive, row.sent_at, seen.bytes, seen.digest, 0, False, row.damage, sha256, row.group)
