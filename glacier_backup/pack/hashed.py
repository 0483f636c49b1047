"""Packed streams whose files are hashed while they are read: what is hashed is what was sent, and it is read once.

They can only be read from front to end, whatever the stream beneath offers.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager

from glacier_backup.model.archive import Container, Member
from glacier_backup.pack.packer import PackedStream, PackOutcome
from glacier_backup.pack.tar_hashes import TarHashes


class HashedFile:
    """The bytes of one file, or the target of a link; or all of a tar (:func:`hashed_whole`)."""

    def __init__(self, stream: PackedStream) -> None:
        self._stream = stream
        self._hash = hashlib.sha256()

    def readinto(self, buffer: memoryview) -> int:
        """See :class:`glacier_backup.pack.packer.PackedStream`."""
        count = self._stream.readinto(buffer)
        self._hash.update(buffer[:count])
        return count

    def outcome(self) -> PackOutcome:
        """What went in."""
        return self._stream.outcome()

    def members(self) -> Iterator[Member]:
        """The file itself."""
        return self._stream.members()

    @property
    def sha256(self) -> str | None:
        """Hex, of all bytes, once they were read."""
        return self._hash.hexdigest()


class HashedTar:
    """A tar of files."""

    def __init__(self, stream: PackedStream) -> None:
        self._stream = stream
        self._hashes = TarHashes()

    def readinto(self, buffer: memoryview) -> int:
        """See :class:`glacier_backup.pack.packer.PackedStream`."""
        count = self._stream.readinto(buffer)
        self._hashes.take(buffer[:count])
        return count

    def outcome(self) -> PackOutcome:
        """What went in."""
        return self._stream.outcome()

    def members(self) -> Iterator[Member]:
        """With the hashes of files and links."""
        return self._hashes.told(self._stream.members())

    @property
    def sha256(self) -> str | None:
        """Hex, of the content of the only file, once all was read; None where there isn't one alone."""
        only = self._hashes.only
        return None if only is None else only.hex()


@contextmanager
def hashed(opening: AbstractContextManager[PackedStream], container: Container) -> Iterator[HashedFile | HashedTar]:
    """The stream that ``opening`` opens, which is such a ``container``; not a ZIP, whose files are hashed anyway."""
    with opening as stream:
        yield HashedFile(stream) if container == "raw" else HashedTar(stream)


@contextmanager
def hashed_whole(opening: AbstractContextManager[PackedStream]) -> Iterator[HashedFile]:
    """The stream that ``opening`` opens, with the hash of all of it, whatever it is."""
    with opening as stream:
        yield HashedFile(stream)
