"""A regular file as it is: the container that needs no unpacking."""

from __future__ import annotations

import os
import stat
from collections.abc import Iterator
from contextlib import contextmanager

from glacier_backup.errors import SourceError
from glacier_backup.model.archive import Container, Member
from glacier_backup.model.recipe import Step
from glacier_backup.pack.packer import PackedStream, PackOutcome

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
            before = os.fstat(descriptor)
            if not stat.S_ISREG(before.st_mode):
                raise SourceError(f"{path}: not a regular file")
            yield RawStream(path, stored_name, descriptor, before)
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

    def __init__(self, path: str, stored_name: str, descriptor: int, before: os.stat_result) -> None:
        self._path = path
        self._stored_name = stored_name
        self._descriptor = descriptor
        self._before = before
        self._position = 0

    def readinto(self, buffer: memoryview) -> int:
        """See :class:`glacier_backup.pack.packer.PackedStream`."""
        start = self._position
        try:
            while rest := buffer[self._position - start :]:
                count = os.preadv(self._descriptor, [rest], self._position)
                if not count:
                    break
                self._position += count
        except OSError as error:
            raise _unreadable(self._path, error) from error
        return self._position - start

    def outcome(self) -> PackOutcome:
        """Changed: the file, or what its name stands for, is not what it was when it was opened, or its bytes
        were more or fewer than its size said."""
        try:
            now = os.stat(self._path)
        except OSError:
            return PackOutcome((), changed=True)
        changed = _looks(now) != _looks(self._before) or self._position != self._before.st_size
        return PackOutcome((), changed)

    def members(self) -> Iterator[Member]:
        """The file itself."""
        mode = stat.S_IMODE(self._before.st_mode)
        yield Member(self._stored_name, "file", self._position, self._before.st_mtime_ns, mode, 0, None)


def _looks(status: os.stat_result) -> tuple[int, int, int, int]:
    return status.st_dev, status.st_ino, status.st_size, status.st_mtime_ns


def _unreadable(path: str, error: OSError) -> SourceError:
    return SourceError(f"{path}: {error.strerror}")
