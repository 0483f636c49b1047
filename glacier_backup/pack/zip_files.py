"""The files of a group as a ZIP is made of them: read by several threads, hashed there, and handed on in order."""

from __future__ import annotations

import hashlib
import os
import stat
from collections.abc import Callable, Generator, Iterator, Sequence
from functools import partial
from typing import NamedTuple, Protocol
from zlib import crc32

from glacier_backup.pack.tar_writer import LARGE, MOST_TOGETHER, SMALL
from glacier_backup.pack.tree import Entry, Lost, Piece, Range, Tree

TOGETHER = 64
"""Small files that are read together, at most."""


class Whole(NamedTuple):
    """A file that was read in one go, or a link, whose content is its target."""

    entry: Entry
    """Its size is that of the content."""
    content: bytes | bytearray
    sha256: bytes
    crc: int


class Part(NamedTuple):
    """A piece of a larger file, or why it can't be read."""

    range: Range
    piece: Piece | OSError


Taken = Whole | Part | Lost | Range
"""A range by itself stands for a whole file that was found to be larger than expected: it is to be read now."""


class Batch(NamedTuple):
    """What one job gave."""

    taken: list[Taken]
    changed: list[str]
    """Paths of what changed while it was read, or has vanished since it was looked at."""


class Files(Protocol):
    """Where a group's files come from."""

    def jobs(self) -> Generator[Callable[[], Batch], None, None]:
        """To be done by several threads; the results are wanted in their order. Raises SourceError."""
        ...

    def read(self, ranges: Sequence[Range]) -> Sequence[Piece | OSError]:
        """See :meth:`glacier_backup.pack.tree.Tree.read`."""
        ...


class FilesOf:
    """Those of a :class:`~glacier_backup.pack.tree.Tree` that has nothing but files and links."""

    def __init__(self, tree: Tree) -> None:
        self._tree = tree
        self.read = tree.read

    def jobs(self) -> Generator[Callable[[], Batch], None, None]:
        """See :class:`Files`."""
        for parts in _together(self._tree.entries()):
            yield partial(self._batch, parts)

    def _batch(self, parts: list[Entry | Lost | Range]) -> Batch:
        ranges = [part for part in parts if isinstance(part, Range)]
        pieces = iter(self._tree.read(ranges) if ranges else ())
        batch = Batch([], [])
        for part in parts:
            if isinstance(part, Range):
                _take(batch, part, next(pieces))
            else:
                batch.taken.append(whole(part, os.fsencode(part.target)) if isinstance(part, Entry) else part)
        return batch


def whole(entry: Entry, content: bytes | bytearray) -> Whole:
    """``entry`` with that content."""
    entry = entry if entry.size == len(content) else entry._replace(size=len(content))
    return Whole(entry, content, hashlib.sha256(content).digest(), crc32(content))


def _take(batch: Batch, part: Range, piece: Piece | OSError) -> None:
    entry = part.entry
    if entry.size > LARGE:
        batch.taken.append(Part(part, piece))
        return
    if isinstance(piece, FileNotFoundError):
        batch.changed.append(entry.path)
        return
    if isinstance(piece, OSError):
        batch.taken.append(Lost(entry.path, piece.strerror or str(piece)))
        return
    if (piece.size, piece.mtime_ns) != (entry.size, entry.mtime_ns) or len(piece.data) < part.length:
        batch.changed.append(entry.path)
    if len(piece.data) == piece.size:
        batch.taken.append(whole(entry._replace(mtime_ns=piece.mtime_ns), piece.data))
    else:
        batch.taken.append(whole(entry, _exactly(piece.data, entry.size)))


def _exactly(data: bytes | bytearray, size: int) -> bytes:
    """Zeros stand for what is missing."""
    return bytes(data[:size]).ljust(size, b"\0")


def _together(entries: Iterator[Entry | Lost]) -> Iterator[list[Entry | Lost | Range]]:
    """What is read in one go: small files some at a time, all else by itself."""
    parts: list[Entry | Lost | Range] = []
    size = 0
    for entry in entries:
        if isinstance(entry, Lost) or not (stat.S_ISREG(entry.mode) and entry.size):
            parts.append(entry)
        elif entry.size <= SMALL:
            parts.append(Range(entry, 0, entry.size))
            size += entry.size
        else:
            yield parts
            parts, size = [], 0
            for offset in range(0, entry.size, LARGE):
                yield [Range(entry, offset, min(LARGE, entry.size - offset))]
        if len(parts) >= TOGETHER or size >= MOST_TOGETHER:
            yield parts
            parts, size = [], 0
    yield parts
