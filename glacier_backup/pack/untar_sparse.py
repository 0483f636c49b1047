"""Which bytes of a sparse file an archive holds (GNU tar manual, "Storing Sparse Files").

Versions 0.0 and 0.1 say it in the extended header, 1.0 in front of the content, the old one in the header itself.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from glacier_backup.pack.archive_stream import Stream
from glacier_backup.pack.untar_fields import BLOCK, MOST, MOST_DIGITS, BadField, decimal, number
from glacier_backup.spool import Spool

_PAIR = 24
_OLD_MAP, _OLD_PAIRS = 386, 4
_OLD_GOES_ON, _OLD_SIZE = 482, slice(483, 495)
_MORE_PAIRS, _MORE_GOES_ON = 21, 504


class Extents:
    """Pieces of a file, offset and length, in order and none over another. There may be millions."""

    def __init__(self, pairs: Iterable[tuple[int, int]] = ()) -> None:
        self._pairs: Spool[tuple[int, int]] = Spool()
        self.content = 0
        """Bytes of all pieces."""
        self.end = 0
        """Behind the last one."""
        for offset, length in pairs:
            self.add(offset, length)

    def __len__(self) -> int:
        return len(self._pairs)

    def __iter__(self) -> Iterator[tuple[int, int]]:
        return iter(self._pairs)

    def add(self, offset: int, length: int) -> None:
        """One more piece. Raises BadField when it isn't behind those before."""
        if not (self.end <= offset and 0 <= length <= MOST - offset):
            raise BadField("the map of a sparse file is out of order")
        self._pairs.append((offset, length))
        self.content += length
        self.end = offset + length


def read_map(stream: Stream, room: int) -> tuple[Extents, int]:
    """The map of version 1.0 and how many bytes it takes, of the ``room`` that map and content have.

    Raises BadField and ArchiveEnds.
    """
    begin = stream.position
    numbers = _lines(stream, room)
    extents = Extents()
    for _ in range(next(numbers)):
        extents.add(next(numbers), next(numbers))
    return extents, stream.position - begin


def read_old_map(block: bytes, stream: Stream) -> tuple[Extents, int]:
    """The map of the old version, which begins in the header ``block`` and may go on behind it, and the file's size.

    Raises BadField and ArchiveEnds.
    """
    extents = Extents()
    _add_old(extents, block[_OLD_MAP:], _OLD_PAIRS)
    goes_on = block[_OLD_GOES_ON]
    while goes_on:
        more = stream.take(BLOCK)
        _add_old(extents, more, _MORE_PAIRS)
        goes_on = more[_MORE_GOES_ON]
    return extents, number(block[_OLD_SIZE])


def _lines(stream: Stream, room: int) -> Iterator[int]:
    rest = b""
    while room >= BLOCK:
        room -= BLOCK
        *lines, rest = (rest + stream.take(BLOCK)).split(b"\n")
        for line in lines:
            yield decimal(line)
        if len(rest) > MOST_DIGITS:
            break
    raise BadField("the map of a sparse file is longer than the file in the archive, or has something else in it")


def _add_old(extents: Extents, pairs: bytes, count: int) -> None:
    for at in range(0, count * _PAIR, _PAIR):
        if pairs[at]:
            extents.add(number(pairs[at : at + 12]), number(pairs[at + 12 : at + _PAIR]))
