"""A stream on its way into a seal, whose reader may be busy for long without asking whether to stop."""

from __future__ import annotations

from collections.abc import Callable

from glacier_backup.destination.destination import ByteStream


class Watched:
    """``stream``; ``check`` is asked before each look at it, and raises when the run is to stop."""

    def __init__(self, stream: ByteStream, check: Callable[[], object]) -> None:
        self._stream = stream
        self._check = check

    def readinto(self, buffer: memoryview) -> int:
        self._check()
        return self._stream.readinto(buffer)
