"""What can be fetched in one round, however much."""

from __future__ import annotations

import pickle
from collections.abc import Iterator

from glacier_backup.model.restore import ItemRecord
from glacier_backup.model.thaw import Thaw
from glacier_backup.ordering import Ordering

_LAST = b"\xff" * 8
_SECONDS = 8


class Ready:
    """Those first whose time runs out first; or, where one builds on the other, by their numbers."""

    def __init__(self, *, by_number: bool = False) -> None:
        self._by_number = by_number
        self._pieces = Ordering()

    def add(self, record: ItemRecord, thaws: tuple[Thaw, ...]) -> None:
        ends = () if self._by_number else (thaw.until for thaw in thaws if thaw.until is not None)
        until = min(ends, default=None)
        when = _LAST if until is None else int(until.timestamp()).to_bytes(_SECONDS, "big")
        piece = when + record.number.to_bytes(_SECONDS, "big")
        self._pieces.add(piece + pickle.dumps((record, thaws), pickle.HIGHEST_PROTOCOL))

    def __iter__(self) -> Iterator[tuple[ItemRecord, tuple[Thaw, ...]]]:
        return (pickle.loads(piece[2 * _SECONDS :]) for piece in self._pieces)  # noqa: S301  # our own
