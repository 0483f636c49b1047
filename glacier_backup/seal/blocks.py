"""A stream as zstandard reads one."""

from __future__ import annotations

from glacier_backup.seal.ahead import BLOCK, blocks_of
from glacier_backup.seal.frames import Frames
from glacier_backup.seal.room import room
from glacier_backup.seal.sealer import ByteStream


class _Closed(Exception):
    """Nobody reads any more."""


class Blocks:
    """A stream for zstandard, which wants ``read`` alone: a block at a time, in memory that is used again for
    the next."""

    def __init__(self, stream: ByteStream, frames: Frames | None = None) -> None:
        self._frames = frames
        self._read = blocks_of(stream)
        self._block = room(BLOCK)
        self.ended = False
        self._closed = False

    def close(self) -> None:
        """Let it read no more: of a great many zeros it makes so little that else it would go on for long."""
        self._closed = True

    def read(self, size: int = -1) -> memoryview:
        """The next bytes, whatever ``size``, which is good only for the last call; none at the end."""
        if self._closed:
            raise _Closed
        count = self._read(self._block)
        self.ended = not count
        if self._frames is not None:
            self._frames.see(self._block[:count])
        return self._block[:count]
