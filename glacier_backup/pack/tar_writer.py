"""A tar made here, of any :class:`~glacier_backup.pack.tree.Tree`: contents are read ahead by several threads."""

from __future__ import annotations

import stat
from collections.abc import Callable, Generator, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from functools import partial
from itertools import chain
from typing import Literal, NamedTuple

from glacier_backup.ahead import in_order
from glacier_backup.model.archive import Member, ReadProblem
from glacier_backup.pack.doubts import Doubts
from glacier_backup.pack.packer import NothingRead, PackOutcome
from glacier_backup.pack.tar_header import BLOCK, RECORD, TYPES, header, padding
from glacier_backup.pack.tar_messages import MOST_PROBLEMS
from glacier_backup.pack.tree import Entry, Lost, Piece, Range, Tree
from glacier_backup.spool import Spool
from glacier_backup.units import KIB, MIB

SMALL = 128 * KIB
"""Bytes; files up to that are read many together."""
TOGETHER = 32
MOST_TOGETHER = MIB
"""Small files that are read together, and their bytes, at most but for one."""
LARGE = 2 * MIB
"""Bytes of a larger file that are read at a time."""
ENTRIES = 500
"""Entries without content that are written together."""
AHEAD = 2
"""Pieces of work ahead of their turn, for each thread: each is at most 2 MiB."""

_Part = Entry | Lost | Range


class _Done(NamedTuple):
    """Entries and ranges in the order of the archive, and what reading the ranges gave."""

    parts: list[_Part]
    pieces: Iterator[Piece | OSError]


class TarWriter:
    """One tar in the making. Memory goes neither with the tree nor with its files."""

    def __init__(self, path: str, stored_name: str, tree: Tree, threads: int, doubts: Doubts | None = None) -> None:
        """``path`` is what messages name; ``stored_name`` what the topmost member is called, or would be. ``doubts``
        are told of what changed and of what could be read in part."""
        self._path = path
        self._stored_name = stored_name
        self._tree = tree
        self._threads = threads
        self._doubts = doubts
        self._position = 0
        self._members: Spool[Member] = Spool()
        self._problems: list[ReadProblem] = []
        self._more_problems = 0
        self._changed = False
        self._large_file: Literal["whole", "torn", "left out"] = "whole"
        """How much can be read of the one whose turn it is."""
        self._last = "it is empty"
        self._unstored: dict[str, str] = {}
        """By name, files with several names that could not be stored under it; and under which they are after all,
        empty as long as there is none."""

    def blocks(self) -> Generator[bytes, None, None]:
        """The archive. Raises SourceError when nothing can be read, or nothing more."""
        pool = ThreadPoolExecutor(self._threads, thread_name_prefix="read")
        try:
            with (
                closing(self._tree.entries()) as entries,
                closing(in_order(self._jobs(entries), pool, AHEAD * self._threads)) as done,
            ):
                for parts, pieces in done:
                    yield from filter(None, self._written(parts, pieces))
            if not len(self._members):
                raise NothingRead(f"{self._path}: nothing of it could be read: {self._last}")
            yield bytes(2 * BLOCK) + padding(self._position + 2 * BLOCK, RECORD)
        finally:
            pool.shutdown(wait=True, cancel_futures=True)

    def outcome(self) -> PackOutcome:
        """What is missing, and whether something changed."""
        problems = tuple(self._problems)
        if self._more_problems:
            more = ReadProblem(self._path, f"{self._more_problems:,} more below it could not be read")
            problems = (*problems, more)
        return PackOutcome(problems, self._changed)

    def members(self) -> Iterator[Member]:
        """Every member, in order."""
        return iter(self._members)

    def _jobs(self, entries: Iterator[Entry | Lost]) -> Iterator[Callable[[], _Done]]:
        for parts in _together(entries):
            yield partial(self._read, parts)

    def _read(self, parts: list[_Part]) -> _Done:
        ranges = [part for part in parts if isinstance(part, Range)]
        return _Done(parts, iter(self._tree.read(ranges) if ranges else ()))

    def _written(self, parts: list[_Part], pieces: Iterator[Piece | OSError]) -> Iterator[bytes]:
        blocks: list[bytes] = []
        for part in parts:
            if isinstance(part, Entry) and part.same_as and self._unstored.get(part.same_as) == "":
                yield b"".join(blocks)
                blocks = []
                yield from self._with_content_after_all(part)
            else:
                blocks.append(self._part(part, pieces))
        yield b"".join(blocks)

    def _with_content_after_all(self, entry: Entry) -> Iterator[bytes]:
        """Another name of a file that could not be stored under the first: read now, for nobody has."""
        count = len(self._members)
        for part in chain.from_iterable(_together(iter((entry._replace(same_as=""),)))):
            if isinstance(part, Range):
                yield self._part(part, iter(self._tree.read((part,))))
        if len(self._members) > count:
            self._unstored[entry.same_as] = entry.name

    def _part(self, part: _Part, pieces: Iterator[Piece | OSError]) -> bytes:
        if isinstance(part, Entry):
            return self._begin(part)
        if isinstance(part, Lost):
            self._note(part.path, part.cause)
            return b""
        piece = next(pieces)
        return self._small(part.entry, piece) if part.entry.size <= SMALL else self._large(part, piece)

    def _small(self, entry: Entry, piece: Piece | OSError) -> bytes:
        """A whole file, as it had become when it was read."""
        if isinstance(piece, OSError):
            self._refused(entry, piece)
            return b""
        if not _is_of(entry, piece):
            self._note_change(entry)
        if len(piece.data) == piece.size:
            entry = entry._replace(size=piece.size, mtime_ns=piece.mtime_ns)
        return self._begin(entry) + self._content(piece.data, entry.size, 0)

    def _large(self, part: Range, piece: Piece | OSError) -> bytes:
        """A piece of a file, of which the header holds for all."""
        begin = b""
        if part.offset == 0:
            self._large_file = "left out" if isinstance(piece, OSError) else "whole"
            if isinstance(piece, OSError):
                self._refused(part.entry, piece)
            else:
                begin = self._begin(part.entry)
        if self._large_file == "left out":
            return b""
        data = self._unless_torn(part, piece)
        return begin + self._content(data, part.length, part.entry.size - part.offset - part.length)

    def _unless_torn(self, part: Range, piece: Piece | OSError) -> bytes | bytearray:
        if isinstance(piece, OSError):
            if self._large_file == "whole":
                cause = f"{_words(piece)} at byte {part.offset}: zeros stand for the rest of the file"
                self._note(part.entry.path, cause)
            self._large_file = "torn"
            self._doubt(part.entry)
        if isinstance(piece, OSError) or self._large_file == "torn":
            return b""
        if not _is_of(part.entry, piece) or len(piece.data) < part.length:
            self._note_change(part.entry)
        return piece.data

    def _begin(self, entry: Entry) -> bytes:
        stored = self._stored(entry.name)
        kind = TYPES[stat.S_IFMT(entry.mode)][1]
        target = entry.target if kind == "symlink" else None
        if entry.same_as:
            kind, target = "hardlink", self._stored(self._unstored.get(entry.same_as, entry.same_as))
            blocks = header(entry, stored, target)
        else:
            blocks = header(entry, stored)
        size = entry.size if kind == "file" else 0
        mode = stat.S_IMODE(entry.mode)
        self._members.append(Member(stored, kind, size, entry.mtime_ns, mode, self._position, target))
        self._position += len(blocks)
        return blocks

    def _stored(self, name: str) -> str:
        return f"{self._stored_name}/{name}" if name else self._stored_name

    def _content(self, data: bytes | bytearray, length: int, left: int) -> bytes:
        """``length`` bytes, zeros for what is missing; with padding where nothing is ``left`` of the file."""
        short = bytes(max(0, length - len(data)))
        content = b"".join((data if len(data) <= length else data[:length], short, b"" if left else padding(length)))
        self._position += len(content)
        return content

    def _note_change(self, entry: Entry) -> None:
        self._changed = True
        self._doubt(entry)

    def _doubt(self, entry: Entry) -> None:
        if self._doubts is not None:
            self._doubts.add(entry.path)

    def _refused(self, entry: Entry, error: OSError) -> None:
        if entry.names > 1:
            self._unstored.setdefault(entry.name, "")
        self._note(entry.path, None if isinstance(error, FileNotFoundError) else _words(error))

    def _note(self, path: str, cause: str | None) -> None:
        """What can't be read is a problem; what has vanished is only a change, as GNU tar has it."""
        self._last = f"{path}: {cause or 'it has vanished'}"
        if cause is None:
            self._changed = True
        elif len(self._problems) < MOST_PROBLEMS:
            self._problems.append(ReadProblem(path, cause))
        else:
            self._more_problems += 1


def _is_of(entry: Entry, piece: Piece) -> bool:
    return (piece.size, piece.mtime_ns) == (entry.size, entry.mtime_ns)


def _words(error: OSError) -> str:
    return error.strerror or str(error)


def _together(entries: Iterator[Entry | Lost]) -> Iterator[list[_Part]]:
    """Parts that are read and written together."""
    parts: list[_Part] = []
    small = size = 0
    for entry in entries:
        if isinstance(entry, Lost) or entry.same_as or not (stat.S_ISREG(entry.mode) and entry.size):
            parts.append(entry)
        elif entry.size <= SMALL:
            parts.append(Range(entry, 0, entry.size))
            small, size = small + 1, size + entry.size
        else:
            yield parts
            parts, small, size = [], 0, 0
            for offset in range(0, entry.size, LARGE):
                yield [Range(entry, offset, min(LARGE, entry.size - offset))]
        if small >= TOGETHER or size >= MOST_TOGETHER or len(parts) >= ENTRIES:
            yield parts
            parts, small, size = [], 0, 0
    yield parts
