"""Putting the entries of one directory in order, however many there are.

Up to a hundred thousand, or 64 MiB, are simply sorted. More are sorted so many at a time, set aside on disk, and merged
while they are read; where they mostly came in order, there is little to merge.
"""

from __future__ import annotations

import heapq
from collections.abc import Iterator
from itertools import chain
from typing import NamedTuple

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
        self._chains: list[list[_Run]] = []
        """Each of runs that begin behind the one before."""

    def add(self, piece: bytes) -> None:
        self._pieces.append(piece)
        self._bytes += len(piece)
        if len(self._pieces) >= AT_A_TIME or self._bytes >= MOST_BYTES:
            self._put_away()

    def __iter__(self) -> Iterator[bytes]:
        self._pieces.sort()
        if not self._chains:
            return iter(self._pieces)
        chains = [chain.from_iterable(run.pieces for run in runs) for runs in self._chains]
        if len(chains) == 1 and (not self._pieces or self._chains[0][-1].last <= self._pieces[0]):
            return chain(*chains, self._pieces)
        return heapq.merge(*chains, self._pieces)

    def _put_away(self) -> None:
        self._pieces.sort()
        run = _Run(self._pieces[-1], Spool(self._pieces, in_memory=0))
        fitting = (runs for runs in self._chains if runs[-1].last <= self._pieces[0])
        before = next(fitting, None)
        if before is None:
            self._chains.append([run])
        else:
            before.append(run)
        self._pieces, self._bytes = [], 0


class _Run(NamedTuple):
    """Pieces in order."""

    last: bytes
    pieces: Spool[bytes]
