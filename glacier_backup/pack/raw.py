"""A regular file as it is: the container that needs no unpacking.

It can be read in two ways: from front to end, as far as there are bytes, or at several places at once, up to the size
that it had when it was opened. One stream is read in one of them.
"""

from __future__ import annotations

import os
import stat
import time
from collections.abc import Iterator
from contextlib import contextmanager

from glacier_backup.errors import SourceError, SourceShrank
from glacier_backup.model.archive import Container, Member
from glacier_backup.model.recipe import Step
from glacier_backup.open_file import read_at
from glacier_backup.pack.packer import PackedStream, PackOutcome
from glacier_backup.pack.tick import TICK, TICK_NS

# O_NONBLOCK: a FIFO that took the file's place must not make us wait for a writer.
_FLAGS = os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC | os.O_NOCTTY


class RawPacker:
    """Packs a regular file, or what a symlink to one points to, by handing on its bytes."""

    container: Container = "raw"

    @contextmanager
    def pack(self, path: str, stored_name: str) -> Iterator[PackedStream]:
        """See :class:`glacier_backup.pack.packer.Packer`. Raises SourceError for anything but a regular file."""
        try:
            descriptor = os.open(path, _FLAGS)
        except OSError as error:
            raise _unreadable(path, error) from error
        try:
            if not stat.S_ISREG(os.fstat(descriptor).st_mode):
                raise SourceError(f"{path}: not a regular file")
            yield RawStream(path, stored_name, descriptor)
        finally:
            os.close(descriptor)

    def step(self) -> Step:
        """Nothing has to be undone."""
        return Step("raw")

    def estimate(self, content: int, entries: int) -> int:
        """Exactly the bytes of the file."""
        return content


class RawStream:
    """The bytes of one open file, and what is known of it afterwards."""

    size: int | None
    """Bytes, as of when it was opened; None where only reading tells (files of /proc and of some file systems in FUSE
    have content and say that they have none, files of /sys have less than they say)."""

    def __init__(self, path: str, stored_name: str, descriptor: int) -> None:
        before = _still(descriptor)
        self.size = before.st_size if _reaches(descriptor, before.st_size) else None
        self._path = path
        self._stored_name = stored_name
        self._descriptor = descriptor
        self._before = before
        self._in_motion = _just_changed(before)
        self._position = 0
        self._read_anywhere = False

    def readinto(self, buffer: memoryview) -> int:
        """See :class:`glacier_backup.pack.packer.PackedStream`."""
        count = self._fill(buffer, self._position)
        self._position += count
        return count

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
        """Changed: the file, or what its name stands for, is not what it was when it was opened, or its bytes
        were more or fewer than its size said."""
        try:
            now = os.stat(self._path)
        except OSError:
            return PackOutcome((), changed=True)
        changed = self._in_motion or _differ(self._before, now) or self._bytes_read() != self._before.st_size
        return PackOutcome((), changed)

    def members(self) -> Iterator[Member]:
        """The file itself."""
        mode = stat.S_IMODE(self._before.st_mode)
        yield Member(self._stored_name, "file", self._bytes_read(), self._before.st_mtime_ns, mode, 0, None)

    def _bytes_read(self) -> int:
        return self._before.st_size if self._read_anywhere else self._position

    def _fill(self, buffer: memoryview, offset: int) -> int:
        try:
            return read_at(self._descriptor, buffer, offset)
        except OSError as error:
            raise _unreadable(self._path, error) from error


def _still(descriptor: int) -> os.stat_result:
    """What a file looks like, at a moment from which on its times tell every change: for a file that was changed just
    now, a moment later."""
    status = os.fstat(descriptor)
    if not _just_changed(status):
        return status
    time.sleep(TICK)
    return os.fstat(descriptor)


def _just_changed(status: os.stat_result) -> bool:
    return 0 <= time.time_ns() - status.st_ctime_ns < TICK_NS


def _reaches(descriptor: int, size: int) -> bool:
    """Whether a file has as many bytes as it says, and says that it has any."""
    try:
        return size > 0 and len(os.pread(descriptor, 1, size - 1)) == 1
    except OSError:
        return False


def _differ(before: os.stat_result, now: os.stat_result) -> bool:
    """Whether the content may not be the same.

    The time of the last change of status can't be set back as that of the content can; but it also moves when a file
    gets another link, mode or owner, which leave the content alone.
    """
    if _looks(now) != _looks(before):
        return True
    return now.st_ctime_ns != before.st_ctime_ns and _surroundings(now) == _surroundings(before)


def _looks(status: os.stat_result) -> tuple[int, int, int, int]:
    return status.st_dev, status.st_ino, status.st_size, status.st_mtime_ns


def _surroundings(status: os.stat_result) -> tuple[int, int, int, int]:
    return status.st_nlink, status.st_mode, status.st_uid, status.st_gid


def _unreadable(path: str, error: OSError) -> SourceError:
    return SourceError(f"{path}: {error.strerror}")
