"""Putting the entries of one directory in order, however many there are.

Up to a hundred thousand are simply sorted. More are sorted a hundred thousand at a time, set aside on disk, and merged
while they are read.
"""

from __future__ import annotations

import heapq
from collections.abc import Iterator

from glacier_backup.spool import Spool

AT_A_TIME = 100_000
"""Entries in memory."""


class Ordering:
    """Pieces of bytes, to be read once, the smallest first."""

    def __init__(self) -> None:
        self._pieces: list[bytes] = []
        self._runs: list[Spool[bytes]] = []

    def add(self, piece: bytes) -> None:
        self._pieces.append(piece)
        if len(self._pieces) >= AT_A_TIME:
            self._pieces.sort()
            self._runs.append(Spool(self._pieces, in_memory=0))
            self._pieces = []

    def __iter__(self) -> Iterator[bytes]:
        self._pieces.sort()
        if not self._runs:
            return iter(self._pieces)
        return heapq.merge(*self._runs, self._pieces)
