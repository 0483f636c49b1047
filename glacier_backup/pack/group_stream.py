"""The stream of a group's tar or ZIP, whoever makes it."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence

from glacier_backup.errors import SourceError, SourceGone
from glacier_backup.model.archive import Member, ReadProblem
from glacier_backup.pack.doubts import Doubts
from glacier_backup.pack.packer import NothingRead, PackedStream, PackOutcome


class GroupStream:
    """An archive of single files, which tells of each file whether it is what it looked like."""

    def __init__(
        self,
        stream: PackedStream,
        doubts: Doubts,
        is_told: Callable[[], bool],
        as_planned: Callable[[], bool] = lambda: True,
    ) -> None:
        """``is_told`` says at the end whether every change was noted among the ``doubts``, ``as_planned`` what
        :class:`~glacier_backup.pack.packer.PackOutcome` is to say."""
        self._stream = stream
        self._doubts = doubts
        self._is_told = is_told
        self._as_planned = as_planned

    def readinto(self, buffer: memoryview) -> int:
        """See :class:`glacier_backup.pack.packer.PackedStream`. Raises SourceGone where there is nothing any more."""
        try:
            return self._stream.readinto(buffer)
        except NothingRead:
            raise _nothing_read(self._stream.outcome().problems) from None

    def outcome(self) -> PackOutcome:
        """Changed: something did of which the list of members doesn't tell; in a ZIP, something did."""
        found = self._stream.outcome()
        return PackOutcome(found.problems, found.changed and not self._is_told(), self._as_planned())

    def members(self) -> Iterator[Member]:
        """What is in it: not what has vanished or can't be read. What changed while it was read, or could be read only
        in part, is listed with a time that it doesn't have, so that nobody takes it for what lies there."""
        return self._doubts.listed(self._stream.members())


def _nothing_read(problems: Sequence[ReadProblem]) -> SourceError:
    if not problems:
        return SourceGone("none of its files is left")
    first = problems[0]
    return SourceError(f"none of its files can be read; the first is {first.path}: {first.cause}")
