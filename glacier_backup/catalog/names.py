"""By what members are found again: their names, a thousand in one text, to be looked for at the speed of memory.

A row of ``names`` is of so many members of one archive in stream order. Its text has their last components, each with
a zero byte behind it, and then the folders that these are in, each once: neighbours in a stream share folders, and
most of a name, so that zstd leaves a few bytes of each. It is in the form of :mod:`.folding`, and says only which
members may be meant.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from functools import cache
from typing import TYPE_CHECKING, Any, NamedTuple

from glacier_backup.catalog.database import Database
from glacier_backup.catalog.exact import unpack_text
from glacier_backup.catalog.folding import BETWEEN, fold
from glacier_backup.catalog.paging import Rows, in_order
from glacier_backup.chunks import in_chunks

if TYPE_CHECKING:
    from sqlalchemy import Connection
    from zstandard import ZstdCompressor, ZstdDecompressor

    from glacier_backup.catalog.packed import Packed

TOGETHER = 1_000
"""Members in one text."""

_PATH, _SOURCE = 2, 10
"""Columns of ``members``."""

_ADD = "INSERT INTO names (archive, first, count, folders, text) VALUES (?, ?, ?, ?, ?)"
_COPY = "INSERT INTO names SELECT ?, first, count, folders, text FROM names WHERE archive = ?"
_REMOVE = "DELETE FROM names WHERE archive = ?"


class Run(NamedTuple):
    """Some members of an archive that follow each other, and what is to be known of that; as the driver has it."""

    archive: int
    first: int
    """The number of the first of them."""
    members: int
    folders: int
    """Where in the text these begin."""
    text: bytes
    destination: int
    path: str | bytes
    kind: str | None
    digest: str | None
    recipe: str | None

    def numbers(self, parts: Sequence[bytes], around: str = "") -> Iterable[int]:
        """Of the members in whose paths all of ``parts`` may be, each in one component. ``around`` counts as a part of
        each path, too."""
        text = _decompressor().decompress(self.text)
        outside = fold(around)
        inside = [part for part in parts if part not in outside]
        if not all(part in text for part in inside):
            return ()
        in_names = [part for part in inside if text.find(part, self.folders) < 0]
        if not in_names:
            return range(self.first, self.first + self.members)
        return (self.first + line for line in _lines(text[: self.folders], in_names[0]))


_COLUMNS = "archive, first, count, folders, text, destination, path, kind, digest, recipe"


def add(connection: Connection, archive: int, rows: Sequence[tuple[Packed, ...]]) -> None:
    """Write those of the next members, which are rows of their table."""
    for run in in_chunks(rows, TOGETHER):
        names, folders = _text(run)
        text = _compressor().compress(names + folders)
        connection.exec_driver_sql(_ADD, (archive, run[0][1], len(run), len(names), text))


def copy(connection: Connection, archive: int, twin: int) -> None:
    """Give ``archive`` those of another one that has the same members."""
    connection.exec_driver_sql(_COPY, (archive, twin))


def remove(connection: Connection, archive: int) -> None:
    """Remove all of an archive's."""
    connection.exec_driver_sql(_REMOVE, (archive,))


def runs(database: Database) -> Iterator[Run]:
    """Of all that is stored, by archive and then in stream order."""
    # In this order: what is to be known of archives is looked up, not gone through.
    source = "names CROSS JOIN archives ON archives.id = names.archive"
    return map(Run._make, in_order(database, Rows(_COLUMNS, source, "sent_at IS NOT NULL", (), order=2)))


def _text(run: Sequence[tuple[Any, ...]]) -> tuple[bytes, bytes]:
    """The names and the folders."""
    names: list[str] = []
    folders: dict[str, None] = {}
    for row in run:
        folder, _, name = unpack_text(row[_PATH]).rpartition("/")
        folders[folder] = None
        if row[_SOURCE] is not None:
            folder, _, other = unpack_text(row[_SOURCE]).rpartition("/")
            folders[folder] = None
            name = f"{name}/{other}"
        names.append(name)
    return fold(BETWEEN.join(names) + BETWEEN), fold(BETWEEN.join(folders))


def _lines(names: bytes, part: bytes) -> Iterator[int]:
    """The numbers of the names that hold ``part``, from 0."""
    between = BETWEEN.encode()
    line = begin = 0
    while (at := names.find(part, begin)) >= 0:
        line += names.count(between, begin, at)
        yield line
        begin = names.index(between, at)


@cache
def _compressor() -> ZstdCompressor:
    from zstandard import ZstdCompressor

    return ZstdCompressor()


@cache
def _decompressor() -> ZstdDecompressor:
    from zstandard import ZstdDecompressor

    return ZstdDecompressor()
