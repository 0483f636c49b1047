"""The bytes of an archive through one buffer, and where in the archive they are."""

from __future__ import annotations

from glacier_backup.pack.unpacker import ArchiveBytes
from glacier_backup.units import MIB

BUFFER = MIB
"""Bytes; all that is ever held of an archive."""


class ArchiveEnds(Exception):
    """There are fewer bytes than the archive says that there are."""


class ArchiveFails(Exception):
    """Reading the archive raised an OSError, which has nothing to do with the files that are written meanwhile."""

    def __init__(self, error: OSError) -> None:
        super().__init__()
        self.error = error


class Stream:
    """Reads on and on. What is between ``at`` and ``end`` of ``buffer`` comes next."""

    def __init__(self, archive: ArchiveBytes, start: int) -> None:
        """``start`` is the position in the archive at which the bytes begin."""
        self._archive = archive
        self._ended = False
        self._before = start
        self.buffer = bytearray(BUFFER)
        self.view = memoryview(self.buffer)
        self.at = 0
        self.end = 0

    @property
    def position(self) -> int:
        """In the archive, of the next byte."""
        return self._before + self.at

    def has(self, count: int) -> bool:
        """Whether ``count`` bytes follow, of at most the buffer's size; they are in the buffer then."""
        if self.end - self.at < count:
            self._fill()
        return self.end - self.at >= count

    def take(self, count: int) -> bytes:
        """The next ``count`` bytes, at most as many as the buffer has. Raises ArchiveEnds."""
        if not self.has(count):
            raise ArchiveEnds
        at = self.at
        self.at = at + count
        return bytes(self.view[at : at + count])

    def some(self, most: int) -> memoryview:
        """From 1 to ``most`` of the next bytes, good until the next step. Raises ArchiveEnds."""
        if self.end == self.at:
            self._fill()
        at = self.at
        self.at = min(at + most, self.end)
        if self.at == at:
            raise ArchiveEnds
        return self.view[at : self.at]

    def _fill(self) -> None:
        left = self.end - self.at
        self.view[:left] = self.view[self.at : self.end]
        self._before += self.at
        self.at, self.end = 0, left
        if self._ended:
            return
        try:
            count = self._archive.readinto(self.view[left:])
        except OSError as error:
            raise ArchiveFails(error) from error
        self._ended = count < BUFFER - left
        self.end += count
