"""The headers of a tar as POSIX has them (pax, "ustar Interchange Format" and "pax Extended Header").

What a ustar header can't hold stands in an extended header before it, the choice and the names being those of GNU tar
with the options that :mod:`glacier_backup.pack.gnu_tar` gives it. Names go as the bytes that they are, as there.
"""

from __future__ import annotations

import os
import stat
from collections.abc import Mapping
from functools import lru_cache

from glacier_backup.model.archive import MemberType
from glacier_backup.pack.tree import Entry

BLOCK = 512
"""Bytes."""
RECORD = 20 * BLOCK
"""A tar's size is a multiple of that."""

_PER_ENTRY = 5 * BLOCK
"""A pax header of two blocks, the header itself, padding, and a block more for long names."""


def estimate(content: int, entries: int) -> int:
    """At least the bytes of a tar, unless names or extended attributes are very long."""
    return content + entries * _PER_ENTRY + 2 * BLOCK + RECORD


def check_stored_name(stored_name: str) -> None:
    """Raises ValueError for what members can't lie below."""
    if not stored_name or stored_name.startswith("/"):
        raise ValueError(f"members can't be stored under {stored_name!r}")


TYPES: Mapping[int, tuple[bytes, MemberType]] = {
    stat.S_IFREG: (b"0", "file"),
    stat.S_IFLNK: (b"2", "symlink"),
    stat.S_IFDIR: (b"5", "directory"),
    stat.S_IFIFO: (b"6", "fifo"),
    stat.S_IFCHR: (b"3", "device"),
    stat.S_IFBLK: (b"4", "device"),
}
"""What can be stored, by file type: its flag, and what the catalog calls it."""

_NAME = 100
"""Bytes of a name in a ustar header."""


_HARD_LINK = b"1"


def header(entry: Entry, stored: str, linked: str | None = None) -> bytes:
    """All blocks before the content of ``entry``, whose name in the archive is ``stored``; ``linked`` is the name there
    of a file that it is a hard link to, and then no content follows."""
    flag, kind = TYPES[stat.S_IFMT(entry.mode)]
    name = os.fsencode(stored) + (b"/" if kind == "directory" else b"")
    target = os.fsencode(entry.target)
    size = entry.size if kind == "file" else 0
    if linked is not None:
        flag, target, size = _HARD_LINK, os.fsencode(linked), 0
    records = _records(name, target, size, entry)
    device = entry.device if kind == "device" else None
    own = _block(name, flag, entry.mode, entry.uid, entry.gid, size, entry.mtime_ns, target, device)
    if not records:
        return own
    return _extended(name, records, entry.mtime_ns) + own


def padding(size: int, unit: int = BLOCK) -> bytes:
    """The zeros that follow content of ``size`` bytes."""
    return bytes(-size % unit)


def _records(name: bytes, target: bytes, size: int, entry: Entry) -> bytes:
    """What the header can't hold."""
    records = b""
    if _is_odd(name):
        records += _record(b"path", name)
    if _is_odd(target):
        records += _record(b"linkpath", target)
    if not _fits(size, 12):
        records += _record(b"size", b"%d" % size)
    if not _fits(entry.uid, 8):
        records += _record(b"uid", b"%d" % entry.uid)
    if not _fits(entry.gid, 8):
        records += _record(b"gid", b"%d" % entry.gid)
    if entry.mtime_ns % 10**9 or not _fits(entry.mtime_ns // 10**9, 12):
        records += _record(b"mtime", _decimal(entry.mtime_ns))
    return records + b"".join([_record(keyword, value) for keyword, value in entry.attributes])


def _is_odd(text: bytes) -> bool:
    """Whether it is too long for the header, or its bytes might be taken for those of another character set."""
    return len(text) > _NAME or not text.isascii()


def _fits(number: int, width: int) -> bool:
    return 0 <= number < 1 << 3 * (width - 1)


def _decimal(nanoseconds: int) -> bytes:
    """Seconds, with a fraction where there is one."""
    whole, fraction = divmod(abs(nanoseconds), 10**9)
    text = f"{'-' if nanoseconds < 0 else ''}{whole}"
    return (f"{text}.{fraction:09d}".rstrip("0") if fraction else text).encode()


def _record(keyword: bytes, value: bytes) -> bytes:
    """``length keyword=value``, where the length counts its own digits."""
    rest = len(keyword) + len(value) + 3
    length = rest + len(str(rest))
    if rest + len(str(length)) != length:
        length += 1
    return b"%d %b=%b\n" % (length, keyword, value)


def _extended(name: bytes, records: bytes, mtime_ns: int) -> bytes:
    folder, _, base = name.rstrip(b"/").rpartition(b"/")
    about = b"%b/PaxHeaders/%b" % (folder or b".", base)
    head = _block(about[:_NAME], b"x", 0o644, 0, 0, len(records), mtime_ns // 10**9 * 10**9, b"", None)
    return head + records + padding(len(records))


def _block(
    name: bytes,
    flag: bytes,
    mode: int,
    uid: int,
    gid: int,
    size: int,
    mtime_ns: int,
    target: bytes,
    device: int | None,
) -> bytes:
    start = b"%b%b%b%b%b%b" % (
        name[:_NAME].ljust(_NAME, b"\0"),
        _octal(stat.S_IMODE(mode), 8),
        _octal(uid, 8),
        _octal(gid, 8),
        _octal(size, 12),
        _octal(mtime_ns // 10**9, 12),
    )
    end = flag + target[:_NAME].ljust(_NAME, b"\0") + (_END if device is None else _end(device))
    total = sum(start) + sum(end) + 8 * ord(" ")
    return b"%b%06o\0 %b" % (start, total, end)


def _end(device: int) -> bytes:
    """Magic and version, no names of owners, device numbers, no prefix."""
    numbers = _octal(os.major(device), 8) + _octal(os.minor(device), 8)
    return b"ustar\x0000" + bytes(32 + 32) + numbers + bytes(155 + 12)


_END = b"ustar\x0000" + bytes(32 + 32) + b"0000000\0" * 2 + bytes(155 + 12)
"""Of what is no device."""


@lru_cache(maxsize=4096)
def _octal(number: int, width: int) -> bytes:
    """0 for what doesn't fit, and then an extended header says it."""
    return b"%0*o\0" % (width - 1, number if _fits(number, width) else 0)
