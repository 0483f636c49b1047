"""Which files of a group may be in it otherwise than they looked.

Of a directory it is enough to know that something changed while it was read: then all of it is sent again. Of a group
each file counts for itself, and one that is noted with its size and its time isn't sent again as long as it has them.
So what may be in doubt is listed with a time that it doesn't have.
"""

from __future__ import annotations

import time
from collections.abc import Iterator

from glacier_backup.model.archive import Member

EARLIER = 10**9
"""In ns: a whole second, for that is the least which tells two times apart wherever they are told."""


class Doubts:
    """Paths, as many as the group has files at most."""

    def __init__(self, section: str, stored_name: str, since: int | None = None) -> None:
        """Members lie below ``stored_name``, and what became them below ``section``. Files that were changed after
        ``since``, in ns since 1970, are in doubt anyway: each may have been changed once more after it was read, within
        the same tick of the clock."""
        self._above = section.rstrip("/")
        self._top = len(stored_name)
        self._paths: set[str] = set()
        self._since = since

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
        return bool(self._paths) and self._above + member.path[self._top :] in self._paths
