"""Sets of archives, as small as they can be."""

from __future__ import annotations

from array import array
from bisect import bisect_left
from collections.abc import Container, Iterable, Iterator


class ArchiveIds(Container[int]):
    """Ids in the catalog, eight bytes each: there may be millions. To be filled many at a time: whoever asks puts them
    in order first."""

    def __init__(self) -> None:
        self._ids = array("q")
        self._in_order = True

    def update(self, ids: Iterable[int]) -> None:
        self._ids.extend(ids)
        self._in_order = False

    def __iter__(self) -> Iterator[int]:
        return iter(self._ids)

    def __contains__(self, id_: object) -> bool:
        if not isinstance(id_, int):
            return False
        if not self._in_order:
            self._ids = array("q", sorted(self._ids))
            self._in_order = True
        at = bisect_left(self._ids, id_)
        return at < len(self._ids) and self._ids[at] == id_
