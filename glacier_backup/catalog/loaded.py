"""Stored archives, and files in groups as archives of their own paths, by their keys."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from functools import partial

from sqlalchemy import Connection, select

from glacier_backup.catalog.contents import MEMBER, member_of
from glacier_backup.catalog.database import Database
from glacier_backup.catalog.keys import Key
from glacier_backup.catalog.loading import load
from glacier_backup.catalog.schema import grouped, members
from glacier_backup.catalog.sent import kind_of, look_of
from glacier_backup.chunks import in_chunks
from glacier_backup.model.archive import Member
from glacier_backup.model.stored import GroupedFile, StoredArchive

_Archives = Mapping[int, StoredArchive]
"""By their ids."""

_Files = dict[tuple[int, int], Member]
"""By archive and number."""

_Touched = dict[tuple[int, str], int]
"""By archive and path, the times that some files got later."""

TOGETHER = 500
"""Archives, or files, that are loaded at a time."""


def loaded(database: Database, keys: Iterable[Key]) -> Iterator[StoredArchive]:
    """In this order. What is forgotten meanwhile is left out."""
    groups: _Archives = {}
    for chunk in in_chunks(keys, TOGETHER):
        # A group may have thousands of volumes, and the files of the next chunk are mostly in the same ones.
        archives, files, touched = database.read(partial(_load, chunk=chunk, groups=groups))
        groups = {key.id: archives[key.id] for key in chunk if key.number is not None and key.id in archives}
        yield from _told(chunk, archives, files, touched)


def _load(connection: Connection, chunk: Sequence[Key], groups: _Archives) -> tuple[_Archives, _Files, _Touched]:
    ids = dict.fromkeys(key.id for key in chunk if key.number is None or key.id not in groups)
    archives = {**groups, **{one.id: one for one in load(connection, [*ids])}}
    wanted: dict[int, list[int]] = {}
    for key in chunk:
        if key.number is not None:
            wanted.setdefault(key.id, []).append(key.number)
    return archives, _files(connection, wanted), _touched(connection, wanted)


def _files(connection: Connection, wanted: Mapping[int, Sequence[int]]) -> _Files:
    """What is gone has no members any more."""
    found: _Files = {}
    for archive, numbers in wanted.items():
        query = select(*MEMBER).where(members.c.archive == archive, members.c.number.in_(numbers))
        found.update(((archive, row.number), member_of(row)) for row in connection.execute(query))
    return found


def _touched(connection: Connection, wanted: Mapping[int, Sequence[int]]) -> _Touched:
    its, found = grouped.c, _Touched()
    for archive, numbers in wanted.items():
        query = select(its.path, its.mtime_ns).where(its.archive == archive, its.mtime_ns.is_not(None))
        found.update(
            ((archive, row.path), row.mtime_ns) for row in connection.execute(query.where(its.number.in_(numbers)))
        )
    return found


def _told(chunk: Iterable[Key], archives: _Archives, files: _Files, touched: _Touched) -> Iterator[StoredArchive]:
    for path, _, id, number in chunk:
        if number is None and id in archives:
            yield archives[id]
        elif number is not None and (id, number) in files:
            yield _file(archives[id], path, number, files[id, number], touched.get((id, path)))


def _file(group: StoredArchive, path: str, number: int, member: Member, touched: int | None) -> StoredArchive:
    seen = look_of(member, touched)
    return replace(
        group,
        path=path,
        kind=kind_of(member),
        source_bytes=seen.bytes,
        mtime_ns=member.mtime_ns,
        mode=member.mode,
        digest=seen.digest,
        problems=0,
        changed_while_read=False,
        file=GroupedFile(number, member),
        sha256=member.content_sha256,
    )
