"""Which stored files look as others do: what was renamed is found by that."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import islice

from sqlalchemy import Connection, and_, select

from glacier_backup.catalog.contents import MEMBER
from glacier_backup.catalog.frames import frame_of
from glacier_backup.catalog.grouping import look
from glacier_backup.catalog.member_rows import look_of, member_of
from glacier_backup.catalog.paging import VARIABLES, AnyRow
from glacier_backup.catalog.schema import archives, grouped, looks, members
from glacier_backup.catalog.sent import last_sent
from glacier_backup.chunks import in_chunks
from glacier_backup.model.tree_digest import parse_tree_digest, same_look

MOST = 8
"""Paths that are told of one look."""

_LOOKED_AT = 2_000
"""Rows that are read at a time. Of a look that has more, as that of empty files may, the others are left out."""


def paths_like(
    connection: Connection, destination: int, below: str, digests: Sequence[str]
) -> dict[str, tuple[str, ...]]:
    """By digest some of the paths below ``below`` whose newest stored version looks so, last sent first."""
    found: dict[str, tuple[str, ...]] = {}
    for chunk in in_chunks(digests, VARIABLES // 2):
        alike = _alike(connection, destination, f"{below.rstrip('/')}/", chunk)
        newest = last_sent(connection, destination, [*{path for paths in alike.values() for path in paths}])
        for digest, paths in alike.items():
            still = (path for path in paths if path in newest and same_look(newest[path].digest or "", digest))
            if told := tuple(islice(still, MOST)):
                found[digest] = told
    return found


def _alike(connection: Connection, destination: int, start: str, digests: Sequence[str]) -> dict[str, list[str]]:
    """Paths that begin so of any version that looks so; more than are told, for some look otherwise now."""
    wanted: dict[int, list[str]] = {}
    for digest in digests:
        if (seen := parse_tree_digest(digest)) is not None:
            wanted.setdefault(look(seen.size, seen.mtime_ns), []).append(digest)
    found: dict[str, dict[str, None]] = {}
    for row in _versions(connection, destination, [*wanted]):
        path, stored = _version(row)
        if path is None or not path.startswith(start):
            continue
        for digest in wanted[row.look]:
            paths = found.setdefault(digest, {})
            if len(paths) < 4 * MOST and same_look(stored, digest):
                paths[path] = None
    return {digest: [*paths] for digest, paths in found.items()}


def _versions(connection: Connection, destination: int, wanted: list[int]) -> Iterator[AnyRow]:
    """The highest look first, and of one what was sent last."""
    its, group = looks.c, archives.c
    member = and_(members.c.archive == its.archive, members.c.number == its.number, group.kind == "group")
    noted = grouped.c
    touched = and_(noted.archive == its.archive, noted.number == its.number, noted.mtime_ns.is_not(None))
    query = (
        select(its.look, group.path.label("of"), group.kind, group.digest, group.recipe, noted.mtime_ns, *MEMBER)
        .join_from(looks, archives, group.id == its.archive)
        .join(members, member, isouter=True)
        .join(grouped, touched, isouter=True)
        .where(
            its.destination == destination, its.look.in_(wanted), group.sent_at.is_not(None), group.expired_at.is_(None)
        )
        .order_by(its.look.desc(), its.archive.desc(), its.number.desc())
        .limit(_LOOKED_AT)
    )
    rows = connection.execute(query).all()
    while rows:
        yield from rows
        if len(rows) < _LOOKED_AT:
            return
        rows = connection.execute(query.where(its.look < rows[-1].look)).all()


def _version(row: AnyRow) -> tuple[str | None, str]:
    """Where it was, and what it looked like."""
    if row.kind != "group":
        return row.of, row.digest or ""
    if row.number is None:
        return None, ""
    _, of, _, _, recipe, touched, *member = row
    one = member_of(member)
    return frame_of(of, recipe).path_of(one.path, one.source), look_of(one, touched).digest
