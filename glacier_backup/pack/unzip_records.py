"""The records of a ZIP as anybody may have written them (PKWARE's APPNOTE 6.3.10; Info-ZIP's ``extrafld.txt``)."""

from __future__ import annotations

import calendar
import stat
import struct
from collections.abc import Iterator
from typing import NamedTuple

from glacier_backup.model.archive import MemberType
from glacier_backup.pack.archive_stream import ArchiveEnds, Stream
from glacier_backup.pack.untar_fields import MOST, BadField
from glacier_backup.pack.zip_header import (
    CENTRAL,
    CENTRAL_SIGN,
    LOCAL,
    LOCAL_SIGN,
    MOST_32,
    OWN,
    OWN_FIELD,
    OWN_STREAMED_FIELD,
    STREAMED,
    TIME,
    ZIP64,
)

STORED, DEFLATED = 0, 8
"""Methods."""

SIGN = 4
"""Bytes."""

LONGEST_TARGET = 64 * 1024
"""Bytes that a link may lead to; Linux takes 4,095."""

_FILE, _DIRECTORY = 0o600, 0o755
"""Permissions of what doesn't tell its own before the end of the archive."""
_UNIX = 3
_UNIX_TIME = 0x5855
"""ID of Info-ZIP's first field for Unix: time of access, of change, and owner."""
_ENCRYPTED = 1 << 0 | 1 << 6 | 1 << 13
_FIELD = struct.Struct("<HH")
_SECONDS = struct.Struct("<l")
_SIZE = struct.Struct("<Q")
_SECOND = 10**9


class Local(NamedTuple):
    """What stands in front of a member."""

    flags: int
    method: int
    crc: int
    stored: int
    """Bytes that follow; 0 where that isn't told."""
    size: int
    """Of the file, likewise."""
    name: bytes
    """As it stands there, whatever that is."""
    offset: int
    """Where in the archive this begins."""
    mtime_ns: int
    mode: int
    """Type and permissions, in what this program made; 0 in all else."""
    is_sized: bool
    """Whether it is told how many bytes follow."""

    @property
    def is_streamed(self) -> bool:
        """Whether a data descriptor follows the content."""
        return bool(self.flags & STREAMED)


class Central(NamedTuple):
    """A member's entry in the directory."""

    flags: int
    method: int
    crc: int
    stored: int
    size: int
    name: bytes
    offset: int
    mtime_ns: int
    mode: int
    """Type and permissions, wherever they are told; 0: nowhere."""
    is_ours: bool
    """Whether this program made it."""
    extra: int
    """Bytes of its extra fields."""


class _Said(NamedTuple):
    """What extra fields say."""

    stored: int
    size: int
    offset: int
    mtime_ns: int | None
    mode: int
    own_size: int | None


def read_local(stream: Stream) -> Local | None:
    """The next member's header; None where something else comes next, or nothing. Raises BadField and ArchiveEnds."""
    if not stream.has(SIGN) or bytes(stream.view[stream.at : stream.at + SIGN]) != LOCAL_SIGN:
        return None
    begin = stream.position
    _need(stream, LOCAL.size)
    _, _, flags, method, time, date, crc, stored, size, name_bytes, extra_bytes = LOCAL.unpack_from(
        stream.buffer, stream.at
    )
    _need(stream, LOCAL.size + name_bytes + extra_bytes)
    at = stream.at + LOCAL.size
    name = bytes(stream.view[at : at + name_bytes])
    extra = bytes(stream.view[at + name_bytes : at + name_bytes + extra_bytes])
    _check(name, flags, method)
    said = _read_extra(extra, stored, size, 0)
    stored, size, is_sized = said.stored, said.size, True
    if flags & STREAMED:
        if said.own_size is not None:
            stored = size = said.own_size
        else:
            is_sized = bool(stored)
    if not (0 <= stored <= MOST and 0 <= size <= MOST) or (is_sized and method == STORED and stored != size):
        raise BadField("its size can't be")
    stream.at = at + name_bytes + extra_bytes
    mtime_ns = dos_time(time, date) if said.mtime_ns is None else said.mtime_ns
    return Local(flags, method, crc, stored, size, name, begin, mtime_ns, said.mode, is_sized)


def read_central(stream: Stream) -> Central | None:
    """The directory's next entry; likewise."""
    if not stream.has(SIGN) or bytes(stream.view[stream.at : stream.at + SIGN]) != CENTRAL_SIGN:
        return None
    _need(stream, CENTRAL.size)
    fields = CENTRAL.unpack_from(stream.buffer, stream.at)
    _, made, _, flags, method, time, date, crc, stored, size, *rest = fields
    name_bytes, extra_bytes, comment_bytes, disk, _, attributes, offset = rest
    whole = CENTRAL.size + name_bytes + extra_bytes + comment_bytes
    _need(stream, whole)
    at = stream.at + CENTRAL.size
    name = bytes(stream.view[at : at + name_bytes])
    said = _read_extra(bytes(stream.view[at + name_bytes : at + name_bytes + extra_bytes]), stored, size, offset)
    if disk:
        raise BadField("it is one of several files that the archive was split into by another program")
    stream.at += whole
    mode = attributes >> 16 if made >> 8 == _UNIX else 0
    mtime_ns = dos_time(time, date) if said.mtime_ns is None else said.mtime_ns
    return Central(
        flags,
        method,
        crc,
        said.stored,
        said.size,
        name,
        said.offset,
        mtime_ns,
        mode,
        bool(said.mode),
        extra_bytes,
    )


def type_and_mode(local: Local) -> tuple[MemberType, int]:
    """What a member is, and its permission bits; what other programs have made is its owner's alone, as far as this
    tells."""
    if local.name.endswith(b"/"):
        return "directory", stat.S_IMODE(local.mode) or _DIRECTORY
    return "symlink" if stat.S_ISLNK(local.mode) else "file", stat.S_IMODE(local.mode) if local.mode else _FILE


def dos_time(time: int, date: int) -> int:
    """In ns since 1970, taken for UTC; what can't be is the nearest that can."""
    month, day = min(max(date >> 5 & 15, 1), 12), max(date & 31, 1)
    return calendar.timegm((1980 + (date >> 9), month, day, time >> 11, time >> 5 & 63, (time & 31) * 2)) * _SECOND


def _check(name: bytes, flags: int, method: int) -> None:
    if flags & _ENCRYPTED:
        raise BadField("it is encrypted by another program, which has to decrypt it")
    if method not in (STORED, DEFLATED):
        raise BadField(f"it is compressed by a method that is not known here, {method}")
    if not name:
        raise BadField("it has no name")


def _need(stream: Stream, count: int) -> None:
    if not stream.has(count):
        raise ArchiveEnds


def _read_extra(extra: bytes, stored: int, size: int, offset: int) -> _Said:
    """Fields that aren't whole say nothing."""
    mtime_ns, mode, own_size, exact = None, 0, None, False
    for kind, data in _fields(extra):
        if kind == OWN and len(data) in (OWN_FIELD.size, OWN_STREAMED_FIELD.size):
            mode, seconds, nanoseconds = OWN_FIELD.unpack_from(data)
            mtime_ns, exact = seconds * _SECOND + nanoseconds, True
            if len(data) == OWN_STREAMED_FIELD.size:
                own_size = OWN_STREAMED_FIELD.unpack(data)[3]
        elif kind == TIME and not exact and len(data) >= 5 and data[0] & 1:
            mtime_ns = _SECONDS.unpack_from(data, 1)[0] * _SECOND
        elif kind == _UNIX_TIME and mtime_ns is None and len(data) >= 8:
            mtime_ns = _SECONDS.unpack_from(data, 4)[0] * _SECOND
        elif kind == ZIP64:
            stored, size, offset = _large(data, stored, size, offset)
    return _Said(stored, size, offset, mtime_ns, mode, own_size)


def _large(data: bytes, stored: int, size: int, offset: int) -> tuple[int, int, int]:
    """Those that didn't fit, in the order size, stored, offset. Raises BadField where one is missing."""
    numbers = (_SIZE.unpack_from(data, at)[0] for at in range(0, len(data) - len(data) % _SIZE.size, _SIZE.size))
    try:
        size = next(numbers) if size == MOST_32 else size
        stored = next(numbers) if stored == MOST_32 else stored
        offset = next(numbers) if offset == MOST_32 else offset
    except StopIteration:
        raise BadField("its size is told nowhere") from None
    return stored, size, offset


def _fields(extra: bytes) -> Iterator[tuple[int, bytes]]:
    at = 0
    while at + _FIELD.size <= len(extra):
        kind, length = _FIELD.unpack_from(extra, at)
        at += _FIELD.size
        if at + length > len(extra):
            return
        yield kind, extra[at : at + length]
        at += length
