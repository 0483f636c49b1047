"""By what files of trees are found again: where each was, and what it looked like.

Of each file in a group there is a row in ``grouped``, by its path, and of each, in a group or alone, one in ``looks``.
Both follow from the archives and their members, and have no index by archive, so that a million files take little room:
whatever removes or replaces an archive removes these rows first, while it can still be told which they are. A group
that changed and changed back while it was read has none: nobody knows what was read of its files.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from functools import cache
from operator import itemgetter
from typing import Any, NamedTuple

from sqlalchemy import Connection, Select, and_, bindparam, or_, select

from glacier_backup.catalog.codes import MEMBER_TYPES
from glacier_backup.catalog.exact import pack_text, unpack_integer, unpack_text
from glacier_backup.catalog.frames import frame_of, is_told
from glacier_backup.catalog.packed import CHUNK, Packed, each
from glacier_backup.catalog.schema import archives
from glacier_backup.chunks import in_chunks
from glacier_backup.model.tree_digest import parse_tree_digest

FILES = tuple(MEMBER_TYPES.index(name) for name in ("file", "symlink", "hardlink"))
"""Codes of the members that were files of a tree."""

LINK = MEMBER_TYPES.index("symlink")
_HARD_LINK = MEMBER_TYPES.index("hardlink")
_SECOND = 10**9
"""In ns."""

_ADD_PATHS = "INSERT OR REPLACE INTO grouped (destination, path, archive, number) VALUES (?, ?, ?, ?)"
_REMOVE_PATHS = "DELETE FROM grouped WHERE destination = ? AND path = ? AND archive = ?"
_ADD_LOOKS = "INSERT OR REPLACE INTO looks (destination, look, archive, number) VALUES (?, ?, ?, ?)"
_REMOVE_LOOKS = "DELETE FROM looks WHERE destination = ? AND look = ? AND archive = ? AND number = ?"

_MEMBERS = "SELECT number, path, type, size, mtime_ns, target, source FROM members WHERE archive = ? ORDER BY number"
_HAS_TYPE = "SELECT 1 FROM members WHERE archive = ? AND type = ? LIMIT 1"
_NUMBER = "SELECT number FROM grouped WHERE destination = ? AND path = ? AND archive = ?"
_TOUCHED = """
    SELECT number, grouped.mtime_ns, type, size, target FROM grouped JOIN members USING (archive, number)
    WHERE archive = ? AND grouped.mtime_ns IS NOT NULL
"""


_OfMember = Any
"""What :data:`_MEMBERS` selects of one; see :data:`_OF_MEMBER`."""

_OF_MEMBER: Callable[[tuple[Packed, ...]], _OfMember] = itemgetter(1, 2, 3, 4, 5, 8, 10)
"""The same of a row of the table."""


class _File(NamedTuple):
    """One member of a group that was a file."""

    number: int
    path: str
    size: int
    mtime_ns: int
    leads_to: str | None
    """Of a hard link: where that was whose content is its own."""


class Move(NamedTuple):
    """Another time that a member of a group got, as a file."""

    number: int
    size: int
    """Bytes, as :func:`size_of`."""
    before: int
    """In ns since 1970."""
    now: int


class _Archive(NamedTuple):
    id: int
    destination: int
    path: str
    kind: str | None
    digest: str | None
    recipe: str | None


def add(connection: Connection, ids: Sequence[int]) -> None:
    """Write the rows of archives that are noted with all of their members; no more of them than a statement takes."""
    for archive in _archives(connection, ids):
        if archive.kind != "group":
            each(connection, _ADD_LOOKS, _look_alone(archive))
        elif is_told(archive.digest):
            for chunk in in_chunks(_members(connection, archive), CHUNK):
                _add_files(connection, archive, chunk)
            _add_hard_links(connection, archive)


class Adding:
    """Writes the rows of one archive whose members are just being noted, so that they needn't be read again."""

    def __init__(self, connection: Connection, id: int) -> None:
        self._connection = connection
        found = _archives(connection, [id])
        self._alone = [one for one in found if one.kind != "group"]
        group = [one for one in found if one.kind == "group" and is_told(one.digest)]
        self._group = group[0] if group else None

    def take(self, rows: Sequence[tuple[Packed, ...]]) -> None:
        """The next members, as rows of their table."""
        if self._group is not None:
            _add_files(self._connection, self._group, map(_OF_MEMBER, rows))

    def end(self) -> None:
        """All are noted."""
        for archive in self._alone:
            each(self._connection, _ADD_LOOKS, _look_alone(archive))
        if self._group is not None:
            _add_hard_links(self._connection, self._group)


def remove(connection: Connection, ids: Sequence[int]) -> None:
    """Remove the rows of archives that are still noted as they were when these were written; likewise."""
    for archive in _archives(connection, ids):
        if archive.kind != "group":
            each(connection, _REMOVE_LOOKS, _look_alone(archive))
            continue
        each(connection, _REMOVE_LOOKS, _moved_looks(connection, archive))
        for chunk in in_chunks(_files(archive, _members(connection, archive)), CHUNK):
            paths = [(archive.destination, pack_text(one.path), archive.id) for one in chunk]
            each(connection, _REMOVE_PATHS, paths)
            each(connection, _REMOVE_LOOKS, _looks(archive, chunk))


def move(connection: Connection, destination: int, archive: int, moves: Iterable[Move]) -> None:
    """Have files found by what they look like now, whose times stand in ``grouped``."""
    told = [*moves]
    each(connection, _REMOVE_LOOKS, [(destination, look(one.size, one.before), archive, one.number) for one in told])
    each(connection, _ADD_LOOKS, [(destination, look(one.size, one.now), archive, one.number) for one in told])


def look(size: int, mtime_ns: int) -> int:
    """64 bits which are the same of files that may be the same: the second, all that some systems know, and the size.

    Those of one time lie together, as they mostly do in a tree, so that adding them touches few pages.
    """
    bits = (mtime_ns // _SECOND << 16 | size & 0xFFFF) & (2**64 - 1)
    return bits - 2**64 if bits >= 2**63 else bits


def size_of(type_code: int, size: int, target: str | bytes | None) -> int:
    """Bytes of content of a member as a tree counts them: of a symlink those of its target."""
    if type_code == _HARD_LINK or target is None:
        return size
    return len(target if isinstance(target, bytes) else target.encode())


def _archives(connection: Connection, ids: Sequence[int]) -> list[_Archive]:
    return [_Archive(*row) for row in connection.execute(_of_trees(), {"ids": ids})]


@cache
def _of_trees() -> Select[Any]:
    """Of all else there are no rows. Made once, for that takes several times as long as asking for one."""
    table = archives.c
    columns = (table.id, table.destination, table.path, table.kind, table.digest, table.recipe)
    of_tree = or_(table.kind == "group", and_(table.kind.in_(["file", "link"]), table.digest.is_not(None)))
    return select(*columns).where(table.id.in_(bindparam("ids", expanding=True)), of_tree)


def _add_files(connection: Connection, archive: _Archive, members: Iterable[_OfMember]) -> None:
    whole = [one for one in _files(archive, members) if one.leads_to is None]
    each(connection, _ADD_PATHS, [_path_row(archive, one.path, one.number) for one in whole])
    each(connection, _ADD_LOOKS, _looks(archive, whole))


def _add_hard_links(connection: Connection, archive: _Archive) -> None:
    """Each stands for the member that it leads to, which has the content."""
    if connection.exec_driver_sql(_HAS_TYPE, (archive.id, _HARD_LINK)).first() is None:
        return
    for one in _files(archive, _members(connection, archive)):
        if one.leads_to is not None:
            key = (archive.destination, pack_text(one.leads_to), archive.id)
            found = connection.exec_driver_sql(_NUMBER, key).scalar()
            if found is not None:
                each(connection, _ADD_PATHS, [_path_row(archive, one.path, found)])


def _path_row(archive: _Archive, path: str, number: int) -> tuple[Packed, ...]:
    return (archive.destination, pack_text(path), archive.id, number)


def _looks(archive: _Archive, files: Iterable[_File]) -> list[tuple[Packed, ...]]:
    return [
        (archive.destination, look(one.size, one.mtime_ns), archive.id, one.number)
        for one in files
        if one.leads_to is None
    ]


def _moved_looks(connection: Connection, archive: _Archive) -> list[tuple[Packed, ...]]:
    """Those that :func:`move` has made."""
    return [
        (archive.destination, look(size_of(code, size, target), unpack_integer(mtime_ns)), archive.id, number)
        for number, mtime_ns, code, size, target in connection.exec_driver_sql(_TOUCHED, (archive.id,))
    ]


def _look_alone(archive: _Archive) -> list[tuple[Packed, ...]]:
    seen = parse_tree_digest(archive.digest or "")
    return [] if seen is None else [(archive.destination, look(seen.size, seen.mtime_ns), archive.id, 0)]


def _members(connection: Connection, archive: _Archive) -> Iterator[_OfMember]:
    rows = connection.exec_driver_sql(_MEMBERS, (archive.id,))
    return (row for page in rows.partitions(CHUNK) for row in page)


def _files(archive: _Archive, members: Iterable[_OfMember]) -> Iterator[_File]:
    """In stream order."""
    frame = frame_of(archive.path, archive.recipe)
    for number, packed, code, size, mtime_ns, target, source in members:
        named = None if source is None else unpack_text(source)
        path = frame.path_of(unpack_text(packed), named) if code in FILES else None
        if path is None:
            continue
        if code != _HARD_LINK:
            yield _File(number, path, size_of(code, size, target), unpack_integer(mtime_ns), None)
        elif target is not None and (leads_to := frame.path_of(unpack_text(target))) is not None:
            yield _File(number, path, size, unpack_integer(mtime_ns), leads_to)
