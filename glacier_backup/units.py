"""Sizes and times as people write and read them.

Sizes are bytes; ``KiB``, ``MiB`` … are powers of 1,024 and ``kB``, ``MB`` … powers of 1,000 (IEC 80000-13).
Times are aware datetimes in UTC.
"""

from __future__ import annotations

import re
from datetime import UTC, datetime

KIB = 1024
MIB = 1024 * KIB
GIB = 1024 * MIB
TIB = 1024 * GIB

_POWERS = {"": 0, "k": 1, "m": 2, "g": 3, "t": 4, "p": 5, "e": 6}
_SIZE = re.compile(r"(\d+)(\.\d+)?\s*([kmgtpe]?)(i?)b?", re.IGNORECASE)


def parse_size(text: str) -> int:
    """Bytes in ``text``: ``16 MiB``, ``1.5GB``, ``512k``, ``4096``.

    A number with no unit is bytes. Raises ValueError for anything else and for a fraction of a byte.
    """
    match = _SIZE.fullmatch(text.strip())
    if match is None or (match[4] and not match[3]):
        raise ValueError(f"not a size: {text!r}")
    factor: int = (1024 if match[4] else 1000) ** _POWERS[match[3].lower()]
    digits = match[2] or ""
    digits_after: int = max(len(digits) - 1, 0)
    scale: int = 10**digits_after
    whole, remainder = divmod(int(match[1] + digits[1:]) * factor, scale)
    if remainder:
        raise ValueError(f"not a whole number of bytes: {text!r}")
    return whole


def format_size(size: int) -> str:
    """``size`` bytes to three figures or so: ``0 B``, ``999 B``, ``1.0 KiB``, ``16 MiB``."""
    value = float(size)
    for unit in ("B", "KiB", "MiB", "GiB", "TiB"):
        if value < 1000 or unit == "TiB":
            break
        value /= 1024
    if unit == "B" or value >= 100:
        return f"{value:.0f} {unit}"
    return f"{value:.1f} {unit}"


def format_files(count: int) -> str:
    """``1 file``, ``12,345 files``."""
    return f"{count:,} {'file' if count == 1 else 'files'}"


def format_amount(size: int, packed: int) -> str:
    """``size`` bytes, and how many files are ``packed`` in it where any are: ``1.2 GiB; 12,345 files in groups``."""
    return f"{format_size(size)}; {format_files(packed)} in groups" if packed else format_size(size)


def now() -> datetime:
    """This moment, in UTC."""
    return datetime.now(UTC)


def rfc3339(moment: datetime) -> str:
    """``2026-03-21T04:00:00.123456Z`` (RFC 3339, UTC, always with microseconds, so that text order is time order)."""
    return moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ")


def parse_rfc3339(text: str) -> datetime:
    """The inverse of :func:`rfc3339`; raises ValueError."""
    return datetime.strptime(text, "%Y-%m-%dT%H:%M:%S.%fZ").replace(tzinfo=UTC)


def stamp(moment: datetime) -> str:
    """``20260321T040000.123456Z``: a time that may stand in a key or file name."""
    return moment.astimezone(UTC).strftime("%Y%m%dT%H%M%S.%fZ")


def parse_stamp(text: str) -> datetime:
    """The inverse of :func:`stamp`; raises ValueError."""
    return datetime.strptime(text, "%Y%m%dT%H%M%S.%fZ").replace(tzinfo=UTC)


def local_time(moment: datetime) -> str:
    """``2026-03-21 04:00`` in the zone of the reader."""
    return moment.astimezone().strftime("%Y-%m-%d %H:%M")
