"""Which files of a group may be in it otherwise than they looked.

Of a directory it is enough to know that something changed while it was read: then all of it is sent again. Of a group,
and of a directory of which increments are sent, each file counts for itself, and one that is noted with its size and
its time isn't sent again as long as it has them. So what may be in doubt is listed with a time that it doesn't have.
"""

from __future__ import annotations

import time
from collections.abc import Iterator

from glacier_backup.model.archive import Member
from glacier_backup.pack.packer import PackedStream, PackOutcome

EARLIER = 10**9
"""In ns: a whole second, for that is the least which tells two times apart wherever they are told."""


class Doubts:
    """Paths, as many as the group has files at most."""

    def __init__(self, section: str, stored_name: str, since: int | None = None) -> None:
        """Members lie below ``stored_name``, which may be empty, and what became them below ``section``. Files that
        were changed after ``since``, in ns since 1970, are in doubt anyway: each may have been changed once more after
        it was read, within the same tick of the clock."""
        self._above = section.rstrip("/")
        self._top = len(stored_name) + 1 if stored_name else 0
        self._paths: set[str] = set()
        self._since = since

    def __bool__(self) -> bool:
        """Whether any was noted."""
        return bool(self._paths)

    def add(self, path: str) -> None:
        """This file, by its absolute path, changed while it was read, or could be read only in part."""
        self._paths.add(path)

    def listed(self, members: Iterator[Member]) -> Iterator[Member]:
        """``members``; those in doubt a second older than they are."""
        now = time.time_ns()  # times to come aren't those of any change
        for member in members:
            yield member._replace(mtime_ns=member.mtime_ns - EARLIER) if self._has(member, now) else member

    def _has(self, member: Member, now: int) -> bool:
        if self._since is not None and self._since < member.mtime_ns <= now:
            return True
        return bool(self._paths) and self._path(member) in self._paths

    def _path(self, member: Member) -> str:
        below = member.source or member.path[self._top :]
        return f"{self._above}/{below}" if below else self._above


class DoubtingStream:
    """The tar of a directory, which tells of each file whether it is what it looked like."""

    def __init__(self, stream: PackedStream, doubts: Doubts) -> None:
        self._stream = stream
        self._doubts = doubts

    def readinto(self, buffer: memoryview) -> int:
        """See :class:`glacier_backup.pack.packer.PackedStream`."""
        return self._stream.readinto(buffer)

    def outcome(self) -> PackOutcome:
        """See :class:`glacier_backup.pack.packer.PackedStream`."""
        return self._stream.outcome()

    def members(self) -> Iterator[Member]:
        """Those in doubt with a time that they don't have."""
        return self._doubts.listed(self._stream.members())
