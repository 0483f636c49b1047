"""The SHA-256 of a stream on its way, over all of it from front to end."""

from __future__ import annotations

import hashlib
from collections.abc import Callable

from glacier_backup.destination.destination import ByteStream, SelfHashing


class Linear:
    """That of one stream: its own where it has one. A pass over the bytes is a good part of what a volume costs."""

    def __init__(self, stream: ByteStream) -> None:
        self._stream = stream if isinstance(stream, SelfHashing) else None
        self._sha256 = hashlib.sha256()

    @property
    def observe(self) -> Callable[[memoryview], object] | None:
        """What has to see the bytes in their order; None where nothing has to."""
        return self._sha256.update if self._stream is None else None

    def hexdigest(self) -> str:
        """Once all was read."""
        return self._sha256.hexdigest() if self._stream is None else self._stream.own_sha256
