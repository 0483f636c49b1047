"""The fields of a tar's header block (POSIX pax, "ustar Interchange Format"; GNU tar manual, "Basic Tar Format")."""

from __future__ import annotations

import re
import struct
from functools import lru_cache
from zlib import adler32

BLOCK = 512
"""Bytes."""

FIELDS = struct.Struct("100s8s8s8s12s12s8sc100s8s80x155s12x")
"""Name, mode, uid, gid, size, mtime, checksum, type, link's target, magic, prefix."""

POSIX = b"ustar\x0000"
"""The magic of headers that have a prefix; what GNU tar calls its own format has other things there."""

MOST = 2**63 - 1
"""What no size or position can be above."""
MOST_DIGITS = 19
"""Of a whole number up to that."""

_MODULUS = 65521
_CHECKSUM = slice(148, 156)
_DECIMAL = re.compile(rb"(-?)([0-9]{1,30})(?:\.([0-9]*))?")


class BadField(ValueError):
    """A field that says nothing, or what can't be. ``str()`` says which and why."""


@lru_cache(maxsize=8192)
def number(field: bytes) -> int:
    """What a numeric field says: octal digits, or a binary number, as GNU tar and star write those that are too large.

    Raises BadField.
    """
    if field[0] & 0x80:
        if field[0] == 0xFF:
            return int.from_bytes(field, "big", signed=True)
        return int.from_bytes(bytes([field[0] & 0x7F]) + field[1:], "big")
    digits = field.partition(b"\0")[0].strip(b" ")
    try:
        # int() would take signs and underscores too.
        return int(digits, 8) if digits.isdigit() else _nothing(digits)
    except ValueError:
        raise BadField(f"{field!r} is no octal number") from None


def decimal(text: bytes) -> int:
    """A whole number of an extended header, not below 0. Raises BadField."""
    if text.isdigit() and len(text) <= MOST_DIGITS and (found := int(text)) <= MOST:
        return found
    raise BadField(f"{text[:40]!r} is no size or number")


def nanoseconds(text: bytes) -> int:
    """A time of an extended header, in seconds with a fraction, before 1970 with a minus. Raises BadField."""
    match = _DECIMAL.fullmatch(text)
    if match is None:
        raise BadField(f"{text[:40]!r} is no time")
    sign, whole, fraction = match.groups(b"")
    found = int(whole) * 1_000_000_000 + int(fraction[:9].ljust(9, b"0"))
    return -found if sign else found


def is_right(block: memoryview, field: bytes) -> bool:
    """Whether a header's checksum, which ``field`` holds, is right: the sum of all bytes, its own counted as blanks."""
    try:
        wanted = number(field)
    except BadField:
        return False
    # zlib adds bytes up much faster than sum() does, and counts from 1, modulo a prime.
    if ((adler32(block) & 0xFFFF) - 1 - sum(field) + 256 - wanted) % _MODULUS == 0:
        return True
    others = bytes(block[: _CHECKSUM.start]) + bytes(block[_CHECKSUM.stop :])
    # Some old tars took bytes for signed.
    return wanted == 256 + sum(byte - 256 if byte > 127 else byte for byte in others)


def text(field: bytes) -> bytes:
    """A field that ends at the first NUL, if there is one."""
    return field.partition(b"\0")[0]


def _nothing(digits: bytes) -> int:
    if digits:
        raise ValueError(digits)
    return 0
