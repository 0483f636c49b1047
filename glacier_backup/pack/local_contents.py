"""The contents of the files in a directory of this machine, or of one file, as a tar that is made here needs them."""

from __future__ import annotations

import errno
import os
import stat
from collections.abc import Sequence
from contextlib import closing
from dataclasses import dataclass
from threading import Lock

from glacier_backup.open_file import read_at
from glacier_backup.pack.tar_writer import SMALL
from glacier_backup.pack.tree import Entry, Piece, Range
from glacier_backup.units import KIB, MIB

# O_NONBLOCK: a FIFO that took a file's place must not make us wait for a writer.
FILE = os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC | os.O_NOCTTY
GONE = (errno.ENOENT, errno.ENOTDIR, errno.ELOOP)
"""It isn't there any more, or something else has taken its place."""

_ON_THE_WAY = getattr(os, "O_PATH", os.O_RDONLY) | os.O_DIRECTORY | os.O_CLOEXEC
_AT_A_TIME = 64 * KIB


class LocalContents:
    """Reads what lies below an open directory, or an open file; safe to use from several threads.

    Every directory on the way is opened from the one above it, and no symlink is followed unless that is asked for.
    """

    def __init__(self, root: int, follow: bool = False) -> None:
        """With ``follow`` a name, or part of it, may be a symlink to what is meant."""
        self._root = root
        self._follow = follow
        self._large: dict[str, _Large] = {}
        self._lock = Lock()

    def read(self, ranges: Sequence[Range]) -> Sequence[Piece | OSError]:
        """See :meth:`glacier_backup.pack.tree.Tree.read`."""
        if ranges[0].entry.size > SMALL:
            return [self._read_large(ranges[0])]
        with closing(_Way(self._root, self._follow)) as way:
            return [_read_small(way, one.entry) for one in ranges]

    def close(self) -> None:
        """Let go of what is still open, but for the root."""
        for large in self._large.values():
            os.close(large.descriptor)
        self._large = {}

    def _read_large(self, wanted: Range) -> Piece | OSError:
        try:
            return _range(self._opened(wanted.entry), wanted)
        except OSError as error:
            return _as_gone(error)
        finally:
            self._was_read(wanted)

    def _opened(self, entry: Entry) -> int:
        """A large file stays open for other ranges: what takes its place meanwhile is no part of it."""
        with self._lock:
            if entry.name not in self._large:
                with closing(_Way(self._root, self._follow)) as way:
                    self._large[entry.name] = _Large(way.open(entry.name), entry.size)
            return self._large[entry.name].descriptor

    def _was_read(self, wanted: Range) -> None:
        with self._lock:
            large = self._large.get(wanted.entry.name)
            if large is None:
                return
            large.left -= wanted.length
            if not large.left:
                os.close(large.descriptor)
                del self._large[wanted.entry.name]


@dataclass(slots=True)
class _Large:
    """An open file of which ranges are being read."""

    descriptor: int
    left: int
    """Bytes that nobody has asked for yet."""


class _Way:
    """Goes from the topmost directory to files, the open directory of the last one being the next one's more often than
    not."""

    def __init__(self, root: int, follow: bool) -> None:
        self._root = root
        self._no_link = 0 if follow else os.O_NOFOLLOW
        self._folder = b""
        self._descriptor = root

    def open(self, name: str) -> int:
        """The regular file of this name below the topmost directory, or with an empty name that itself. Raises OSError,
        FileNotFoundError also where something else has taken its place."""
        if not name:
            return os.dup(self._root)
        folder, _, base = os.fsencode(name).rpartition(b"/")
        if folder != self._folder:
            self._go(folder)
        descriptor = os.open(base, FILE | self._no_link, dir_fd=self._descriptor)
        if not stat.S_ISREG(os.fstat(descriptor).st_mode):
            os.close(descriptor)
            raise FileNotFoundError(errno.ENOENT, "no longer a file")
        return descriptor

    def close(self) -> None:
        self._folder = b""
        if self._descriptor != self._root:
            os.close(self._descriptor)
            self._descriptor = self._root

    def _go(self, folder: bytes) -> None:
        self.close()
        try:
            for name in folder.split(b"/") if folder else ():
                below = os.open(name, _ON_THE_WAY | self._no_link, dir_fd=self._descriptor)
                self.close()
                self._descriptor = below
        except OSError:
            self.close()
            raise
        self._folder = folder


def _read_small(way: _Way, entry: Entry) -> Piece | OSError:
    try:
        descriptor = way.open(entry.name)
    except OSError as error:
        return _as_gone(error)
    try:
        return _whole(descriptor, entry.size)
    except OSError as error:
        return error
    finally:
        os.close(descriptor)


def _whole(descriptor: int, size: int) -> Piece:
    """All of a file up to 1 MiB, whatever size it says it has: those of /sys have less, and a log may have more."""
    data = os.pread(descriptor, size + 1, 0)
    while len(data) < MIB and (more := os.pread(descriptor, _AT_A_TIME, len(data))):
        data += more
    found = os.fstat(descriptor)
    return Piece(data, len(data) if len(data) < MIB else found.st_size, found.st_mtime_ns)


def _range(descriptor: int, wanted: Range) -> Piece:
    data = bytearray(wanted.length)
    with memoryview(data) as view:
        filled = read_at(descriptor, view, wanted.offset)
    del data[filled:]
    found = os.fstat(descriptor)
    return Piece(data, found.st_size, found.st_mtime_ns)


def _as_gone(error: OSError) -> OSError:
    """The error as :class:`~glacier_backup.pack.tar_writer.TarWriter` tells what vanished from what can't be read."""
    return FileNotFoundError(*error.args) if error.errno in GONE else error
