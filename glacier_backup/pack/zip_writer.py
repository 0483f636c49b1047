"""A ZIP in the making, of files that are read ahead by several threads; the same files give the same bytes."""

from __future__ import annotations

import hashlib
from collections.abc import Generator, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from stat import S_IMODE, S_ISLNK
from zlib import crc32

from glacier_backup.ahead import in_order
from glacier_backup.errors import SourceError, SourceGone
from glacier_backup.model.archive import Member, ReadProblem
from glacier_backup.pack.doubts import Doubts
from glacier_backup.pack.packer import NothingRead, PackOutcome
from glacier_backup.pack.tar_messages import MOST_PROBLEMS
from glacier_backup.pack.tar_writer import AHEAD, LARGE
from glacier_backup.pack.tree import Entry, Lost, Range
from glacier_backup.pack.zip_files import Batch, Files, Part, Whole
from glacier_backup.pack.zip_header import (
    LONGEST_NAME,
    Described,
    central,
    described,
    descriptor,
    end_of,
    local,
    local_streamed,
)
from glacier_backup.spool import Spool
from glacier_backup.units import KIB

_DIRECTORY_PIECE = 256 * KIB
"""Bytes of the directory that are handed on together."""


class ZipWriter:
    """One ZIP. Memory goes neither with the number of files nor with their sizes: the directory, which comes last,
    waits in a temporary file."""

    def __init__(self, section: str, top: str, files: Files, threads: int, doubts: Doubts) -> None:
        """``section`` is what messages name, ``top`` what stands in front of all names, which may be empty. ``doubts``
        are told of what changed and of what could be read in part."""
        self._section = section
        self._above = f"{top}/" if top else ""
        self._files = files
        self._threads = threads
        self._doubts = doubts
        self._position = 0
        self._members: Spool[Member] = Spool()
        self._directory: Spool[bytes] = Spool(weigh=len)
        self._entries: list[bytes] = []
        """Those of the directory that are to be put away together."""
        self._problems: list[ReadProblem] = []
        self._more_problems = 0
        self._large: _Large | None = None

    def blocks(self) -> Generator[bytes, None, None]:
        """The archive. Raises SourceError when nothing can be read, or nothing more."""
        pool = ThreadPoolExecutor(self._threads, thread_name_prefix="read")
        try:
            with (
                closing(self._files.jobs()) as jobs,
                closing(in_order(jobs, pool, AHEAD * self._threads)) as done,
            ):
                for batch in done:
                    yield from self._written(batch)
            if not len(self._members):
                raise self._nothing()
            yield from self._ending()
        finally:
            pool.shutdown(wait=True, cancel_futures=True)
            self._directory.close()

    def outcome(self) -> PackOutcome:
        """What is missing, and whether something changed; what did is told by the list of members."""
        problems = tuple(self._problems)
        if self._more_problems:
            more = ReadProblem(self._section, f"{self._more_problems:,} more below it could not be read")
            problems = (*problems, more)
        return PackOutcome(problems, changed=bool(self._doubts))

    def members(self) -> Iterator[Member]:
        """Every member, in order, with the hash of its content, of a link its target."""
        return iter(self._members)

    def _written(self, batch: Batch) -> Iterator[bytes]:
        for path in batch.changed:
            self._doubts.add(path)
        blocks: list[bytes | bytearray] = []
        for one in batch.taken:
            if isinstance(one, Whole):
                self._whole(one, blocks)
            elif isinstance(one, Lost):
                self._note(one.path, one.cause or "it has vanished")
            elif isinstance(one, Part):
                blocks += self._part(one)
            else:
                yield b"".join(blocks)
                blocks = []
                yield from self._read_now(one)
        if blocks:
            yield b"".join(blocks)
        self._put_away()

    def _whole(self, one: Whole, blocks: list[bytes | bytearray]) -> None:
        entry, size = one.entry, len(one.content)
        about = self._described(entry)
        if about is None:
            return
        head = local(about, size, one.crc)
        self._entries.append(central(about, size, one.crc, self._position))
        self._note_member(entry, one.sha256, self._position)
        self._position += len(head) + size
        blocks.append(head)
        blocks.append(one.content)

    def _read_now(self, wanted: Range) -> Iterator[bytes]:
        """A file that has become a large one since it was planned."""
        entry = wanted.entry
        for offset in range(0, entry.size, LARGE):
            part = Range(entry, offset, min(LARGE, entry.size - offset))
            yield b"".join(self._part(Part(part, self._files.read((part,))[0])))

    def _part(self, part: Part) -> Iterator[bytes | bytearray]:
        """A piece of a file, of which the header has been written with the first one."""
        (entry, offset, length), piece = part
        if offset == 0:
            self._large = None if isinstance(piece, OSError) else self._begun(entry)
            if isinstance(piece, OSError):
                self._refused(entry, piece)
            elif self._large is not None:
                yield self._counted(local_streamed(self._large.about, entry.size))
        if (large := self._large) is None:
            return
        data = self._unless_torn(large, part)
        large.take(data)
        yield self._counted(data)
        if offset + length == entry.size:
            yield self._counted(descriptor(entry.size, large.crc))
            self._entries.append(central(large.about, entry.size, large.crc, large.offset, streamed=True))
            self._note_member(entry, large.sha256.digest(), large.offset)
            self._large = None

    def _begun(self, entry: Entry) -> _Large | None:
        about = self._described(entry)
        return None if about is None else _Large(about, self._position)

    def _unless_torn(self, large: _Large, part: Part) -> bytes | bytearray:
        """What the piece has, with zeros for what is missing."""
        (entry, offset, length), piece = part
        if isinstance(piece, OSError):
            if not large.is_torn:
                self._note(entry.path, f"{_words(piece)} at byte {offset}: zeros stand for the rest of the file")
            large.is_torn = True
            self._doubts.add(entry.path)
        if isinstance(piece, OSError) or large.is_torn:
            return bytes(length)
        if (piece.size, piece.mtime_ns) != (entry.size, entry.mtime_ns) or len(piece.data) < length:
            self._doubts.add(entry.path)
        return piece.data if len(piece.data) == length else bytes(piece.data[:length]).ljust(length, b"\0")

    def _counted(self, data: bytes | bytearray) -> bytes | bytearray:
        self._position += len(data)
        return data

    def _described(self, entry: Entry) -> Described | None:
        """None where it can't be in any ZIP."""
        about = described(self._above + (entry.stored or entry.name), entry.mode, entry.mtime_ns)
        if len(about.name) <= LONGEST_NAME:
            return about
        self._note(entry.path, f"its name in the archive has more than {LONGEST_NAME:,} bytes, which no ZIP can hold")
        return None

    def _note_member(self, entry: Entry, sha256: bytes, offset: int) -> None:
        is_link = S_ISLNK(entry.mode)
        self._members.append(
            Member(
                self._above + (entry.stored or entry.name),
                "symlink" if is_link else "file",
                0 if is_link else entry.size,
                entry.mtime_ns,
                S_IMODE(entry.mode),
                offset,
                entry.target if is_link else None,
                sha256,
                entry.name if entry.stored and entry.stored != entry.name else None,
            )
        )

    def _ending(self) -> Iterator[bytes]:
        start = self._position
        yield from map(self._counted, _joined(self._directory))
        yield end_of(len(self._members), start, self._position - start)

    def _nothing(self) -> SourceError:
        if self._problems:
            return NothingRead(f"{self._section}: nothing of it could be read: {self._problems[-1].cause}")
        return SourceGone(f"{self._section}: of the files that were to be packed together none is left")

    def _put_away(self) -> None:
        if self._entries:
            self._directory.append(b"".join(self._entries))
            self._entries = []

    def _refused(self, entry: Entry, error: OSError) -> None:
        if isinstance(error, FileNotFoundError):
            self._doubts.add(entry.path)
        else:
            self._note(entry.path, _words(error))

    def _note(self, path: str, cause: str) -> None:
        if len(self._problems) < MOST_PROBLEMS:
            self._problems.append(ReadProblem(path, cause))
        else:
            self._more_problems += 1


class _Large:
    """A file of which a part is written."""

    def __init__(self, about: Described, offset: int) -> None:
        self.about = about
        self.offset = offset
        """Where its header begins."""
        self.sha256 = hashlib.sha256()
        self.crc = 0
        self.is_torn = False

    def take(self, data: bytes | bytearray) -> None:
        self.sha256.update(data)
        self.crc = crc32(data, self.crc)


def _words(error: OSError) -> str:
    return error.strerror or str(error)


def _joined(pieces: Iterable[bytes]) -> Iterator[bytes]:
    some: list[bytes] = []
    size = 0
    for piece in pieces:
        some.append(piece)
        size += len(piece)
        if size >= _DIRECTORY_PIECE:
            yield b"".join(some)
            some, size = [], 0
    yield b"".join(some)
