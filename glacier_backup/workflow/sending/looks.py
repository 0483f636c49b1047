"""Looking at a large directory once less: when it is sent, the plan has mostly just done so.

A look at a tree is no picture of one moment: when it ends, what it says of the first file is as old as the look took.
So one that ended no longer ago than it took is hardly older than a new one would be, and as good to begin with: what
has changed since then counts as changed while it was read.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from typing import NamedTuple

from glacier_backup.model.candidate import Candidate, Fingerprint, Resolved
from glacier_backup.resolve.source import Selection, Source


class _Look(NamedTuple):
    candidate: Candidate
    found: Fingerprint
    until: float
    """By the clock, when it is too old."""


class Looks:
    """A source that remembers its look at one directory, that which is good for the longest time."""

    def __init__(self, source: Source, clock: Callable[[], float] = time.monotonic) -> None:
        self._source = source
        self._clock = clock
        self._kept: _Look | None = None

    def resolve(self, selection: Selection) -> Iterator[Resolved]:
        return self._source.resolve(selection)

    def look(self, candidate: Candidate) -> Fingerprint:
        begun = self._clock()
        found = self._source.look(candidate)
        ended = self._clock()
        until = 2 * ended - begun
        if candidate.kind == "directory" and (self._kept is None or until > self._kept.until):
            self._kept = _Look(candidate, found, until)
        return found

    def gone(self, section: str, paths: Sequence[str]) -> Sequence[bool]:
        return self._source.gone(section, paths)

    def recent(self, candidate: Candidate) -> Fingerprint | None:
        """What was seen of it, if that is good still."""
        kept = self._kept
        return kept.found if kept is not None and kept.candidate == candidate and self._clock() < kept.until else None
