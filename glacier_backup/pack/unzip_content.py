"""The contents of a ZIP's members as they go by: stored or deflated, of a size that is told before or only behind."""

from __future__ import annotations

import zlib
from typing import Protocol

from glacier_backup.pack.archive_stream import BUFFER, ArchiveEnds, Stream
from glacier_backup.pack.untar_fields import BadField
from glacier_backup.pack.unzip_records import STORED, Local
from glacier_backup.pack.zip_header import DESCRIPTOR, DESCRIPTOR64, DESCRIPTOR_SIGN, MOST_32
from glacier_backup.units import KIB

_PIECE = 64 * KIB
WRONG = "its content is not what its checksum was made of"
"""What is said of it."""


class Content(Protocol):
    """What is in a file."""

    crc: int
    """CRC-32 of what has come."""
    count: int
    """Bytes that have come."""
    taken: int
    """Bytes of the archive that they took."""

    def some(self, most: int) -> memoryview:
        """From 1 to ``most`` bytes, good until the next step; none at the end. Raises BadField and ArchiveEnds."""
        ...


def content_of(stream: Stream, local: Local, done: int = 0, crc: int = 0) -> Content:
    """That of the member whose header has just been read; ``done`` bytes of it have come before, where its size was
    told, and it is stored, and that is their CRC."""
    if local.method != STORED:
        return _Inflated(stream, local)
    return _Plain(stream, local, done, crc) if local.is_sized else _Scanned(stream)


def finished(stream: Stream, local: Local, crc: int, count: int, taken: int) -> Local:
    """``local`` with what only the data descriptor tells, which is read. Raises BadField where that, or what was told
    before, isn't what has come."""
    if local.is_streamed:
        _read_descriptor(stream, crc, count, taken)
    elif (local.crc, local.size, local.stored) != (crc, count, taken):
        raise BadField(WRONG)
    return local._replace(crc=crc, size=count, stored=taken)


def passed_over(stream: Stream, local: Local) -> Local:
    """Likewise, of a member of ours, or one without a data descriptor, of which nobody has read the content."""
    if not local.is_streamed:
        return local
    size = DESCRIPTOR64.size if local.size >= MOST_32 or local.stored >= MOST_32 else DESCRIPTOR.size
    if not stream.has(size):
        raise ArchiveEnds
    layout = DESCRIPTOR64 if size == DESCRIPTOR64.size else DESCRIPTOR
    sign, crc, *sizes = layout.unpack_from(stream.buffer, stream.at)
    if sign != DESCRIPTOR_SIGN or sizes != [local.stored, local.size]:
        raise BadField("what stands behind it is not about it")
    stream.at += size
    return local._replace(crc=crc)


class _Plain:
    """Stored, of a size that is told."""

    def __init__(self, stream: Stream, local: Local, done: int, crc: int) -> None:
        self._stream = stream
        self._left = local.stored - done
        self.crc = crc
        self.count = self.taken = done

    def some(self, most: int) -> memoryview:
        """See :class:`Content`."""
        if not self._left:
            return self._stream.view[:0]
        piece = self._stream.some(min(most, self._left))
        self._left -= len(piece)
        self.crc = zlib.crc32(piece, self.crc)
        self.count = self.taken = self.count + len(piece)
        return piece


class _Inflated:
    """Deflated (RFC 1951), which tells by itself where it ends."""

    def __init__(self, stream: Stream, local: Local) -> None:
        self._stream = stream
        self._most = local.size if local.is_sized else None
        self._stored = local.stored if local.is_sized else None
        self._inflate = zlib.decompressobj(-zlib.MAX_WBITS)
        self._ended = False
        self.crc = self.count = self.taken = 0

    def some(self, most: int) -> memoryview:
        """See :class:`Content`."""
        inflate, piece = self._inflate, b""
        if self._ended:
            return memoryview(piece)
        try:
            while not piece and not inflate.eof:
                piece = inflate.decompress(inflate.unconsumed_tail or self._deflated(), min(most, BUFFER))
        except zlib.error as error:
            raise BadField("what was compressed of it is damaged") from error
        if inflate.eof:
            # What follows is still in the buffer: nothing has been read since.
            self._ended = True
            self._stream.at -= len(inflate.unused_data)
            self.taken -= len(inflate.unused_data)
        self.crc = zlib.crc32(piece, self.crc)
        self.count += len(piece)
        if self._most is not None and self.count > self._most:
            raise BadField("there is more in it than it says")
        return memoryview(piece)

    def _deflated(self) -> bytes:
        most = _PIECE if self._stored is None else min(_PIECE, self._stored - self.taken)
        if not most:
            raise BadField("what was compressed of it ends too early")
        piece = bytes(self._stream.some(most))
        self.taken += len(piece)
        return piece


class _Scanned:
    """Stored, and its size stands behind it: in the first data descriptor that is about what has come until there."""

    def __init__(self, stream: Stream) -> None:
        self._stream = stream
        self.crc = self.count = self.taken = 0

    def some(self, most: int) -> memoryview:
        """See :class:`Content`."""
        stream = self._stream
        if not stream.has(DESCRIPTOR64.size) and not stream.has(DESCRIPTOR.size):
            raise ArchiveEnds
        found = stream.buffer.find(DESCRIPTOR_SIGN, stream.at, stream.end) - stream.at
        if found == 0 and _descriptor_bytes(stream, self.crc, self.count, self.taken):
            return stream.view[:0]
        # What may be the beginning of one is looked at once more of it is there.
        length = found if found > 0 else 1 if found == 0 else stream.end - stream.at - len(DESCRIPTOR_SIGN) + 1
        piece = stream.some(min(most, length))
        self.crc = zlib.crc32(piece, self.crc)
        self.count = self.taken = self.count + len(piece)
        return piece


def _read_descriptor(stream: Stream, crc: int, count: int, taken: int) -> None:
    length = _descriptor_bytes(stream, crc, count, taken)
    if not length:
        raise BadField(WRONG)
    stream.at += length


def _descriptor_bytes(stream: Stream, crc: int, count: int, taken: int) -> int:
    """How many of those that come next are a data descriptor of that content: with or without a signature, with sizes
    of 4 or 8 bytes; 0: none is."""
    for layout in (DESCRIPTOR64, DESCRIPTOR):
        if layout is DESCRIPTOR and max(count, taken) > MOST_32:
            continue
        whole = layout.pack(DESCRIPTOR_SIGN, crc, taken, count)
        for wanted in (whole, whole[len(DESCRIPTOR_SIGN) :]):
            if stream.has(len(wanted)) and stream.view[stream.at : stream.at + len(wanted)] == wanted:
                return len(wanted)
    return 0
