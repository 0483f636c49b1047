"""A regular file of an SFTP server as it is, read from there while it is sent: no copy of it is made here."""

from __future__ import annotations

import stat
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from functools import partial
from threading import Event

from glacier_backup.ahead import in_order
from glacier_backup.errors import ServerError, SourceError, SourceShrank
from glacier_backup.model.archive import Container, Member
from glacier_backup.model.recipe import Step
from glacier_backup.pack.packer import PackedStream, PackOutcome
from glacier_backup.pack.remote import Ended, on_server, opened, translated
from glacier_backup.ssh.entries import Attributes
from glacier_backup.ssh.remote import Remote
from glacier_backup.units import MIB

PIECE = 2 * MIB
"""Bytes read over one connection, of several that are read side by side."""


class RemoteRawPacker:
    """Packs a regular file, or what a symlink to one points to, by handing on its bytes. Paths are URLs."""

    container: Container = "raw"

    def __init__(self, remote: Remote) -> None:
        self._remote = remote

    @contextmanager
    def pack(self, path: str, stored_name: str) -> Iterator[PackedStream]:
        """See :class:`glacier_backup.pack.packer.Packer`. Raises SourceError for anything but a regular file."""
        before = opened(self._remote, path)
        if not stat.S_ISREG(before.mode):
            raise SourceError(f"{path}: not a regular file")
        stream = RemoteRawStream(self._remote, path, stored_name, before)
        try:
            yield stream
        finally:
            stream.close()

    def step(self) -> Step:
        """Nothing has to be undone."""
        return Step("raw")

    def estimate(self, content: int, entries: int) -> int:
        """Exactly the bytes of the file."""
        return content


class RemoteRawStream:
    """The bytes of one file, up to the size that it had; read in one of two ways, as a
    :class:`~glacier_backup.pack.raw.RawStream`."""

    size: int | None
    """Bytes, when it was opened; None where only reading tells (files that say they have none, and do)."""

    def __init__(self, remote: Remote, path: str, stored_name: str, before: Attributes) -> None:
        self.size = before.size or None
        self._remote = remote
        self._path = path
        self._on_server = on_server(path)
        self._stored_name = stored_name
        self._before = before
        self._ended = Event()
        self._check = Ended(self._ended)
        self._open = ExitStack()
        self._pieces: Iterator[memoryview] | None = None
        self._piece = memoryview(b"")
        self._position = 0
        self._read_anywhere = False

    def readinto(self, buffer: memoryview) -> int:
        """See :class:`glacier_backup.pack.packer.PackedStream`."""
        if self._pieces is None:
            self._pieces = self._in_order()
        filled = 0
        while filled < len(buffer):
            if not self._piece:
                self._piece = next(self._pieces, self._piece)
                if not self._piece:
                    break
            count = min(len(buffer) - filled, len(self._piece))
            buffer[filled : filled + count] = self._piece[:count]
            self._piece = self._piece[count:]
            filled += count
        self._position += filled
        return filled

    def read_at(self, buffer: memoryview, offset: int) -> int:
        """Fill ``buffer`` with the bytes from ``offset`` on, as far as :attr:`size` goes; safe to use from several
        threads. Raises SourceShrank when the file has fewer bytes by now, SourceError when it can't be read."""
        if self.size is None:
            raise ValueError(f"{self._path} can only be read from front to end")
        self._read_anywhere = True
        wanted = max(0, min(len(buffer), self.size - offset))
        count = self._fill(buffer[:wanted], offset)
        if count < wanted:
            raise SourceShrank(f"{self._path}: it has become shorter while it was read")
        return count

    def outcome(self) -> PackOutcome:
        """Changed: size or time are not what they were when it was opened, or there were fewer bytes."""
        try:
            changed = _looks(self._remote.look(self._on_server)) != _looks(self._before)
        except (OSError, ServerError):
            changed = True
        return PackOutcome((), changed or self._bytes_read() != self._before.size)

    def members(self) -> Iterator[Member]:
        """The file itself."""
        mode = stat.S_IMODE(self._before.mode)
        yield Member(self._stored_name, "file", self._bytes_read(), self._before.mtime_ns, mode, 0, None)

    def close(self) -> None:
        """Call off what is still being read."""
        self._ended.set()
        self._open.close()
        self._remote.forget(self._on_server)

    def _bytes_read(self) -> int:
        return self._before.size if self._read_anywhere else self._position

    def _fill(self, buffer: memoryview, offset: int) -> int:
        with translated(self._path):
            return self._remote.fill(self._on_server, buffer, offset, self._check)

    def _in_order(self) -> Iterator[memoryview]:
        """Pieces, several of them read at the same time; the last is short or empty."""
        size = self._before.size
        if size <= PIECE:
            return self._one_by_one()
        pool = self._open.enter_context(ThreadPoolExecutor(2 * self._remote.width, thread_name_prefix="read"))
        self._open.callback(pool.shutdown, wait=False, cancel_futures=True)
        jobs = (partial(self._read, offset, min(PIECE, size - offset)) for offset in range(0, size, PIECE))
        return in_order(jobs, pool, 4 * self._remote.width)

    def _one_by_one(self) -> Iterator[memoryview]:
        offset, wanted = 0, self._before.size or PIECE
        while piece := self._read(offset, wanted):
            yield piece
            offset += len(piece)
            if len(piece) < wanted or self._before.size:
                return

    def _read(self, offset: int, length: int) -> memoryview:
        piece = memoryview(bytearray(length))
        return piece[: self._fill(piece, offset)]


def _looks(found: Attributes) -> tuple[int, int, int]:
    """What tells a change of the content, as far as it can be told."""
    return stat.S_IFMT(found.mode), found.size, found.mtime
