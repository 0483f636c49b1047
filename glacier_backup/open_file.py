"""A file that is open, read at any place: safe from several threads, for nothing of it moves."""

from __future__ import annotations

import os


def read_at(descriptor: int, buffer: memoryview, offset: int) -> int:
    """Fill ``buffer`` with the bytes from ``offset`` on; how many there were: fewer only at the file's end. Raises
    OSError."""
    done = 0
    while done < len(buffer) and (count := os.preadv(descriptor, [buffer[done:]], offset + done)):
        done += count
    return done


class OpenFile:
    """The bytes of a file, from front to end or at several places at once; whoever opened it closes it."""

    def __init__(self, descriptor: int, size: int) -> None:
        self.size: int | None = size
        """Bytes; those that read streams allow for some that don't know."""
        self._descriptor = descriptor
        self._offset = 0

    def readinto(self, buffer: memoryview) -> int:
        """Fill ``buffer`` as far as there are bytes; a short count, 0 included, means the end. Raises OSError."""
        count = self.read_at(buffer, self._offset)
        self._offset += count
        return count

    def read_at(self, buffer: memoryview, offset: int) -> int:
        """As :func:`read_at`."""
        return read_at(self._descriptor, buffer, offset)
