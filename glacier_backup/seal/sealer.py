"""The Sealer and Opener Protocols: one step that changes the bytes of an archive, and its inverse.

Steps stream: they take what comes and hand it on changed, in bounded memory. What cuts the stream into volumes is
:mod:`glacier_backup.seal.chain`'s, and parity, which needs a volume on the disk, is :mod:`glacier_backup.seal.par2`'s.
"""

from __future__ import annotations

from contextlib import AbstractContextManager
from typing import Protocol

from glacier_backup.model.recipe import Step
from glacier_backup.seal.keys import Keys


class ByteStream(Protocol):
    """Bytes, read once from front to end."""

    def readinto(self, buffer: memoryview) -> int:
        """Fill ``buffer`` as far as there are bytes; a short count, 0 included, means the end."""
        ...


class SealedStream(ByteStream, Protocol):
    """What a step makes of a stream. What reading the stream raises comes through as it was."""

    @property
    def hmac_sha256(self) -> str | None:
        """Hex; of all bytes, known once all of them were read. None for steps that authenticate what they encrypt, and
        for those that don't encrypt."""
        ...


class Sealer(Protocol):
    """One step, as it was configured. Safe to use from several threads."""

    @property
    def suffix(self) -> str:
        """What the archive's name gets: ``.zst``; empty for a step that is left out."""
        ...

    @property
    def repeatable(self) -> bool:
        """Whether the same bytes, sealed again with the same nonce by another process, give the same bytes."""
        ...

    def step(self) -> Step:
        """What the recipe records: all that opening needs, apart from keys. The same for every stream."""
        ...

    def most(self, size: int) -> int:
        """Bytes that so many may become at most."""
        ...

    def seal(self, stream: ByteStream, nonce: bytes) -> AbstractContextManager[SealedStream]:
        """``stream``, sealed. Leaving the context ends every thread and process that was begun for it, however much was
        read, and closes nothing of ``stream``'s.

        ``nonce`` is 32 bytes, of which no two streams have the same; not secret. Raises SealError when it can't be
        sealed, there or while it is read.
        """
        ...


class Opener(Protocol):
    """The inverse of a step, by what the recipe says of it. Recipes come from servers: a parameter that no step of ours
    has, such as an enormous count of iterations, is SealError."""

    def open(
        self, stream: ByteStream, step: Step, keys: Keys, hmac_sha256: str | None = None
    ) -> AbstractContextManager[ByteStream]:
        """What ``stream`` was before. Leaving the context ends all that was begun for it.

        ``hmac_sha256`` is the recorded one of ``stream``'s bytes, where the step has such. Raises KeyNeeded and
        WrongKey before anything is handed on, DamageFound for what isn't what was sealed: while it is read, at the
        latest in place of its end, so that whoever has seen the end has the right bytes.
        """
        ...
