"""What holds something: archives by path and name, and their members, of all versions."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial
from itertools import chain
from typing import Any

from sqlalchemy import select, tuple_

from glacier_backup.catalog import places
from glacier_backup.catalog.contents import MEMBER, member_of
from glacier_backup.catalog.database import Database
from glacier_backup.catalog.grouping import frame_of, is_told
from glacier_backup.catalog.inside import has_files, keys_at, tells_files
from glacier_backup.catalog.keys import Key, Sorting, keys_of
from glacier_backup.catalog.loaded import loaded
from glacier_backup.catalog.paging import AnyRow, AnySelect, in_pages
from glacier_backup.catalog.patterns import Pattern
from glacier_backup.catalog.schema import archives, grouped, members
from glacier_backup.model.archive import WITH_MEMBERS, Member
from glacier_backup.model.stored import Found, StoredArchive


def find(database: Database, pattern: Pattern) -> Iterator[Found]:
    """By path, the newest archive first within a path; an archive before its members, those in stream order.

    Paths, names and members are each gone through in the order in which they are stored; only what matches is put in
    order, and read in full. Files in groups are archives of their own paths, and no members of anything.
    """
    sorting = Sorting(newest_first=True)
    for key in chain(_by_path(database, pattern), _in_groups(database, pattern), _in_groups_by_key(database, pattern)):
        sorting.add(key)
    for key in keys_of(database, _by_told(database, pattern)):
        sorting.add(key)
    for key in keys_of(database, _by_name(database, pattern)):
        sorting.add(key)
    for key in keys_of(database, _by_member(database, pattern), ~has_files):
        sorting.add(key)
    for archive in loaded(database, sorting.keys()):
        # What is one file was found by itself, if perhaps by what filters have made of its name.
        is_it = archive.file is not None or archive.container not in WITH_MEMBERS
        if is_it or pattern.matches(archive.path) or pattern.matches(archive.name):
            yield Found(archive)
        if archive.has_members and not _tells_files(archive):
            yield from (Found(archive, member) for member in _members(database, archive.id, pattern))


def _tells_files(archive: StoredArchive) -> bool:
    """Whether its files are found by themselves, or it is one of them."""
    return archive.file is not None or (archive.kind == "group" and is_told(archive.digest))


def _by_path(database: Database, pattern: Pattern) -> Iterator[Key]:
    table = archives.c
    order = (table.destination, table.path, table.id)
    query = select(*order).where(table.sent_at.is_not(None), pattern.condition(table.path)).order_by(*order)
    for place, path, id in in_pages(database, partial(_behind, query, order)):
        if pattern.matches(path):
            yield Key(path, place, id)


def _in_groups(database: Database, pattern: Pattern) -> Iterator[Key]:
    for place in database.read(places.ids):
        for key in keys_at(database, place, None, [pattern.condition(grouped.c.path)]):
            if pattern.matches(key.path):
                yield key


def _by_name(database: Database, pattern: Pattern) -> Iterator[int]:
    table = archives.c
    order = (table.name, table.id)
    query = select(*order).where(table.sent_at.is_not(None), pattern.condition(table.name)).order_by(*order)
    rows = in_pages(database, partial(_behind, query, order))
    return (id for name, id in rows if pattern.matches(name))


def _by_told(database: Database, pattern: Pattern) -> Iterator[int]:
    """Of archives whose names filters have made others of."""
    table = archives.c
    order = (table.told, table.id)
    query = select(*order).where(table.told.is_not(None), table.sent_at.is_not(None), pattern.condition(table.told))
    rows = in_pages(database, partial(_behind, query.order_by(*order), order))
    return (id for told, id in rows if pattern.matches(told))


def _in_groups_by_key(database: Database, pattern: Pattern) -> Iterator[Key]:
    """Files in groups whose names filters have made others of."""
    table = members.c
    order = (table.archive, table.number)
    about = (archives.c.destination, archives.c.path.label("group"), archives.c.recipe)
    query = select(*order, table.path, table.source, *about).join_from(members, archives)
    query = query.where(table.source.is_not(None), tells_files, archives.c.sent_at.is_not(None))
    rows = in_pages(database, partial(_behind, query.where(pattern.condition(table.path)).order_by(*order), order))
    for row in rows:
        path = frame_of(row.group, row.recipe).path_of(row.path, row.source) if pattern.matches(row.path) else None
        if path is not None:
            yield Key(path, row.destination, row.archive, row.number)


def _by_member(database: Database, pattern: Pattern) -> Iterator[int]:
    """Of archives that have a member which may match."""
    column = members.c.archive
    query = select(column).where(pattern.condition(members.c.path)).distinct().order_by(column)
    rows = in_pages(database, lambda last: query if last is None else query.where(column > last[0]))
    return (row[0] for row in rows)


def _members(database: Database, archive: int, pattern: Pattern) -> Iterator[Member]:
    table = members.c
    query = select(*MEMBER).where(table.archive == archive, pattern.condition(table.path)).order_by(table.number)
    for row in in_pages(database, lambda last: query if last is None else query.where(table.number > last.number)):
        if pattern.matches(row.path):
            yield member_of(row)


def _behind(query: AnySelect, order: tuple[Any, ...], last: AnyRow | None) -> AnySelect:
    return query if last is None else query.where(tuple_(*order) > last)
