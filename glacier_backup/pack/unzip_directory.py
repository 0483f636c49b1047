"""What follows the members of a ZIP: the directory, and the end of it."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from typing import NamedTuple

from glacier_backup.pack.archive_stream import ArchiveEnds, Stream
from glacier_backup.pack.untar_fields import BadField
from glacier_backup.pack.unzip_records import SIGN, Central, Local, read_central
from glacier_backup.pack.zip_header import (
    END,
    END64,
    END64_SIGN,
    END_SIGN,
    LOCATOR64,
    LOCATOR64_SIGN,
    MOST_16,
    MOST_32,
)

_NO_END = "what follows its members is not the end of a ZIP"
_MODULUS = 2**256


class Listed(NamedTuple):
    """Which members there were, in whatever order: equal means the same ones."""

    members: int = 0
    sum: int = 0
    """Of the SHA-256 of what is said of each, modulo 2^256."""

    def with_one(self, one: Local | Central) -> Listed:
        """With one more."""
        said = b"%d %d %d %d %d %b" % (one.offset, one.method, one.crc, one.stored, one.size, one.name)
        return Listed(self.members + 1, (self.sum + int.from_bytes(hashlib.sha256(said).digest(), "big")) % _MODULUS)


class Ending(NamedTuple):
    """What the end of a ZIP says of its directory."""

    entries: int
    length: int
    """Bytes."""
    start: int
    """Where it begins."""


def entries(stream: Stream, listed: Listed | None) -> Iterator[Central]:
    """The directory, which comes next, to the end of the archive; ``listed`` is what it has to list, None: that isn't
    known. Raises BadField where it is none, and ArchiveEnds."""
    start, found = stream.position, Listed()
    while (one := read_central(stream)) is not None:
        found = found.with_one(one)
        yield one
    ending = read_ending(stream, stream.position - start)
    if ending.entries != found.members or ending.start != start:
        raise BadField("its end is not about the directory that stands there")
    if listed is not None and listed != found:
        raise BadField("the directory at its end lists other members than there are")
    if stream.has(1):
        raise BadField("something follows the end of the archive")


def read_ending(stream: Stream, length: int) -> Ending:
    """What stands behind a directory of that length. Raises BadField and ArchiveEnds."""
    begin, large = stream.position, None
    if _sign(stream) == END64_SIGN:
        large = _read_large(stream)
        _, _, where, _ = LOCATOR64.unpack(_take(stream, LOCATOR64.size, LOCATOR64_SIGN))
        if where != begin:
            raise BadField(_NO_END)
    _, disk, _, _, count, told, start, comment = END.unpack(_take(stream, END.size, END_SIGN))
    stream.take(comment)
    if large is not None and (count == MOST_16 or told == MOST_32 or start == MOST_32):
        count, told, start = large
    if disk not in (0, MOST_16) or told != length:
        raise BadField(_NO_END)
    return Ending(count, told, start)


def _read_large(stream: Stream) -> Ending:
    _, more, _, _, _, _, _, count, length, start = END64.unpack(_take(stream, END64.size, END64_SIGN))
    left = more - (END64.size - 12)
    if left < 0:
        raise BadField(_NO_END)
    while left:
        left -= len(stream.some(left))
    return Ending(count, length, start)


def _sign(stream: Stream) -> bytes:
    if not stream.has(SIGN):
        raise ArchiveEnds
    return bytes(stream.view[stream.at : stream.at + SIGN])


def _take(stream: Stream, count: int, sign: bytes) -> bytes:
    if _sign(stream) != sign:
        raise BadField(_NO_END)
    return stream.take(count)
