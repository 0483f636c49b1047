"""Which stored archives are meant, in order."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from datetime import datetime
from functools import partial
from heapq import merge
from itertools import chain

from sqlalchemy import ColumnElement, FromClause, and_, exists, func, or_, select, tuple_

from glacier_backup.catalog import inside, place_rows, spans
from glacier_backup.catalog.database import Database
from glacier_backup.catalog.exact import GREATEST_INTEGER, LEAST_INTEGER
from glacier_backup.catalog.expiring import is_kept, is_present
from glacier_backup.catalog.keys import Key, Sorting
from glacier_backup.catalog.loaded import loaded
from glacier_backup.catalog.paging import VARIABLES, AnyRow, AnySelect, in_pages, read_page
from glacier_backup.catalog.patterns import globbed, literal_start
from glacier_backup.catalog.queries import is_stored_at
from glacier_backup.catalog.schema import archives, grouped, volumes
from glacier_backup.catalog.spans import Span
from glacier_backup.chunks import in_chunks
from glacier_backup.model.stored import ArchiveFilter, StoredArchive

Condition = ColumnElement[bool]


def stored_archives(database: Database, wanted: ArchiveFilter) -> Iterator[StoredArchive]:
    """By path, then by place, then by order of intent. What is forgotten meanwhile is left out."""
    few = _few(database, wanted)
    return loaded(database, _by_path(database, wanted) if few is None else _in_order(database, wanted, few))


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


def _in_order(database: Database, wanted: ArchiveFilter, ids: Iterable[int]) -> Iterator[Key]:
    sorting, matches = Sorting(), _exact(wanted)
    for chunk in in_chunks(ids, VARIABLES):
        conditions = (*_whereabouts(wanted, archives.c.path), *_conditions(wanted, of_files=False))
        found = _keys_of(database, chunk, conditions)
        if _has_files(wanted):
            conditions = (*_whereabouts(wanted, grouped.c.path), *_conditions(wanted, of_files=True))
            found = chain(found, inside.keys_in(database, chunk, wanted.path, conditions))
        for key in found:
            if matches(key.path):
                sorting.add(key)
    return sorting.keys()


def _keys_of(database: Database, ids: list[int], conditions: Iterable[Condition]) -> Iterator[Key]:
    """Of those of ``ids`` that are stored and for which ``conditions`` hold, in no order."""
    query = select(archives.c.path, archives.c.destination, archives.c.id).where(archives.c.sent_at.is_not(None))
    rows = read_page(database, query.where(archives.c.id.in_(ids), *conditions))
    return (Key(*row) for row in rows)


def _has_files(wanted: ArchiveFilter) -> bool:
    """Whether files in groups are among what is meant. Of one that couldn't be read there is none."""
    return wanted.inside and not wanted.incomplete


def _by_path(database: Database, wanted: ArchiveFilter) -> Iterator[Key]:
    """Each place by its indexes, which have its archives and its files in groups in order."""
    at = [wanted.place_id] if wanted.place_id is not None else [id for id, _ in database.ask(place_rows.listed)]
    streams = [_at_place(database, place, wanted) for place in at]
    if _has_files(wanted):
        streams += [_files_at_place(database, place, wanted) for place in at]
    return streams[0] if len(streams) == 1 else merge(*streams, key=lambda key: key.order)


def _at_place(database: Database, place: int, wanted: ArchiveFilter) -> Iterator[Key]:
    matches, conditions = _exact(wanted), _conditions(wanted, of_files=False)
    for span in _spans(wanted):
        for path, id in in_pages(database, partial(_keys, place, span, conditions)):
            if matches(path):
                yield Key(path, place, id)


def _files_at_place(database: Database, place: int, wanted: ArchiveFilter) -> Iterator[Key]:
    matches, conditions = _exact(wanted), _conditions(wanted, of_files=True)
    for span in _spans(wanted):
        yield from (key for key in inside.keys_at(database, place, span, conditions) if matches(key.path))


def _keys(place: int, span: Span | None, conditions: list[Condition], last: AnyRow | None) -> AnySelect:
    path, id = archives.c.path, archives.c.id
    query = select(path, id).where(is_stored_at(place), *conditions).order_by(path, id)
    if span is not None:
        query = query.where((span if last is None else span.rest(last.path)).condition(path))
    return query if last is None else query.where(tuple_(path, id) > last)


def _spans(wanted: ArchiveFilter) -> list[Span | None]:
    """The stretches of the index that hold all that is wanted, in order."""
    if wanted.path is not None:
        return [spans.at(wanted.path)]
    if wanted.below is not None:
        return [*spans.below(wanted.below)]
    if wanted.glob is not None and (start := literal_start(wanted.glob)):
        return [*spans.beginning(start)]
    return [None]


def _whereabouts(wanted: ArchiveFilter, path: ColumnElement[str]) -> list[Condition]:
    """What :func:`_spans` and the place say, as conditions."""
    stretches = [span.condition(path) for span in _spans(wanted) if span is not None]
    found = [or_(*stretches)] if stretches else []
    if wanted.place_id is not None:
        found.append(archives.c.destination == wanted.place_id)
    return found


def _conditions(wanted: ArchiveFilter, *, of_files: bool) -> list[Condition]:
    """All else that has to hold: of archives, or of files in groups, whose archives are joined to them."""
    path = grouped.c.path if of_files else archives.c.path
    found = [*_about_archives(wanted)]
    if wanted.path is not None and wanted.below is not None:
        found.append(or_(*[span.condition(path) for span in spans.below(wanted.below)]))
    if wanted.glob is not None:
        found.append(globbed(wanted.glob).clause(path))
    if wanted.inside and not of_files:
        found.append(~inside.has_files)
    if wanted.newest:
        found.append(_is_newest(wanted, path, of_files=of_files))
    if wanted.present:
        found.append(is_present(archives, path, wanted.as_of or wanted.until))
    return found


def _about_archives(wanted: ArchiveFilter) -> Iterator[Condition]:
    table = archives.c
    if wanted.name is not None:
        yield table.name == wanted.name
    if wanted.locator is not None:
        yield exists().where(volumes.c.archive == table.id, volumes.c.locator == wanted.locator)
    if wanted.since is not None:
        yield _time(archives) >= wanted.since
    if wanted.until is not None:
        yield _time(archives) <= wanted.until
    if wanted.incomplete:
        yield table.problems > 0


def _is_newest(wanted: ArchiveFilter, path: ColumnElement[str], *, of_files: bool) -> Condition:
    """Whether nothing of the same path at the same place has a higher id, of what was there by then; what was put away
    counts among archives of a path, and no more for files in groups."""
    place, id = archives.c.destination, archives.c.id
    later = archives.alias()
    same = [later.c.destination == place, later.c.path == path, later.c.id > id, *_was_there(wanted, later)]
    if wanted.present and of_files:
        same.append(is_kept(later, wanted.as_of or wanted.until))
    nothing = ~exists().where(*same)
    if not wanted.inside:
        return nothing
    file, group = grouped.alias(), archives.alias()
    same = [file.c.destination == place, file.c.path == path, file.c.archive > id, *_was_there(wanted, group)]
    if wanted.present:
        same.append(is_kept(group, wanted.as_of or wanted.until))
    return and_(nothing, ~exists().where(*same, group.c.id == file.c.archive))


def _was_there(wanted: ArchiveFilter, table: FromClause) -> Iterator[Condition]:
    """Whether an archive was stored up to ``until``."""
    yield table.c.sent_at.is_not(None)
    if wanted.until is not None:
        yield _time(table) <= wanted.until


def _time(table: FromClause) -> ColumnElement[datetime]:
    return func.coalesce(table.c.label_time, table.c.sent_at, type_=table.c.sent_at.type)


def _exact(wanted: ArchiveFilter) -> Callable[[str], bool]:
    return (lambda _: True) if wanted.glob is None else globbed(wanted.glob).matches
