"""The files in groups, by the paths where they were.

A group whose files are known is told by those, each as an archive of its own path; any other group by itself.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from functools import partial

from sqlalchemy import ColumnElement, and_, exists, func, select, tuple_

from glacier_backup.catalog.contents import list_members
from glacier_backup.catalog.database import Database
from glacier_backup.catalog.frames import frame_of
from glacier_backup.catalog.keys import Key
from glacier_backup.catalog.paging import VARIABLES, AnyRow, AnySelect, in_pages, read_page
from glacier_backup.catalog.schema import archives, grouped, members
from glacier_backup.catalog.spans import Span
from glacier_backup.chunks import in_chunks
from glacier_backup.model.candidate import CHANGED_BACK

Condition = ColumnElement[bool]

tells_files: Condition = and_(
    archives.c.kind == "group", func.coalesce(archives.c.digest, "").notlike(f"%{CHANGED_BACK}")
)
"""Of an archive that has members: whether they are files by themselves."""

has_files: Condition = and_(tells_files, exists().where(members.c.archive == archives.c.id))
"""Of an archive: whether it is a group whose files are known."""

_KEYS = (
    select(grouped.c.path, grouped.c.destination, grouped.c.archive, grouped.c.number)
    .join_from(grouped, archives, archives.c.id == grouped.c.archive)
    .where(archives.c.sent_at.is_not(None))
)


def keys_at(database: Database, place: int, span: Span | None, conditions: Sequence[Condition]) -> Iterator[Key]:
    """Of the files whose paths lie in ``span``, in order; ``conditions`` are about them and their groups."""
    rows = in_pages(database, partial(_page, _KEYS.where(grouped.c.destination == place, *conditions), span))
    return (Key(*row) for row in rows)


def keys_in(database: Database, ids: Iterable[int], path: str | None, conditions: Sequence[Condition]) -> Iterator[Key]:
    """Of the files in those of ``ids`` that are such groups, or of that one ``path`` alone, in no order; likewise."""
    table = archives.c
    query = select(table.id, table.destination, table.path, table.recipe).where(table.sent_at.is_not(None), has_files)
    for chunk in in_chunks(ids, VARIABLES):
        for group in read_page(database, query.where(table.id.in_(chunk))):
            its = _KEYS.where(grouped.c.destination == group.destination, grouped.c.archive == group.id, *conditions)
            if path is not None:
                yield from (Key(*row) for row in read_page(database, its.where(grouped.c.path == path)))
            else:
                yield from _keys_of(database, group, its)


def _keys_of(database: Database, group: AnyRow, query: AnySelect) -> Iterator[Key]:
    """By the paths of its members, for there is no index by archive."""
    frame = frame_of(group.path, group.recipe)
    paths = (frame.path_of(member.path, member.source) for member in list_members(database, group.id))
    for chunk in in_chunks((path for path in paths if path is not None), VARIABLES):
        yield from (Key(*row) for row in read_page(database, query.where(grouped.c.path.in_(chunk))))


def _page(query: AnySelect, span: Span | None, last: AnyRow | None) -> AnySelect:
    path, archive = grouped.c.path, grouped.c.archive
    if span is not None:
        query = query.where((span if last is None else span.rest(last.path)).condition(path))
    if last is not None:
        query = query.where(tuple_(path, archive) > (last.path, last.archive))
    return query.order_by(path, archive)
