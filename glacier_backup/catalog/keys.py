"""Putting archives in order by path, however many there are, when no index has them in it."""

from __future__ import annotations

import struct
from collections.abc import Iterator
from typing import NamedTuple

from glacier_backup.ordering import Ordering

_TAIL = struct.Struct(">QQQ")
_MIDDLE = 2**63


class Key(NamedTuple):
    """What tells the order of archives, and of files in groups among them."""

    path: str
    place: int
    id: int
    number: int | None = None
    """Of a file in a group, whose id that is, the member. None: the archive itself is meant."""

    @property
    def order(self) -> tuple[bool, bytes, int, int]:
        """As SQLite has paths in order, then by place, then by id."""
        raw, is_text = _raw(self.path)
        return (not is_text, raw, self.place, self.id)


class Sorting:
    """Archives, told in any order and more than once, and then each once: by path, and then either by place and id, or
    the ``newest`` id first."""

    def __init__(self, *, newest_first: bool = False) -> None:
        self._ordering = Ordering()
        self._newest_first = newest_first

    def add(self, key: Key) -> None:
        raw, is_text = _raw(key.path)
        number = 0 if key.number is None else key.number + 1
        age = _MIDDLE - 1 - key.id if self._newest_first else key.id + _MIDDLE
        tail = (age, key.place, number) if self._newest_first else (key.place, age, number)
        self._ordering.add((b"\0" if is_text else b"\1") + raw + b"\0" + _TAIL.pack(*tail))

    def keys(self) -> Iterator[Key]:
        last = b""
        for piece in self._ordering:
            if piece != last:
                last = piece
                yield self._key(piece)

    def _key(self, piece: bytes) -> Key:
        path = piece[1 : -_TAIL.size - 1].decode("utf-8", "surrogateescape")
        first, second, number = _TAIL.unpack(piece[-_TAIL.size :])
        place, age = (second, first) if self._newest_first else (first, second)
        return Key(
            path, place, _MIDDLE - 1 - age if self._newest_first else age - _MIDDLE, number - 1 if number else None
        )


def _raw(path: str) -> tuple[bytes, bool]:
    """The bytes of a path, and whether they are UTF-8."""
    try:
        return path.encode(), True
    except UnicodeEncodeError:
        return path.encode("utf-8", "surrogateescape"), False
