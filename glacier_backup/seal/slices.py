"""A stream cut into slices, each of which becomes a volume."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Sequence
from contextlib import AbstractContextManager

from glacier_backup.seal.ahead import BLOCK
from glacier_backup.seal.room import room
from glacier_backup.seal.sealer import SealedStream, Sealer
from glacier_backup.seal.through import through


def cut(stream: SealedStream, size: int, each: Sequence[Sealer], nonce: bytes) -> Iterator[Piece]:
    """Slices of ``size`` bytes, of which the last may be smaller, to be sealed by ``each``: none of no bytes, unless
    there are none at all. Raises ValueError when a slice wasn't read to its end before the next is taken."""
    source = _Source(stream)
    number = 0
    last = False
    while not last:
        number += 1
        piece = Piece(number, source, size, each, _nonce_of(number, nonce))
        yield piece
        if not piece.over:
            raise ValueError(f"slice {number} wasn't read to its end")
        last = piece.last


class Piece:
    """A slice, as :class:`glacier_backup.seal.chain.Slice` has it; and what goes into its volume, in the clear."""

    def __init__(self, number: int, source: _Source, size: int, each: Sequence[Sealer], nonce: bytes) -> None:
        self.number = number
        self.over = False
        """Whether it was read to its end."""
        self.last = False
        """Whether nothing comes behind it; known when it is over."""
        self._source = source
        self._left = size
        self._each = each
        self._nonce = nonce
        self._sha256 = hashlib.sha256()

    def sealed(self) -> AbstractContextManager[SealedStream]:
        """The volume."""
        return through(self._each, self, self._nonce)

    def pass_by(self) -> str:
        """Read over it; returns the hex SHA-256 of the slice."""
        buffer = room(BLOCK)
        while self.readinto(buffer) == len(buffer):
            pass
        return self.slice_sha256

    @property
    def slice_sha256(self) -> str:
        """Hex; once all was read."""
        return self._sha256.hexdigest()

    @property
    def own_sha256(self) -> str:
        """What a destination need not find out once more, where the slice is stored as it is."""
        return self.slice_sha256

    @property
    def hmac_sha256(self) -> str | None:
        """Where the whole was encrypted before it was cut, that of the whole; of the last slice alone."""
        return self._source.hmac_sha256 if self.last else None

    def readinto(self, buffer: memoryview) -> int:
        """See :class:`glacier_backup.seal.sealer.ByteStream`."""
        wanted = buffer[: self._left]
        count = 0 if self.over else self._source.readinto(wanted)
        self._sha256.update(wanted[:count])
        self._left -= count
        if not self.over and (count < len(wanted) or not self._left):
            self.last = count < len(wanted) or self._source.at_end()
            self.over = True
        return count


class _Source:
    """The whole stream, of which a byte can be read ahead."""

    def __init__(self, stream: SealedStream) -> None:
        self._stream = stream
        self._ahead = bytearray()

    @property
    def hmac_sha256(self) -> str | None:
        return self._stream.hmac_sha256

    def readinto(self, buffer: memoryview) -> int:
        count = len(self._ahead)
        if count:
            buffer[:count] = self._ahead
            self._ahead.clear()
        return count + self._stream.readinto(buffer[count:])

    def at_end(self) -> bool:
        byte = bytearray(1)
        self._ahead = byte[: self._stream.readinto(memoryview(byte))]
        return not self._ahead


def _nonce_of(number: int, nonce: bytes) -> bytes:
    return hashlib.sha256(b"volume %d " % number + nonce).digest()
