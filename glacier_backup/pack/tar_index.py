"""The list of members that GNU tar writes beside the stream.

One line a member, from ``--index-file -vv -R --full-time --utc --quoting-style=c`` (GNU tar manual, "Controlling
verbose output" and "Quoting member names"):

    block 34: lrwxrwxrwx  0/0               0 2026-11-21 22:17:44.28 "d/q -> r" -> "x -> y"

The block is the first of the member's headers; quoting leaves ASCII only and no bare newline or quote, so a line
can be taken apart in one way only.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from functools import lru_cache
from typing import IO

from glacier_backup.errors import SourceError
from glacier_backup.model.archive import Member, MemberType

BLOCK = 512
"""Bytes; what tar counts in (POSIX pax, "ustar Interchange Format")."""

QUOTED = r'"([^"\\\n]*(?:\\(?:[abfnrtv"\\]|[0-3][0-7]{2})[^"\\\n]*)*)"'
"""A regular expression for a name in C's quotes; its one group is for :func:`unquote`."""

_CHUNK = 256 * 1024
_LINE = re.compile(
    r"^block (\d+): (.)(.{9})[ .*+]+[-\d]+/[-\d]+ +(\d+)(?:,\d+)? +"
    r"(?:(-?\d+-\d\d-\d\d) (\d\d:\d\d:\d\d)|(-?\d+))(?:\.(\d+))? +"
    rf"{QUOTED}(?: (?:->|link to) {QUOTED})?\n",
    re.MULTILINE,
)
_TYPES: dict[str, MemberType] = {
    "-": "file",
    "C": "file",
    "d": "directory",
    "l": "symlink",
    "h": "hardlink",
    "p": "fifo",
    "b": "device",
    "c": "device",
}
_Fields = tuple[str, str, str, str, str, str, str, str, str, str]


def read_members(index: IO[bytes]) -> Iterator[Member]:
    """Every member in ``index``, from its beginning, one chunk of the file in memory at a time.

    Raises SourceError when a line is torn: the disk below the temporary directory was full.
    """
    index.seek(0)
    rest = b""
    while chunk := index.read(_CHUNK):
        lines, newline, rest = (rest + chunk).rpartition(b"\n")
        text = (lines + newline).decode("latin-1")
        found = _LINE.findall(text)
        if len(found) != text.count("\n"):
            raise damaged()
        yield from map(_member, found)
    if rest:
        raise damaged()


def is_whole(index: IO[bytes]) -> bool:
    """Whether the last line is complete. tar itself doesn't notice when the list can't be written."""
    index.seek(0, os.SEEK_END)
    if index.tell() == 0:
        return True
    index.seek(-1, os.SEEK_END)
    return index.read(1) == b"\n"


def damaged() -> SourceError:
    """The error for a list that could not be written in full."""
    return SourceError(
        "tar's list of members is damaged",
        hint="is the disk with the temporary directory full? TMPDIR=/another/directory puts it elsewhere",
    )


def _member(fields: _Fields) -> Member:
    block, letter, bits, size, date, time, seconds, fraction, name, target = fields
    kind = _TYPES.get(letter, "other")
    second = _day(date) + _time_of_day(time) if date else int(seconds)
    nanoseconds = int(fraction.ljust(9, "0")) if fraction else 0
    path = name if name.isascii() and "\\" not in name else unquote(name)
    return Member(
        path.rstrip("/") if kind == "directory" else path,
        kind,
        int(size) if kind == "file" else 0,
        # tar shows a moment before 1970 as the negative of seconds and fraction; of the last second before 1970,
        # which has no seconds to be negative, it shows the mirror image.
        second * 1_000_000_000 + (nanoseconds if second >= 0 else -nanoseconds),
        _mode(bits),
        int(block) * BLOCK,
        unquote(target) if target else None,
    )


@lru_cache(maxsize=4096)
def _day(date: str) -> int:
    """Seconds from the epoch to the beginning of ``[-]Y…-MM-DD``, for any year of the Gregorian calendar."""
    year, month, day = (int(number) for number in date.rsplit("-", 2))
    # Years begin in March here, so that the leap day is the last of its year.
    year, month = (year, month - 3) if month > 2 else (year - 1, month + 9)
    days = 365 * year + year // 4 - year // 100 + year // 400 + (153 * month + 2) // 5 + day
    return (days - 719_469) * 86_400


@lru_cache(maxsize=86_401)
def _time_of_day(time: str) -> int:
    return int(time[:2]) * 3600 + int(time[3:5]) * 60 + int(time[6:])


@lru_cache(maxsize=4096)
def _mode(bits: str) -> int:
    """``rwsr-x--T`` as permission bits."""
    mode = 0
    for place, letter in enumerate(bits):
        if letter not in "-ST":
            mode |= 0o400 >> place
        if letter in "sStT":
            mode |= 0o4000 >> place // 3
    return mode


def unquote(quoted: str) -> str:
    """The path that C's escapes in ``quoted`` (what stands between the quotes, a character a byte) stand for."""
    # Python reads the escapes that QUOTED allows just as C does.
    return os.fsdecode(quoted.encode("latin-1").decode("unicode_escape").encode("latin-1"))
