"""Putting the entries of one directory in order, however many there are.

Up to a hundred thousand, or 64 MiB, are simply sorted. More are sorted so many at a time, set aside on disk, and merged
while they are read.
"""

from __future__ import annotations

import heapq
from collections.abc import Iterator

from glacier_backup.spool import Spool
from glacier_backup.units import MIB

AT_A_TIME = 100_000
"""Entries in memory."""

MOST_BYTES = 64 * MIB
"""Of all entries in memory together."""


class Ordering:
    """Pieces of bytes, to be read once, the smallest first."""

    def __init__(self) -> None:
        self._pieces: list[bytes] = []
        self._bytes = 0
        self._runs: list[Spool[bytes]] = []

    def add(self, piece: bytes) -> None:
        self._pieces.append(piece)
        self._bytes += len(piece)
        if len(self._pieces) >= AT_A_TIME or self._bytes >= MOST_BYTES:
            self._pieces.sort()
            self._runs.append(Spool(self._pieces, in_memory=0))
            self._pieces, self._bytes = [], 0

    def __iter__(self) -> Iterator[bytes]:
        self._pieces.sort()
        if not self._runs:
            return iter(self._pieces)
        return heapq.merge(*self._runs, self._pieces)
