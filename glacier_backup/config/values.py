"""Text as people write it → the value of an option, one pure function for each kind of value.

Each raises ValueError when the text isn't of its kind. The error says what is special about the text, if
anything (``it is 16,000,000 bytes``); what would have been right is said by the option table, once for all.
"""

from __future__ import annotations

import posixpath
import re
from collections.abc import Callable

from glacier_backup.model.period import UNITS, Period, parse_period
from glacier_backup.units import GIB, KIB, MIB, TIB, parse_size

MOST_CONCURRENT = 64
LEAST_PART = MIB
MOST_PART = 4 * GIB
LEAST_BANDWIDTH = 16 * KIB
MOST_BANDWIDTH = TIB
"""Bytes per second. With less, servers take a line for dead between two pieces."""
MOST_KEPT = 9999
LEAST_PACK = MIB
MOST_PACK = TIB
MOST_GROUP = 5 * TIB
GROUP_MAX_TO_SIZE = 4
"""``group_max`` is at least so many times the size from which files aren't put together: that no part is too small."""
COMPARISONS = ("size, mtime", "size, mtime, hash", "hash")
PERIODS = tuple(f"{unit}s" for unit in UNITS)

_WHY_NOT = {
    "size": "what is edited may keep its size; its time tells",
    "mtime": "the size costs nothing, and is compared with the time",
    "size, hash": "hash alone compares the size, too",
    "mtime, hash": "the size costs nothing, and is compared first",
}
"""What is special about what is no form of comparing."""

_BOOLEANS = {"yes": True, "true": True, "on": True, "1": True, "no": False, "false": False, "off": False, "0": False}
_ACCOUNT = re.compile(r"-|[0-9]{12}")
_VAULT = re.compile(r"[A-Za-z0-9_.-]{1,255}")
_REGION = re.compile(r"[A-Za-z0-9-]+")
_ENDPOINT = re.compile(r"https?://[^\s/]\S*")
_URL = re.compile(r"[A-Za-z][A-Za-z0-9+.-]*://")
_UNTIDY = re.compile(r"//|/\.|/\Z")


def normal_path(path: str) -> str:
    """An absolute path without trailing or doubled slashes and without ``.`` and ``..`` (taken as a shell's ``cd``
    takes them, without a look at the disk)."""
    return "/" + posixpath.normpath(path).lstrip("/") if _UNTIDY.search(path) else path


def boolean(text: str) -> bool:
    try:
        return _BOOLEANS[text.lower()]
    except KeyError:
        raise ValueError from None


def lines(text: str) -> list[str]:
    """Only a newline ends one: names may hold whatever else :meth:`str.splitlines` takes for an end."""
    return text.split("\n")


def prefixes(text: str) -> tuple[str, ...]:
    """One a line; empty lines don't count."""
    return tuple(line for line in lines(text) if line)


def paths(text: str) -> tuple[str, ...]:
    """One a line, absolute or not; empty lines don't count."""
    found = prefixes(text)
    for path in found:
        if "\0" in path or _URL.match(path):
            raise ValueError(f"{path!r} is no path")
        if ".." in path.split("/"):
            raise ValueError(f"{path!r} has .. in it")
    return found


def one_of(*words: str) -> Callable[[str], str]:
    """Reads one of these words, in small letters or capitals."""

    def read(text: str) -> str:
        if text.lower() not in words:
            raise ValueError
        return text.lower()

    return read


def words(text: str) -> list[str]:
    """One a line, or several with commas or blanks between."""
    return [word for word in re.split(r"[\s,]+", text) if word]


def compared(text: str) -> str:
    """What of a file tells whether it has changed, in one of the forms of :data:`COMPARISONS`."""
    found = [word.lower() for word in words(text)]
    known = words(COMPARISONS[1])
    for word in found:
        if word not in known:
            raise ValueError(f"{word!r} is none of {', '.join(known)}")
        if found.count(word) > 1:
            raise ValueError(f"{word} stands there twice")
    form = ", ".join(word for word in known if word in found)
    if form not in COMPARISONS:
        raise ValueError(_WHY_NOT.get(form, ""))
    return form


def account(text: str) -> str:
    return _matching(_ACCOUNT, text)


def vault(text: str) -> str:
    """API reference, CreateVault: 1 to 255 letters and digits of ASCII, ``_``, ``-`` and ``.``."""
    if len(text) > 255:
        raise ValueError(f"it has {len(text)} characters")
    return _matching(_VAULT, text)


def region(text: str) -> str:
    return _matching(_REGION, text)


def endpoint(text: str) -> str:
    """Shown wherever the destination is named, and kept in the catalog: so it holds no secret."""
    url = _matching(_ENDPOINT, text)
    if "@" in url.split("/")[2]:
        raise ValueError("a URL is no place for a user or a password")
    return url


def absolute_path(text: str) -> str:
    if not text.startswith("/") or "\0" in text:
        raise ValueError
    return normal_path(text)


def absolute_path_or_off(text: str) -> str | None:
    return absolute_path(text) if text else None


def whole_number(text: str) -> int:
    """At least 1, in plain digits."""
    if not (text.isascii() and text.isdigit() and len(text) < 10 and int(text)):
        raise ValueError
    return int(text)


def limit(text: str) -> int | None:
    return None if text == "none" else whole_number(text)


def kept(text: str) -> int | None:
    """Of archives, or of days, weeks and so on that keep one."""
    return None if text == "off" else _number_to_keep(text)


def kept_here(text: str) -> int | None:
    """Of snapshots that stay where they are."""
    return None if text == "none" else _number_to_keep(text)


def _number_to_keep(text: str) -> int:
    number = whole_number(text)
    if number > MOST_KEPT:
        raise ValueError
    return number


def period(text: str) -> Period | None:
    try:
        return None if text == "off" else parse_period(text)
    except ValueError:
        raise ValueError from None


def concurrency(text: str) -> int:
    """Of archives, parts or connections."""
    number = whole_number(text)
    if number > MOST_CONCURRENT:
        raise ValueError
    return number


def part_size(text: str) -> int | None:
    """API reference, InitiateMultipartUpload: 1 MiB times a power of two, at most 4 GiB."""
    if text == "automatic":
        return None
    try:
        size = parse_size(text)
    except ValueError:
        raise ValueError from None
    if not is_part_size(size):
        raise ValueError(f"it is {size:,} {'byte' if size == 1 else 'bytes'}" if size < 2**63 else "")
    return size


def pack_size(text: str) -> int | None:
    """Bytes of a tar."""
    return None if text == "none" else size_between(LEAST_PACK, MOST_PACK, text)


def group_size(text: str) -> int | None:
    """Bytes: smaller files go into groups."""
    return None if text == "none" else size_between(1, MOST_PACK, text)


def group_max(text: str) -> int | None:
    """Bytes of the files of a group."""
    return None if text == "none" else size_between(GROUP_MAX_TO_SIZE, MOST_GROUP, text)


def bandwidth_limit(text: str) -> int | None:
    """Bytes per second; ``/s`` behind the size may be there or not."""
    if text == "none":
        return None
    return size_between(LEAST_BANDWIDTH, MOST_BANDWIDTH, text.removesuffix("/s"))


def size_between(least: int, most: int, text: str) -> int:
    """Bytes, the bounds included."""
    try:
        size = parse_size(text)
    except ValueError:
        raise ValueError from None
    if size < least:
        raise ValueError(f"it is {size:,} {'byte' if size == 1 else 'bytes'}")
    if size > most:
        raise ValueError
    return size


def is_part_size(size: int) -> bool:
    return LEAST_PART <= size <= MOST_PART and size & (size - 1) == 0


def _matching(pattern: re.Pattern[str], text: str) -> str:
    if pattern.fullmatch(text) is None:
        raise ValueError
    return text
