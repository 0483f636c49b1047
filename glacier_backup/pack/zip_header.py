"""The records of a ZIP (PKWARE's APPNOTE 6.3.10, "General Format of a .ZIP file") as this program writes them.

Members are stored as they are, with names in UTF-8 or, where they aren't that, as the bytes that they are. Type and
permissions stand where Info-ZIP has them for Unix (the upper half of the external attributes), the time as DOS has it,
in UTC and as near as that can come, in whole seconds in the extra field ``UT`` (Info-ZIP's ``extrafld.txt``), where 32
bits hold it, and exactly in one of our own, with type and permissions, so that a member can be given back by what
stands in front of it alone.

**Our own extra field** has the ID 0x6267 (``gb``), and little-endian: 2 bytes type and permissions (POSIX numbers), 8
bytes seconds since 1970, signed, 4 bytes nanoseconds above that; and in front of content that a data descriptor follows
8 bytes more: its size.
"""

from __future__ import annotations

import struct
import time
from functools import lru_cache
from typing import NamedTuple

LOCAL = struct.Struct("<4s5H3L2H")
"""Signature, version needed, flags, method, DOS time, DOS date, CRC-32, stored size, size, lengths of name and extra
fields."""
CENTRAL = struct.Struct("<4s6H3L5H2L")
"""Signature, version made by, version needed, flags, method, DOS time, DOS date, CRC-32, stored size, size, lengths of
name, extra fields and comment, disk, internal attributes, external ones, where the local header begins."""
END = struct.Struct("<4s4H2LH")
"""Signature, this disk, the directory's disk, entries on this disk, entries, bytes of the directory, where it begins,
length of the comment."""
END64 = struct.Struct("<4sQ2H2L4Q")
"""Signature, bytes that follow, versions made by and needed, and the same as above."""
LOCATOR64 = struct.Struct("<4sLQL")
"""Signature, disk, where the one above begins, number of disks."""
DESCRIPTOR, DESCRIPTOR64 = struct.Struct("<4s3L"), struct.Struct("<4sL2Q")
"""Signature, CRC-32, stored size, size."""

LOCAL_SIGN, CENTRAL_SIGN, DESCRIPTOR_SIGN = b"PK\3\4", b"PK\1\2", b"PK\7\x08"
END_SIGN, END64_SIGN, LOCATOR64_SIGN = b"PK\5\6", b"PK\6\6", b"PK\6\7"

STREAMED, UTF8 = 1 << 3, 1 << 11
"""Flags: a data descriptor follows the content; the name is UTF-8."""

ZIP64, TIME, OWN = 0x0001, 0x5455, 0x6267
"""IDs of extra fields."""
OWN_FIELD, OWN_STREAMED_FIELD = struct.Struct("<HqL"), struct.Struct("<HqLQ")

MOST_32, MOST_16 = 0xFFFFFFFF, 0xFFFF
"""What stands where a number didn't fit, and is to be looked for in the fields of ZIP64."""

LONGEST_NAME = MOST_16
"""Bytes."""

_UNIX = 3
_PLAIN, _LARGE = 20, 45
"""Versions needed."""
_OWN_HEAD = struct.Struct("<HHHqL")
_TIME_HEAD = struct.Struct("<HHBl")
_SIZES_64 = struct.Struct("<HHQQ")
_EXTRA = struct.Struct("<HH")
_SIZE_64 = struct.Struct("<Q")
_SECOND = 10**9
_EARLIEST = (0, 1 << 5 | 1)
_LATEST = (23 << 11 | 59 << 5 | 29, 127 << 9 | 12 << 5 | 31)
"""1980-01-01 00:00:00 and 2107-12-31 23:59:58 as DOS has them: time and date."""
_FIRST_SECOND, _LAST_SECOND = 315_532_800, 4_354_819_199


class Described(NamedTuple):
    """What both headers of a member say of it."""

    name: bytes
    mode: int
    """Type and permissions."""
    time: int
    """As DOS has it."""
    date: int
    extra: bytes
    flags: int


def described(name: str, mode: int, mtime_ns: int) -> Described:
    """``name`` as it is to stand there; of at most :data:`LONGEST_NAME` bytes."""
    flags = 0
    if name.isascii():
        raw = name.encode()
    else:
        try:
            raw, flags = name.encode(), UTF8
        except UnicodeEncodeError:
            raw = name.encode("utf-8", "surrogateescape")
    seconds, nanoseconds = divmod(mtime_ns, _SECOND)
    dos_time, dos_date = dos(seconds)
    extra = _OWN_HEAD.pack(OWN, OWN_FIELD.size, mode, seconds, nanoseconds)
    if -(2**31) <= seconds < 2**31:
        extra = _TIME_HEAD.pack(TIME, 5, 1, seconds) + extra
    return Described(raw, mode, dos_time, dos_date, extra, flags)


def local(about: Described, size: int, crc: int) -> bytes:
    """The header in front of content that is known, of at most a few MiB."""
    name, _, dos_time, dos_date, extra, flags = about
    lengths = len(name), len(extra)
    head = LOCAL.pack(LOCAL_SIGN, _PLAIN, flags, 0, dos_time, dos_date, crc, size, size, *lengths)
    return b"%b%b%b" % (head, name, extra)


def local_streamed(about: Described, size: int) -> bytes:
    """The header in front of content of which only the size is known; :func:`descriptor` goes behind it."""
    # The time's field stays; our own, which is the last one, is the longer one here.
    own = about.extra[-OWN_FIELD.size :]
    extra = (
        about.extra[: -_OWN_HEAD.size] + struct.pack("<HH", OWN, OWN_STREAMED_FIELD.size) + own + _SIZE_64.pack(size)
    )
    version, told = _PLAIN, 0
    if size >= MOST_32:
        version, told = _LARGE, MOST_32
        extra = _SIZES_64.pack(ZIP64, 16, size, size) + extra
    lengths = len(about.name), len(extra)
    when = about.time, about.date
    head = LOCAL.pack(LOCAL_SIGN, version, about.flags | STREAMED, 0, *when, 0, told, told, *lengths)
    return head + about.name + extra


def descriptor(size: int, crc: int) -> bytes:
    """What follows such content."""
    return (DESCRIPTOR64 if size >= MOST_32 else DESCRIPTOR).pack(DESCRIPTOR_SIGN, crc, size, size)


def central(about: Described, size: int, crc: int, offset: int, *, streamed: bool = False) -> bytes:
    """The member's entry in the directory; ``offset`` is where its local header begins."""
    name, mode, dos_time, dos_date, extra, flags = about
    version, told, begin = _PLAIN, size, offset
    if size >= MOST_32 or offset >= MOST_32:
        version, told, begin, more = _large(size, offset)
        extra = more + extra
    flags |= STREAMED if streamed else 0
    made, when = _UNIX << 8 | version, (dos_time, dos_date)
    lengths = len(name), len(extra), 0
    attributes = 0, 0, mode << 16
    head = CENTRAL.pack(CENTRAL_SIGN, made, version, flags, 0, *when, crc, told, told, *lengths, *attributes, begin)
    return b"%b%b%b" % (head, name, extra)


def end_of(count: int, start: int, length: int) -> bytes:
    """What follows the directory, which has ``count`` entries and ``length`` bytes, and begins at ``start``."""
    large = b""
    if count >= MOST_16 or start >= MOST_32 or length >= MOST_32:
        made, same = _UNIX << 8 | _LARGE, (count, count, length, start)
        large = END64.pack(END64_SIGN, END64.size - 12, made, _LARGE, 0, 0, *same)
        large += LOCATOR64.pack(LOCATOR64_SIGN, 0, start + length, 1)
    entries = min(count, MOST_16)
    return large + END.pack(END_SIGN, 0, 0, entries, entries, min(length, MOST_32), min(start, MOST_32), 0)


@lru_cache(maxsize=4096)
def dos(seconds: int) -> tuple[int, int]:
    """Time and date as DOS has them, of a moment in seconds since 1970; the nearest that it has."""
    if seconds < _FIRST_SECOND:
        return _EARLIEST
    if seconds > _LAST_SECOND:
        return _LATEST
    year, month, day, hour, minute, second, *_ = time.gmtime(seconds)
    return hour << 11 | minute << 5 | second // 2, (year - 1980) << 9 | month << 5 | day


def estimate(content: int, names: int, entries: int) -> int:
    """At least the bytes of a ZIP of so many members, whose names have ``names`` bytes together."""
    each = LOCAL.size + CENTRAL.size + 2 * (_OWN_HEAD.size + _TIME_HEAD.size)
    streamed = DESCRIPTOR64.size + _SIZE_64.size + _SIZES_64.size + _EXTRA.size + 3 * _SIZE_64.size
    return content + 2 * names + entries * (each + streamed) + END64.size + LOCATOR64.size + END.size


def _large(size: int, offset: int) -> tuple[int, int, int, bytes]:
    """Version, size and offset as they stand in an entry, and its extra field: of what doesn't fit alone."""
    numbers = b""
    if size >= MOST_32:
        numbers += _SIZE_64.pack(size) * 2
    if offset >= MOST_32:
        numbers += _SIZE_64.pack(offset)
    extra = _EXTRA.pack(ZIP64, len(numbers)) + numbers
    return _LARGE, min(size, MOST_32), min(offset, MOST_32), extra
