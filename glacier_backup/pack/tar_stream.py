"""The stream of a tar that GNU tar makes."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from typing import IO

from glacier_backup.errors import SourceError
from glacier_backup.model.archive import Member
from glacier_backup.pack.packer import NothingRead, PackOutcome
from glacier_backup.pack.tar_index import damaged, is_whole, read_members
from glacier_backup.pack.tar_messages import TarMessages
from glacier_backup.process import Running


def _nothing() -> None:
    pass


class TarStream:
    """The output of one tar at work."""

    def __init__(
        self, path: str, tar: Running, messages: TarMessages, index: IO[bytes], ended: Callable[[], None] = _nothing
    ) -> None:
        """``ended`` is called once tar has, before what it said is judged, and may raise SourceError."""
        self._path = path
        self._tar = tar
        self._messages = messages
        self._index = index
        self._tell_ended = ended
        self._differs = False
        self._ended = False

    def readinto(self, buffer: memoryview) -> int:
        """See :class:`glacier_backup.pack.packer.PackedStream`."""
        count = self._tar.readinto(buffer)
        if count < len(buffer) and not self._ended:
            self._end()
        return count

    def outcome(self) -> PackOutcome:
        """What tar said about what it read."""
        return PackOutcome(self._messages.problems, self._messages.changed or self._differs)

    def members(self) -> Iterator[Member]:
        """From the list that tar wrote as it packed. Raises SourceError when that is damaged."""
        return read_members(self._index)

    def _end(self) -> None:
        status = self._tar.wait()
        if status < 0:
            raise SourceError(f"{self._path}: tar was ended by signal {-status}")
        self._tell_ended()
        if self._messages.fatal or (status > 1 and not self._messages.explained):
            raise SourceError(f"{self._path}: tar could not pack it: {self._messages.words()}")
        if os.fstat(self._index.fileno()).st_size == 0:
            raise NothingRead(f"{self._path}: nothing of it could be read: {self._messages.words()}")
        if not is_whole(self._index):
            raise damaged()
        self._differs = status == 1  # "some files differ", in whatever words (GNU tar manual, "Return status")
        self._ended = True
