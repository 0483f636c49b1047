"""Volumes, each opened by itself, as one stream."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, ExitStack
from typing import NamedTuple

from glacier_backup.errors import DamageFound, SealError
from glacier_backup.seal.sealer import ByteStream


class Volume(NamedTuple):
    """One to be opened."""

    stream: ByteStream
    """Its bytes, all of them."""
    hmac_sha256: str | None = None
    number: int = 1


class Joined:
    """What is in the volumes, one behind the other. To be closed."""

    def __init__(
        self,
        volumes: Iterator[Volume],
        opening: Callable[[Volume], AbstractContextManager[ByteStream]],
        size: int | None,
    ) -> None:
        """``size`` is what each volume holds, but for the last one, which may hold less; None: there is one volume, of
        any size."""
        self._volumes = volumes
        self._opening = opening
        self._size = size
        self._open = ExitStack()
        self._content: ByteStream | None = None
        self._last: Volume | None = None
        """That was taken."""
        self._held = 0
        """Bytes of it that were handed on."""
        self._at_odds = False
        self.first = 0
        """The number of the first volume, once it was taken."""

    @property
    def hmac_sha256(self) -> str | None:
        """Of the last volume that was taken."""
        return None if self._last is None else self._last.hmac_sha256

    def readinto(self, buffer: memoryview) -> int:
        """See :class:`glacier_backup.seal.sealer.ByteStream`. Raises DamageFound for a volume of another size, and for
        one that isn't there; and then again."""
        if self._at_odds:
            raise SealError("reading the volumes has failed before")
        self._at_odds = True
        filled = 0
        while filled < len(buffer) and (content := self._content or self._turned()) is not None:
            count = content.readinto(buffer[filled:])
            if filled + count < len(buffer):
                self.close()
            filled += count
            self._held += count
        self._at_odds = False
        return filled

    def close(self) -> None:
        """Let go of the volume that is being read."""
        self._content = None
        self._open.close()

    def _turned(self) -> ByteStream | None:
        """The next volume, which is open now."""
        volume = next(self._volumes, None)
        if self._last is None:
            self._check_first(volume)
        else:
            self._check_behind(self._last, volume)
        if volume is None:
            return None
        self._last, self._held = volume, 0
        self._content = self._open.enter_context(self._opening(volume))
        return self._content

    def _check_first(self, volume: Volume | None) -> None:
        if volume is None:
            raise DamageFound("there is no volume to open")
        self.first = volume.number

    def _check_behind(self, last: Volume, volume: Volume | None) -> None:
        if self._size is not None and (self._held > self._size or (volume is not None and self._held < self._size)):
            raise DamageFound(f"volume {last.number} holds {self._held} bytes, and should hold {self._size}")
        if volume is None:
            return
        if self._size is None:
            raise DamageFound("there is more than one volume, and nothing was cut")
        if volume.number != last.number + 1:
            raise DamageFound(f"volume {last.number + 1} is missing: volume {volume.number} comes next")
