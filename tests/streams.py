"""Byte streams for tests."""

from __future__ import annotations

import random
from collections.abc import Callable


class BytesStream:
    """The bytes of ``data``, counted as they are read; ``at_end`` is called when the end is reached."""

    def __init__(self, data: bytes, at_end: Callable[[], None] | None = None) -> None:
        self._data = memoryview(data)
        self._at = 0
        self._at_end = at_end

    def readinto(self, buffer: memoryview) -> int:
        chunk = self._data[self._at : self._at + len(buffer)]
        buffer[: len(chunk)] = chunk
        self._at += len(chunk)
        if len(chunk) < len(buffer) and self._at_end is not None:
            self._at_end()
        return len(chunk)


class AnywhereStream:
    """The bytes of ``data``, to be read at several places at once; ``before_read`` is told each offset first."""

    def __init__(self, data: bytes, before_read: Callable[[int], None] = lambda offset: None) -> None:
        self.size: int | None = len(data)
        self._data = memoryview(data)
        self._before_read = before_read
        self._in_order = BytesStream(data)

    def readinto(self, buffer: memoryview) -> int:
        return self._in_order.readinto(buffer)

    def read_at(self, buffer: memoryview, offset: int) -> int:
        self._before_read(offset)
        chunk = self._data[offset : offset + len(buffer)]
        buffer[: len(chunk)] = chunk
        return len(chunk)


def noise(size: int, seed: int = 1) -> bytes:
    """``size`` bytes that are the same for the same seed and don't repeat."""
    return random.Random(seed).randbytes(size)
