"""Stored archives, and files in groups as archives of their own paths, by their keys."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from functools import partial
from typing import NamedTuple

from glacier_backup.catalog.database import Database, Execute
from glacier_backup.catalog.exact import unpack_integer, unpack_text
from glacier_backup.catalog.keys import Key
from glacier_backup.catalog.loading import load
from glacier_backup.catalog.member_rows import MEMBER_COLUMNS, kind_of, look_of, member_of
from glacier_backup.catalog.paging import marks
from glacier_backup.chunks import in_chunks
from glacier_backup.model.archive import Member
from glacier_backup.model.stored import GroupedFile, StoredArchive

_Archives = Mapping[int, StoredArchive]
"""By their ids."""

_Members = dict[tuple[int, int], Member]
"""By archive and number."""

_Touched = dict[tuple[int, str], int]
"""By archive and path, the times that some files got later."""

TOGETHER = 500
"""Archives, or members, that are loaded at a time."""


class Entry(NamedTuple):
    """What a key stands for."""

    key: Key
    archive: StoredArchive
    member: Member | None
    """None where the key is the archive's."""
    touched: int | None
    """The time that a file in a group got later."""

    def as_file(self, member: Member) -> StoredArchive:
        """That member, which is a file in a group, as an archive of its own path."""
        seen = look_of(member, self.touched)
        return replace(
            self.archive,
            path=self.key.path,
            kind=kind_of(member),
            source_bytes=seen.bytes,
            mtime_ns=member.mtime_ns,
            mode=member.mode,
            digest=seen.digest,
            problems=0,
            changed_while_read=False,
            file=GroupedFile(self.key.number or 0, member),
            sha256=member.content_sha256,
        )


def loaded(database: Database, keys: Iterable[Key]) -> Iterator[StoredArchive]:
    """In this order. What is forgotten meanwhile is left out."""
    for one in entries(database, keys):
        yield one.archive if one.member is None else one.as_file(one.member)


def entries(database: Database, keys: Iterable[Key]) -> Iterator[Entry]:
    """The same, where a key with a number may also be that of a member of any archive."""
    known: _Archives = {}
    for chunk in in_chunks(keys, TOGETHER):
        # One may have thousands of volumes, and the members of the next chunk are mostly in the same ones.
        archives, members, touched = database.ask(partial(_load, chunk=chunk, known=known))
        known = {key.id: archives[key.id] for key in chunk if key.number is not None and key.id in archives}
        yield from _told(chunk, archives, members, touched)


def _load(execute: Execute, chunk: Sequence[Key], known: _Archives) -> tuple[_Archives, _Members, _Touched]:
    ids = dict.fromkeys(key.id for key in chunk if key.number is None or key.id not in known)
    archives = {**known, **{one.id: one for one in load(execute, [*ids])}}
    wanted: dict[int, list[int]] = {}
    for key in chunk:
        if key.number is not None:
            wanted.setdefault(key.id, []).append(key.number)
    return archives, _members(execute, wanted), _touched(execute, wanted)


def _members(execute: Execute, wanted: Mapping[int, Sequence[int]]) -> _Members:
    """What is gone has no members any more."""
    found: _Members = {}
    for archive, numbers in wanted.items():
        among = f"archive = ? AND number IN ({marks(len(numbers))})"
        rows = execute(f"SELECT {MEMBER_COLUMNS} FROM members WHERE {among}", (archive, *numbers))  # noqa: S608
        found.update(((archive, row[0]), member_of(row)) for row in rows)
    return found


def _touched(execute: Execute, wanted: Mapping[int, Sequence[int]]) -> _Touched:
    found: _Touched = {}
    for archive, numbers in wanted.items():
        among = f"archive = ? AND mtime_ns IS NOT NULL AND number IN ({marks(len(numbers))})"
        rows = execute(f"SELECT path, mtime_ns FROM grouped WHERE {among}", (archive, *numbers))  # noqa: S608
        found.update(((archive, unpack_text(path)), unpack_integer(mtime_ns)) for path, mtime_ns in rows)
    return found


def _told(chunk: Iterable[Key], archives: _Archives, members: _Members, touched: _Touched) -> Iterator[Entry]:
    for key in chunk:
        if key.id not in archives:
            continue
        if key.number is None:
            yield Entry(key, archives[key.id], None, None)
        elif (key.id, key.number) in members:
            later = touched.get((key.id, key.path))
            yield Entry(key, archives[key.id], members[key.id, key.number], later)
