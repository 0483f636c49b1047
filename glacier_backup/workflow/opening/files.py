"""Files as streams, and what they add up to."""

from __future__ import annotations

import os
import stat
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from glacier_backup.digest import leaf_digests, tree_hash
from glacier_backup.errors import GlacierBackupError
from glacier_backup.units import MIB

_AT_A_TIME = 4 * MIB
"""Bytes hashed between two looks at whether to stop; whole MiB."""


class FileStream:
    """A file that is open as ``descriptor``, from where it stands."""

    def __init__(self, path: str, descriptor: int, check: Callable[[], None]) -> None:
        self._path = path
        self._descriptor = descriptor
        self._check = check

    def readinto(self, buffer: memoryview) -> int:
        """See :class:`glacier_backup.seal.sealer.ByteStream`. Raises GlacierBackupError where it can't be read, and
        what ``check`` raises."""
        filled = 0
        self._check()
        try:
            while filled < len(buffer) and (count := os.readv(self._descriptor, [buffer[filled:]])):
                filled += count
        except OSError as error:
            raise GlacierBackupError(f"{self._path} can't be read: {error.strerror}") from error
        return filled


@contextmanager
def reading(path: str, check: Callable[[], None]) -> Iterator[FileStream]:
    """The file, from its beginning. Raises GlacierBackupError where it can't be read, or isn't a file."""
    try:
        # A pipe would keep us waiting for somebody to write.
        descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC | os.O_NONBLOCK)
    except OSError as error:
        raise GlacierBackupError(f"{path} can't be read: {error.strerror}") from error
    try:
        if not stat.S_ISREG(os.fstat(descriptor).st_mode):
            raise GlacierBackupError(f"{path} is no file", hint="what comes through a pipe is to be put into a file")
        yield FileStream(path, descriptor, check)
    finally:
        os.close(descriptor)


def tree_hash_of(path: str, check: Callable[[], None]) -> str:
    """Of the file's bytes; see :mod:`glacier_backup.digest`. Raises GlacierBackupError, and what ``check`` raises."""
    leaves = bytearray()
    buffer = memoryview(bytearray(_AT_A_TIME))
    with reading(path, check) as stream:
        while count := stream.readinto(buffer):
            leaves += leaf_digests(buffer[:count])
    return tree_hash(leaves)
