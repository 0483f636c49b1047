"""The newest state of a tree as one place has it, file by file: what a run compares with what there is.

There may be millions, so rows are read as SQLite has them, in the order of its indexes, and told apart here.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from functools import partial
from heapq import merge
from itertools import chain, islice
from typing import Any, NamedTuple, TypeVar

from sqlalchemy import Connection, or_, select

from glacier_backup.catalog.database import Database
from glacier_backup.catalog.exact import pack_text, unpack_text
from glacier_backup.catalog.grouping import LINK, size_of
from glacier_backup.catalog.paging import VARIABLES, AnyRow
from glacier_backup.catalog.queries import BEFORE_ALL
from glacier_backup.catalog.schema import archives
from glacier_backup.catalog.spans import Span, beginning
from glacier_backup.chunks import in_chunks
from glacier_backup.model.candidate import Kind
from glacier_backup.model.record import Current, CurrentGroup

_PAGE = 10_000
"""Rows that are read at a time."""

_VERSIONS = """
    SELECT grouped.path, grouped.archive, members.type, members.size, members.target, NULL
    FROM grouped CROSS JOIN members USING (archive, number)
    WHERE destination = :place AND grouped.path >= :low AND grouped.path < :behind
    AND (grouped.path > :low OR archive > :after)
    UNION ALL
    SELECT path, id, NULL, COALESCE(source_bytes, 0), kind, fixed_key IS NOT NULL
    FROM archives
    WHERE destination = :place AND path >= :low AND path < :behind AND (path > :low OR id > :after)
    AND sent_at IS NOT NULL AND expired_at IS NULL AND kind IN ('file', 'link')
    AND (host IS NULL OR :host IS NULL OR host = :host)
    ORDER BY 1, 2
    LIMIT :page
"""
_GONE = """
    SELECT path, MAX(archive) FROM gone WHERE destination = :place AND path >= :low AND path <= :last GROUP BY path
"""
_GROUPS = """
    SELECT path, id, name, COALESCE(source_bytes, 0), digest, expired_at
    FROM archives
    WHERE destination = :place AND path >= :low AND path < :behind AND (path > :low OR id > :after)
    AND CAST(path AS TEXT) GLOB '*[*]~*.zip' AND sent_at IS NOT NULL AND kind = 'group' AND fixed_key IS NOT NULL
    AND (host IS NULL OR :host IS NULL OR host = :host)
    ORDER BY path, id
    LIMIT :page
"""

_Told = TypeVar("_Told", bound=Current | CurrentGroup)


class _Group(NamedTuple):
    path: str
    fixed: bool


class _At(NamedTuple):
    """Whose archives."""

    place: int
    host: str | None
    """None: everybody's. Those of which nobody knows whose they are always are among them."""


def current(database: Database, place: int, below: str, host: str | None = None) -> Iterator[Current]:
    """In the order of the bytes of their paths."""
    at = _At(place, host)
    return _by_bytes([_files(database, at, span) for span in beginning(f"{below.rstrip('/')}/")])


def current_groups(database: Database, place: int, below: str, host: str | None = None) -> Iterator[CurrentGroup]:
    """Likewise: of each name the newest archive, unless that was put away."""
    at = _At(place, host)
    return _by_bytes([_groups(database, at, span) for span in beginning(f"{below.rstrip('/')}/")])


def _by_bytes(streams: Sequence[Iterator[_Told]]) -> Iterator[_Told]:
    """SQLite has texts before bytes, of which there mostly are none."""
    texts, *others = streams
    begun: list[Iterator[_Told]] = []
    for rest in others:
        begun += [chain([first], rest) for first in islice(rest, 1)]
    return merge(texts, *begun, key=_bytes) if begun else texts


def _bytes(one: Current | CurrentGroup) -> bytes:
    return one.path.encode("utf-8", "surrogateescape")


def _files(database: Database, at: _At, span: Span) -> Iterator[Current]:
    groups: dict[int, _Group | None] = {}
    last: Current | None = None
    for rows, gone in _pages(database, at, span, groups):
        for path, archive, code, size, what, fixed in rows:
            if gone and gone.get(path, BEFORE_ALL) >= archive:
                continue
            name = path if type(path) is str else unpack_text(path)
            if last is not None and last.path != name:
                yield last
                last = None
            if code is None:
                last = Current(name, archive, what, size, "", bool(fixed))
            elif (group := groups[archive]) is not None:
                kind: Kind = "link" if code == LINK else "file"
                own = None if last is None else last.own if last.group or not last.fixed else last.archive
                last = Current(name, archive, kind, size_of(code, size, what), group.path, group.fixed, own)
    if last is not None:
        yield last


def _pages(
    database: Database, at: _At, span: Span, groups: dict[int, _Group | None]
) -> Iterator[tuple[Sequence[AnyRow], dict[str | bytes, int]]]:
    """All versions; of the deleted paths among them the highest id then; ``groups`` has all that they are in."""
    for rows in _rows(database, _VERSIONS, at, span):
        ids = {row[1] for row in rows if row[2] is not None}
        database.read(partial(_look_up, ids=ids, groups=groups, host=at.host))
        between = {"place": at.place, "low": rows[0][0], "last": rows[-1][0]}
        yield rows, {row[0]: row[1] for row in database.read(partial(_asked, query=_GONE, values=between))}


def _look_up(connection: Connection, ids: set[int], groups: dict[int, _Group | None], host: str | None) -> None:
    """Of what isn't stored, or was put away, or is another's, there is none."""
    new = [id for id in ids if id not in groups]
    groups.update(dict.fromkeys(new))
    table = archives.c
    query = select(table.id, table.path, table.fixed_key.is_not(None))
    query = query.where(table.sent_at.is_not(None), table.expired_at.is_(None))
    if host is not None:
        query = query.where(or_(table.host.is_(None), table.host == host))
    for chunk in in_chunks(new, VARIABLES):
        groups.update((id, _Group(*rest)) for id, *rest in connection.execute(query.where(table.id.in_(chunk))))


def _groups(database: Database, at: _At, span: Span) -> Iterator[CurrentGroup]:
    last: AnyRow | None = None
    for row in chain.from_iterable(_rows(database, _GROUPS, at, span)):
        if last is not None and last[0] != row[0]:
            yield from _unless_expired(last)
        last = row
    if last is not None:
        yield from _unless_expired(last)


def _unless_expired(row: AnyRow) -> Iterator[CurrentGroup]:
    path, archive, name, size, digest, expired_at = row
    if expired_at is None:
        yield CurrentGroup(unpack_text(path), archive, unpack_text(name), size, digest)


def _rows(database: Database, query: str, at: _At, span: Span) -> Iterator[Sequence[AnyRow]]:
    """A page at a time; path and archive are first, as they are stored."""
    low, after = span.low, BEFORE_ALL
    host = None if at.host is None else pack_text(at.host)
    values = {"place": at.place, "host": host, "behind": span.behind, "page": _PAGE}
    while page := database.read(partial(_asked, query=query, values=values | {"low": low, "after": after})):
        yield page
        if len(page) < _PAGE:
            return
        low, after, *_ = page[-1]


def _asked(connection: Connection, query: str, values: dict[str, Any]) -> Sequence[AnyRow]:
    return connection.exec_driver_sql(query, values).all()
