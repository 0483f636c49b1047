"""What the catalog knows of a place and what the place lists, side by side: by locator, however many there are.

Both are put in order on disk and read in step, so that neither has to be held in memory.
"""

from __future__ import annotations

import pickle
from collections.abc import Iterable, Iterator
from itertools import groupby
from operator import itemgetter
from typing import NamedTuple

from glacier_backup.model.journal import JournalEntry
from glacier_backup.model.thaw import Stored
from glacier_backup.ordering import Ordering
from glacier_backup.plan.verify import Known


class Pair(NamedTuple):
    """All that has one locator."""

    known: list[Known]
    """Several where a key was used again."""
    listed: list[Stored]
    """One, or none; several only of a place that lists something twice."""
    journaled: list[JournalEntry]
    """What the record of another system says of it."""


class BothSides:
    """Filled first, then read once."""

    def __init__(self) -> None:
        self._pieces = Ordering()

    def add_known(self, volumes: Iterable[Known]) -> None:
        for one in volumes:
            self._pieces.add(_key(one.locator) + pickle.dumps(one, pickle.HIGHEST_PROTOCOL))

    def add_listed(self, stored: Stored) -> None:
        self._pieces.add(_key(stored.locator) + pickle.dumps(stored, pickle.HIGHEST_PROTOCOL))

    def add_journaled(self, entries: Iterable[JournalEntry]) -> None:
        for one in entries:
            self._pieces.add(_key(one.archive_id) + pickle.dumps(one, pickle.HIGHEST_PROTOCOL))

    def __iter__(self) -> Iterator[Pair]:
        split = (piece.partition(b"\0")[::2] for piece in self._pieces)
        for _, group in groupby(split, key=itemgetter(0)):
            pair = Pair([], [], [])
            for _, value in group:
                one = pickle.loads(value)  # noqa: S301  # our own
                if isinstance(one, Known):
                    pair.known.append(one)
                elif isinstance(one, JournalEntry):
                    pair.journaled.append(one)
                else:
                    pair.listed.append(one)
            yield pair


def _key(locator: str) -> bytes:
    """Bytes that are told from those of every other locator by the zero byte that ends them."""
    raw = locator.encode("utf-8", "surrogatepass")
    return raw.replace(b"\1", b"\1\2").replace(b"\0", b"\1\1") + b"\0"
