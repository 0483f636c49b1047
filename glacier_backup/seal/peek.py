"""A look at how a stream begins, before it is read."""

from __future__ import annotations

from glacier_backup.seal.room import room
from glacier_backup.seal.sealer import ByteStream
from glacier_backup.units import MIB


class Peeked:
    """A stream, of which ``head``, its first MiB or all of it, was read already and comes again."""

    def __init__(self, stream: ByteStream) -> None:
        buffer = room(MIB)
        count = stream.readinto(buffer)
        self.head = bytes(buffer[:count])
        self._stream = None if count < MIB else stream
        self._left = memoryview(self.head)

    @property
    def is_whole(self) -> bool:
        """Whether ``head`` is all there is."""
        return self._stream is None

    def skip(self, count: int) -> None:
        """Leave out so many bytes of the head."""
        self._left = self._left[count:]

    def readinto(self, buffer: memoryview) -> int:
        """See :class:`glacier_backup.seal.sealer.ByteStream`."""
        count = min(len(self._left), len(buffer))
        buffer[:count] = self._left[:count]
        self._left = self._left[count:]
        if count < len(buffer) and self._stream is not None:
            count += self._stream.readinto(buffer[count:])
        return count
