"""What holds something: archives by path and name, and their members, of all versions. Without SQLAlchemy."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import chain
from typing import TYPE_CHECKING, Any

from glacier_backup.catalog.database import Database
from glacier_backup.catalog.exact import pack_text, unpack_text
from glacier_backup.catalog.frames import Frame, frame_of, is_told
from glacier_backup.catalog.keys import Key, Sorting
from glacier_backup.catalog.loaded import Entry, entries
from glacier_backup.catalog.names import Run, runs
from glacier_backup.catalog.paging import VARIABLES, Rows, in_order, marks
from glacier_backup.catalog.patterns import Pattern
from glacier_backup.chunks import in_chunks
from glacier_backup.model.archive import WITH_MEMBERS
from glacier_backup.model.stored import Found

if TYPE_CHECKING:
    from glacier_backup.catalog.packed import Packed

_MEMBERS = "SELECT number, path, source FROM members WHERE archive = ? AND number IN"
_PLACES = "SELECT path, number FROM grouped WHERE destination = ? AND archive = ? AND path IN"


def find(database: Database, pattern: Pattern) -> Iterator[Found]:
    """By path, the newest archive first within a path; an archive before its members, those in stream order.

    Paths and names are each gone through in the order in which they are stored, and texts that hold the names of
    members; only what may match is put in order, and read in full. Files in groups are archives of their own paths,
    and no members of anything.
    """
    sorting = Sorting(newest_first=True)
    for column in ("path", "name", "told"):
        for key in _archives(database, pattern, column):
            sorting.add(key)
    for key in _inside(database, pattern):
        sorting.add(key)
    return chain.from_iterable(_found(one, pattern) for one in entries(database, sorting.keys()))


def _found(one: Entry, pattern: Pattern) -> Iterator[Found]:
    archive, member = one.archive, one.member
    if member is None:
        # What is one file was found by itself, if perhaps by what filters have made of its name.
        is_it = archive.container not in WITH_MEMBERS
        if is_it or pattern.matches(archive.path) or pattern.matches(archive.name):
            yield Found(archive)
    elif _tells_files(archive.kind, archive.digest):
        yield Found(one.as_file(member))
    elif pattern.matches(member.path):
        yield Found(archive, member)


def _tells_files(kind: str | None, digest: str | None) -> bool:
    """Whether an archive is a group whose files are found by themselves."""
    return kind == "group" and is_told(digest)


def _archives(database: Database, pattern: Pattern, column: str) -> Iterator[Key]:
    """By what one column has, in the order of its index; ``told`` is what filters have made of a name."""
    order = ("destination", "path", "id") if column == "path" else (column, "id", "path", "destination")
    condition, values = pattern.condition(column)
    there = f"sent_at IS NOT NULL AND {column} IS NOT NULL AND ({condition})"
    at = {name: place for place, name in enumerate(order)}
    for row in in_order(database, Rows(", ".join(order), "archives", there, values, order=order.index("id") + 1)):
        if pattern.matches(unpack_text(row[at[column]])):
            yield Key(unpack_text(row[at["path"]]), row[at["destination"]], row[at["id"]])


def _inside(database: Database, pattern: Pattern) -> Iterator[Key]:
    """Members that may match, and files in groups that do."""
    for run in runs(database):
        if _tells_files(run.kind, run.digest):
            frame = frame_of(unpack_text(run.path), run.recipe)
            numbers = run.numbers(pattern.parts, frame.base)
            for some in in_chunks(numbers, VARIABLES):
                yield from _files(database, pattern, run, frame, some)
        else:
            path = unpack_text(run.path)
            yield from (Key(path, run.destination, run.archive, number) for number in run.numbers(pattern.parts))


def _files(database: Database, pattern: Pattern, run: Run, frame: Frame, numbers: list[int]) -> Iterator[Key]:
    """Those of some members of a group that match where they were, or by what filters have made of their names."""
    its: list[Packed] = []
    for number, member, source in _rows(database, _MEMBERS, (run.archive,), numbers):
        name = None if source is None else unpack_text(source)
        path = frame.path_of(unpack_text(member), name)
        if path is not None and pattern.matches(path):
            its.append(pack_text(path))
        if path is not None and name is not None and pattern.matches(unpack_text(member)):
            yield Key(path, run.destination, run.archive, number)
    # Which member has a file's content, where that is a hard link, is known by its path.
    for packed, number in _rows(database, _PLACES, (run.destination, run.archive), its):
        yield Key(unpack_text(packed), run.destination, run.archive, number)


def _rows(database: Database, statement: str, of: tuple[int, ...], among: Sequence[Packed]) -> list[Sequence[Any]]:
    statement = f"{statement} ({marks(len(among))})"
    return database.ask(lambda execute: [*execute(statement, (*of, *among))])
