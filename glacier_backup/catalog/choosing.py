"""Which stored archives are meant, in order."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from functools import partial
from heapq import merge

from sqlalchemy import ColumnElement, Connection, and_, exists, func, or_, select, tuple_

from glacier_backup.catalog import spans
from glacier_backup.catalog.database import Database
from glacier_backup.catalog.exact import GREATEST_INTEGER, LEAST_INTEGER
from glacier_backup.catalog.keys import Key, Sorting, keys_of
from glacier_backup.catalog.loading import load
from glacier_backup.catalog.paging import AnyRow, AnySelect, in_chunks, in_pages
from glacier_backup.catalog.patterns import globbed, literal_start
from glacier_backup.catalog.queries import is_stored_at
from glacier_backup.catalog.schema import archives, destinations, volumes
from glacier_backup.catalog.spans import Span
from glacier_backup.model.stored import ArchiveFilter, StoredArchive

TOGETHER = 500
"""Archives that are loaded at a time."""

_time = func.coalesce(archives.c.label_time, archives.c.sent_at, type_=archives.c.sent_at.type)


def stored_archives(database: Database, wanted: ArchiveFilter) -> Iterator[StoredArchive]:
    """By path, then by place, then by order of intent. What is forgotten meanwhile is left out."""
    few = _few(database, wanted)
    return loaded(database, _by_path(database, wanted) if few is None else _in_order(database, wanted, few))


def loaded(database: Database, ids: Iterable[int]) -> Iterator[StoredArchive]:
    """The archives with these ids, in this order."""
    for chunk in in_chunks(ids, TOGETHER):
        yield from database.read(partial(load, ids=chunk))


def _few(database: Database, wanted: ArchiveFilter) -> Iterable[int] | None:
    """The ids, where an index other than that by path tells them: they are put in order afterwards."""
    if wanted.ids is not None:
        return [id for id in wanted.ids if LEAST_INTEGER <= id <= GREATEST_INTEGER]  # whatever somebody has typed
    if wanted.path is not None:
        return None
    if wanted.locator is not None:
        return _ids(database, volumes.c.archive, volumes.c.locator == wanted.locator)
    if wanted.name is not None:
        return _ids(database, archives.c.id, and_(archives.c.name == wanted.name, archives.c.sent_at.is_not(None)))
    return None


def _ids(database: Database, column: ColumnElement[int], condition: ColumnElement[bool]) -> Iterator[int]:
    query = select(column).where(condition).order_by(column)
    rows = in_pages(database, lambda last: query if last is None else query.where(column > last[0]))
    return (row[0] for row in rows)


def _in_order(database: Database, wanted: ArchiveFilter, ids: Iterable[int]) -> Iterator[int]:
    sorting, matches = Sorting(), _exact(wanted)
    for key in keys_of(database, ids, *_whereabouts(wanted), *_conditions(wanted)):
        if matches(key.path):
            sorting.add(key)
    return sorting.ids()


def _by_path(database: Database, wanted: ArchiveFilter) -> Iterator[int]:
    """Each place by its index, which has its archives in order."""
    places = [wanted.place_id] if wanted.place_id is not None else database.read(_place_ids)
    streams = [_at_place(database, place, wanted) for place in places]
    keys = streams[0] if len(streams) == 1 else merge(*streams, key=lambda key: key.order)
    return (key.id for key in keys)


def _place_ids(connection: Connection) -> list[int]:
    return list(connection.execute(select(destinations.c.id).order_by(destinations.c.id)).scalars())


def _at_place(database: Database, place: int, wanted: ArchiveFilter) -> Iterator[Key]:
    matches, conditions = _exact(wanted), _conditions(wanted)
    for span in _spans(wanted):
        for path, id in in_pages(database, partial(_keys, place, span, conditions)):
            if matches(path):
                yield Key(path, place, id)


def _keys(place: int, span: Span | None, conditions: list[ColumnElement[bool]], last: AnyRow | None) -> AnySelect:
    table = archives.c
    query = select(table.path, table.id).where(is_stored_at(place), *conditions).order_by(table.path, table.id)
    if span is not None:
        query = query.where(span(table.path))
    return query if last is None else query.where(tuple_(table.path, table.id) > last)


def _spans(wanted: ArchiveFilter) -> list[Span | None]:
    """The stretches of the index that hold all that is wanted, in order."""
    if wanted.path is not None:
        return [spans.at(wanted.path)]
    if wanted.below is not None:
        return [*spans.below(wanted.below)]
    if wanted.glob is not None and (start := literal_start(wanted.glob)):
        return [*spans.beginning(start)]
    return [None]


def _whereabouts(wanted: ArchiveFilter) -> list[ColumnElement[bool]]:
    """What :func:`_spans` and the place say, as conditions."""
    stretches = [span(archives.c.path) for span in _spans(wanted) if span is not None]
    found = [or_(*stretches)] if stretches else []
    if wanted.place_id is not None:
        found.append(archives.c.destination == wanted.place_id)
    return found


def _conditions(wanted: ArchiveFilter) -> list[ColumnElement[bool]]:
    """All else that has to hold."""
    table, found = archives.c, list[ColumnElement[bool]]()
    if wanted.path is not None and wanted.below is not None:
        found.append(or_(*[span(table.path) for span in spans.below(wanted.below)]))
    if wanted.glob is not None:
        found.append(globbed(wanted.glob).condition(table.path))
    if wanted.name is not None:
        found.append(table.name == wanted.name)
    if wanted.locator is not None:
        found.append(exists().where(volumes.c.archive == table.id, volumes.c.locator == wanted.locator))
    if wanted.since is not None:
        found.append(_time >= wanted.since)
    if wanted.until is not None:
        found.append(_time <= wanted.until)
    if wanted.incomplete:
        found.append(table.problems > 0)
    if wanted.newest:
        found.append(_is_newest(wanted))
    return found


def _is_newest(wanted: ArchiveFilter) -> ColumnElement[bool]:
    """Whether nothing of the same path at the same place has a higher id, of what was there by then."""
    other = archives.alias()
    same = [
        other.c.destination == archives.c.destination,
        other.c.path == archives.c.path,
        other.c.sent_at.is_not(None),
    ]
    if wanted.until is not None:
        same.append(func.coalesce(other.c.label_time, other.c.sent_at, type_=other.c.sent_at.type) <= wanted.until)
    return archives.c.id == select(func.max(other.c.id)).where(and_(*same)).scalar_subquery()


def _exact(wanted: ArchiveFilter) -> Callable[[str], bool]:
    return (lambda _: True) if wanted.glob is None else globbed(wanted.glob).matches
