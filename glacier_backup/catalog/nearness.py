"""Paths of what is stored that somebody may have meant."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import accumulate, product
from typing import NamedTuple

from sqlalchemy import ColumnElement, Connection, literal, or_, select

from glacier_backup.catalog.paging import VARIABLES, AnySelect
from glacier_backup.catalog.patterns import containing
from glacier_backup.catalog.schema import archives, destinations, grouped
from glacier_backup.catalog.types import ExactText

_LOOKED_AT = 1_000
"""Paths that are compared; one takes some 0.1 ms."""

_AROUND = 100

_IS_STORED = archives.c.sent_at.is_not(None)


class _Paths(NamedTuple):
    """Where there are any."""

    query: AnySelect
    path: ColumnElement[str]
    place: ColumnElement[int]


_ALL = (
    _Paths(
        select(archives.c.path).where(_IS_STORED, archives.c.kind.is_distinct_from("group")),
        archives.c.path,
        archives.c.destination,
    ),
    _Paths(
        select(grouped.c.path).join_from(grouped, archives, archives.c.id == grouped.c.archive).where(_IS_STORED),
        grouped.c.path,
        grouped.c.destination,
    ),
)
"""What somebody may have meant: archives, but no groups, of whose paths nobody has heard, and files in those."""


def holding(connection: Connection, path: str) -> list[str]:
    """Paths of archives of directories, or of who knows what, that ``path`` would lie in, the nearest first."""
    above = list(accumulate(path.split("/"), lambda start, part: f"{start}/{part}"))[:-1]
    # Only a root, of this machine or of a server, is spelled with a slash at its end.
    wanted = [spelling for at in above for spelling in (at, f"{at}/") if spelling and spelling != path]
    found: set[str] = set()
    for start in range(0, len(wanted), VARIABLES):
        found.update(connection.execute(_of_directories(wanted[start : start + VARIABLES])).scalars())
    return sorted(found, key=len, reverse=True)


def _of_directories(paths: list[str]) -> AnySelect:
    table = archives.c
    kind = or_(table.kind == "directory", table.kind.is_(None))
    everywhere = table.destination.in_(select(destinations.c.id))
    return select(table.path).where(everywhere, table.path.in_(paths), _IS_STORED, kind).distinct()


def nearest(connection: Connection, text: str, limit: int) -> list[str]:
    """The known paths that look most like ``text``, the best first; may be none.

    Of few all are compared. Of many those that stand beside it in the order of paths, which begin like it, and those
    of the same last component.
    """
    import difflib  # only those who mistyped something wait for it

    known = list(dict.fromkeys(_some(connection)))
    base = text.rstrip("/").rpartition("/")[2]
    if len(known) >= _LOOKED_AT:
        known = list(dict.fromkeys([*_beside(connection, text), *_called(connection, base)]))
    alike = difflib.get_close_matches(text, known, limit)
    same_name = [path for path in known if base and path.rpartition("/")[2].casefold() == base.casefold()]
    return list(dict.fromkeys([*alike, *same_name]))[:limit]


def _some(connection: Connection) -> Iterator[str]:
    for paths in _ALL:
        yield from connection.execute(paths.query.distinct().limit(_LOOKED_AT)).scalars()


def _beside(connection: Connection, text: str) -> Iterator[str]:
    at = literal(text, ExactText)
    for place, (query, path, destination) in product(connection.execute(select(destinations.c.id)).scalars(), _ALL):
        here = query.where(destination == place).distinct().limit(_AROUND)
        yield from connection.execute(here.where(path < at).order_by(path.desc())).scalars()
        yield from connection.execute(here.where(path >= at).order_by(path)).scalars()


def _called(connection: Connection, base: str) -> Iterator[str]:
    if not base:
        return
    pattern = containing(f"/{base}")
    for query, path, _ in _ALL:
        found = connection.execute(query.where(pattern.clause(path)).distinct().limit(_AROUND)).scalars()
        yield from filter(pattern.matches, found)
