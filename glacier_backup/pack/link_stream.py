"""The target of a symlink as a stream."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator

from glacier_backup.model.archive import Member
from glacier_backup.pack.packer import PackOutcome


class LinkStream:
    """The target of one symlink, wherever that lies."""

    def __init__(self, stored_name: str, target: bytes, mtime_ns: int, mode: int, is_same: Callable[[], bool]) -> None:
        """``is_same`` is asked at the end: whether the link is still the one that it was."""
        self._target = target
        self._is_same = is_same
        self._member = Member(stored_name, "symlink", 0, mtime_ns, mode, 0, os.fsdecode(target))
        self._position = 0

    def readinto(self, buffer: memoryview) -> int:
        """See :class:`glacier_backup.pack.packer.PackedStream`."""
        piece = self._target[self._position : self._position + len(buffer)]
        buffer[: len(piece)] = piece
        self._position += len(piece)
        return len(piece)

    def outcome(self) -> PackOutcome:
        """Changed: another link, or none, has taken its place."""
        return PackOutcome((), changed=not self._is_same())

    def members(self) -> Iterator[Member]:
        """The link itself."""
        yield self._member
