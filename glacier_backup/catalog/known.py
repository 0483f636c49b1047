"""What the files of a group looked like when it was sent, or were found to look since."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from functools import partial

from sqlalchemy import Connection, select

from glacier_backup.catalog.database import Database
from glacier_backup.catalog.exact import unpack_integer, unpack_text
from glacier_backup.catalog.frames import Frame, frame_of, is_told
from glacier_backup.catalog.grouping import FILES, LINK, size_of
from glacier_backup.catalog.paging import AnyRow
from glacier_backup.catalog.schema import archives, grouped
from glacier_backup.model.record import KnownMember
from glacier_backup.model.tree_digest import SizeAndTime

_PAGE = 10_000
"""Rows that are read at a time."""

_MEMBERS = """
    SELECT number, path, type, size, mtime_ns, target, sha256, source FROM members
    WHERE archive = ? AND number > ? AND type IN (?, ?, ?) ORDER BY number LIMIT ?
"""


def known_members(database: Database, archive: int) -> Iterator[KnownMember]:
    """In stream order; none of what is no group, isn't stored, or changed and changed back while it was read."""
    frame, noted = database.read(partial(_told, archive=archive))
    number = -1
    while frame is not None and (rows := database.read(partial(_page, archive=archive, after=number))):
        for number, path, code, size, mtime_ns, target, sha256, source in rows:
            name = frame.name_of(unpack_text(path), None if source is None else unpack_text(source))
            if name is not None:
                time = noted.get(number)
                seen = unpack_integer(mtime_ns) if time is None else time
                look = SizeAndTime("link" if code == LINK else "file", size_of(code, size, target), seen)
                stored = "" if source is None else frame.name_of(unpack_text(path)) or ""
                yield KnownMember(_bytes(name), look, sha256, _bytes(stored))


def _bytes(name: str) -> bytes:
    return name.encode("utf-8", "surrogateescape")


def _told(connection: Connection, archive: int) -> tuple[Frame | None, dict[int, int]]:
    """What tells where its members were, and by their numbers the times that some got later."""
    table, its = archives.c, grouped.c
    query = select(table.path, table.recipe, table.digest)
    row = connection.execute(
        query.where(table.id == archive, table.kind == "group", table.sent_at.is_not(None))
    ).first()
    if row is None or not is_told(row.digest):
        return None, {}
    times = select(its.number, its.mtime_ns).where(its.archive == archive, its.mtime_ns.is_not(None))
    return frame_of(row.path, row.recipe), {row.number: row.mtime_ns for row in connection.execute(times)}


def _page(connection: Connection, archive: int, after: int) -> Sequence[AnyRow]:
    values = (archive, after, *FILES, _PAGE)
    return connection.exec_driver_sql(_MEMBERS, values).all()
