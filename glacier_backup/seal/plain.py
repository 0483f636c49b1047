"""A stream that a seal hands on as it is."""

from __future__ import annotations

from glacier_backup.seal.sealer import ByteStream


class Plain:
    """Somebody else's stream, that nothing was done to."""

    hmac_sha256: str | None = None

    def __init__(self, stream: ByteStream) -> None:
        self._stream = stream

    def readinto(self, buffer: memoryview) -> int:
        """See :class:`glacier_backup.seal.sealer.ByteStream`."""
        return self._stream.readinto(buffer)
