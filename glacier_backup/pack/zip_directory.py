"""What is in a ZIP, as the directory at its end says (PKWARE's APPNOTE 6.3.10, sections 4.3.12 to 4.3.16), whoever has
made it. Nothing of the members themselves is read, and nothing is trusted: anybody may have put it there.
"""

from __future__ import annotations

import stat
import struct
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from typing import NamedTuple

from glacier_backup.model.archive import Member, MemberType
from glacier_backup.pack.zip_header import (
    CENTRAL,
    CENTRAL_SIGN,
    END,
    END64,
    END64_SIGN,
    END_SIGN,
    LOCATOR64,
    LOCATOR64_SIGN,
    MOST_16,
    MOST_32,
    OWN,
    OWN_FIELD,
    TIME,
    UTF8,
    ZIP64,
)
from glacier_backup.units import MIB

ReadAt = Callable[[int, int], bytes]
"""An offset and a length, of bytes that there are → those bytes."""

_TAIL = 64 * 1024 + END.size + LOCATOR64.size
"""Bytes, at most, of what tells where the directory is: the last record may have a comment."""
_PIECE = MIB
_ENCRYPTED = 1
_SECOND = 10**9
_LARGEST = 2**63 - 1
_MOST_INFLATED = 1032
"""Bytes that deflating makes one of, at the most (zlib's Technical Details, "Maximum Compression Factor")."""


class NoZip(ValueError):
    """It is no ZIP, or none whose list can be relied on."""


class _Directory(NamedTuple):
    entries: int
    length: int
    start: int


def zip_members(read_at: ReadAt, size: int) -> Iterator[Member]:
    """The files and links in a ZIP of ``size`` bytes, in the order in which they lie there: links without their
    targets. Little is read but the directory, in pieces, and little of it is in memory. Raises NoZip."""
    tail_at = max(0, size - _TAIL)
    tail = read_at(tail_at, size - tail_at)
    directory = _found(tail, tail_at, read_at)
    last, total = -1, 0
    for entry in _entries(_Pieces(read_at, directory, tail, tail_at), directory):
        if entry.offset <= last or entry.offset >= directory.start:
            raise NoZip("its members don't lie in the order of its directory")
        last = entry.offset
        total += entry.size
        if total > size * _MOST_INFLATED:
            raise NoZip("more is in it than its bytes can hold")
        if not entry.path.endswith("/"):
            yield entry


class _Pieces:
    """The bytes of the directory, from front to end."""

    def __init__(self, read_at: ReadAt, directory: _Directory, tail: bytes, tail_at: int) -> None:
        self._read_at = read_at
        self._end = directory.start + directory.length
        self._at = directory.start
        self._held = b""
        self._taken = 0
        if directory.start >= tail_at:
            self._held = tail[directory.start - tail_at : self._end - tail_at]
            self._at = self._end

    def take(self, count: int) -> bytes:
        while len(self._held) - self._taken < count:
            more = min(self._end - self._at, _PIECE)
            if more <= 0:
                raise NoZip("its directory ends too soon")
            self._held = self._held[self._taken :] + self._read_at(self._at, more)
            self._taken = 0
            self._at += more
        self._taken += count
        return self._held[self._taken - count : self._taken]


def _found(tail: bytes, tail_at: int, read_at: ReadAt) -> _Directory:
    at = tail.rfind(END_SIGN)
    while at >= 0 and at + END.size + _comment(tail, at) != len(tail):
        at = tail.rfind(END_SIGN, 0, at)
    if at < 0:
        raise NoZip("it doesn't end like a ZIP")
    _, disk, of_disk, here, entries, length, start, _ = END.unpack_from(tail, at)
    end = tail_at + at
    if MOST_16 in (here, entries) or MOST_32 in (length, start):
        large = _found_64(tail, at, tail_at, read_at)
        if large is not None:
            end, (disk, of_disk, here, entries, length, start) = large
    if disk or of_disk or here != entries or start + length != end:
        raise NoZip("it is one of several, or something else is in front of it")
    return _Directory(entries, length, start)


def _comment(tail: bytes, at: int) -> int:
    """Bytes of the comment behind the record there; more than there are where it is none."""
    return int(END.unpack_from(tail, at)[-1]) if at + END.size <= len(tail) else _TAIL


def _found_64(tail: bytes, at: int, tail_at: int, read_at: ReadAt) -> tuple[int, tuple[int, ...]] | None:
    """Where that of ZIP64 begins, and what it says."""
    if at < LOCATOR64.size or not tail.startswith(LOCATOR64_SIGN, at - LOCATOR64.size):
        return None
    _, _, begin, _ = LOCATOR64.unpack_from(tail, at - LOCATOR64.size)
    if begin + END64.size > tail_at + at:
        raise NoZip("its end lies behind it")
    record = tail[begin - tail_at :][: END64.size] if begin >= tail_at else read_at(begin, END64.size)
    sign, _, _, _, *told = END64.unpack(record)
    if sign != END64_SIGN:
        raise NoZip("its end is broken")
    return begin, tuple(told)


def _entries(pieces: _Pieces, directory: _Directory) -> Iterator[Member]:
    if directory.entries * CENTRAL.size > directory.length:
        raise NoZip("its directory is too short")
    for _ in range(directory.entries):
        head = CENTRAL.unpack(pieces.take(CENTRAL.size))
        sign, _, _, flags, _, dos_time, dos_date, _, _, size, name, extra, comment, _, _, attributes, offset = head
        if sign != CENTRAL_SIGN or flags & _ENCRYPTED:
            raise NoZip("its directory is broken, or it is encrypted")
        path = _name(pieces.take(name), flags)
        fields = _fields(pieces.take(extra))
        pieces.take(comment)
        size, offset = _large(fields.get(ZIP64, b""), size, offset)
        mode, mtime_ns = attributes >> 16, _time(dos_time, dos_date)
        if len(fields.get(TIME, b"")) >= 5 and fields[TIME][0] & 1:
            mtime_ns = struct.unpack_from("<l", fields[TIME], 1)[0] * _SECOND
        if len(fields.get(OWN, b"")) >= OWN_FIELD.size:
            mode, seconds, ns = OWN_FIELD.unpack_from(fields[OWN])
            mtime_ns = seconds * _SECOND + ns
        kind: MemberType = "symlink" if stat.S_ISLNK(mode) else "file"
        yield Member(path, kind, size, mtime_ns, stat.S_IMODE(mode) or 0o600, offset, None)


def _name(raw: bytes, flags: int) -> str:
    if b"\0" in raw or not raw:
        raise NoZip("a name in it is none")
    try:
        return raw.decode() if flags & UTF8 else raw.decode("utf-8", "surrogateescape")
    except UnicodeDecodeError:
        raise NoZip("a name in it is no UTF-8, and says so") from None


def _fields(extra: bytes) -> dict[int, bytes]:
    found: dict[int, bytes] = {}
    at = 0
    while at + 4 <= len(extra):
        id, length = struct.unpack_from("<HH", extra, at)
        found.setdefault(id, extra[at + 4 : at + 4 + length])
        at += 4 + length
    return found


def _large(field: bytes, size: int, offset: int) -> tuple[int, int]:
    """What didn't fit; the stored size stands there, too, where it didn't."""
    numbers = iter(struct.unpack(f"<{len(field) // 8}Q", field[: len(field) // 8 * 8]))
    try:
        if size == MOST_32:
            size = next(numbers)
            next(numbers)
        if offset == MOST_32:
            offset = next(numbers)
    except StopIteration:
        raise NoZip("a number in it is missing") from None
    if max(size, offset) > _LARGEST:
        raise NoZip("a number in it is out of all proportion")
    return size, offset


def _time(dos_time: int, dos_date: int) -> int:
    """In ns since 1970, taken for UTC; of no time that there is, the first that DOS has."""
    try:
        moment = datetime(
            1980 + (dos_date >> 9), dos_date >> 5 & 15, dos_date & 31, dos_time >> 11, dos_time >> 5 & 63, tzinfo=UTC
        )
    except ValueError:
        moment = datetime(1980, 1, 1, tzinfo=UTC)
    return (int(moment.timestamp()) + 2 * (dos_time & 31)) * _SECOND
