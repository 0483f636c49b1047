"""What tells whether one file of a whole tree has changed: its size and its mtime, and, where a section asks for it,
what is in it.

The digest of such a file is size and mtime as text, ``file 1234 1600000000123456789``: bytes, and ns since 1970. A
symlink that is sent as such has ``link`` in front. There are millions of them, so nothing is read for that; and what
another system has recorded of a file can be written down in the same way. Where only the size is known, as of what
others have stored in a bucket, ``-`` is in place of the time, and it looks like nothing else. The catalog keeps it:
this never changes.
"""

from __future__ import annotations

import re
from typing import Literal, NamedTuple

from glacier_backup.model.candidate import Fingerprint, Kind

Hashing = Literal["never", "other time", "always"]
"""When a file of a tree that has the size of what was sent is read, and compared by its content: never, when its time
differs, or always."""

_DIGEST = re.compile(r"(file|link) (\d+) (-?\d+)")

_SIZED = re.compile(r"(file|link) (\d+) (?:-?\d+|-)")
_UNTIMED = re.compile(r"(?:file|link) \d+ -")

_SECOND = 10**9
"""In ns."""

_LATEST = 2**63 - 1
"""Times beside the digest are kept to what databases hold, the years 1677 to 2262; file systems know others."""


class SizeAndTime(NamedTuple):
    """What such a digest says."""

    kind: str
    size: int
    """Bytes."""
    mtime_ns: int
    """Since 1970. A whole second where nothing finer is known, as from SFTP and from other systems' records."""


def tree_fingerprint(kind: Kind, size: int, mtime_ns: int, mode: int | None = None) -> Fingerprint:
    """Of a file of a whole tree, or a symlink in it, with ``size`` bytes of content."""
    newest = mtime_ns if -_LATEST <= mtime_ns <= _LATEST else max(-_LATEST, min(mtime_ns, _LATEST))
    return Fingerprint(f"{kind} {size} {mtime_ns}", size, 1, newest, mode)


def untimed_fingerprint(kind: Kind, size: int, latest_ns: int) -> Fingerprint:
    """The same of one whose time isn't known; it can't have been later than ``latest_ns``."""
    return Fingerprint(f"{kind} {size} -", size, 1, latest_ns)


def is_untimed(digest: str) -> bool:
    """Whether it is that of such a one."""
    return _UNTIMED.fullmatch(digest) is not None


def parse_tree_digest(digest: str) -> SizeAndTime | None:
    """What :func:`tree_fingerprint` was told; None for a digest of another make."""
    match = _DIGEST.fullmatch(digest)
    return None if match is None else SizeAndTime(match[1], int(match[2]), int(match[3]))


def same_look(one: str, other: str) -> bool:
    """Whether two digests of fingerprints mean that nothing has changed.

    Of files of a whole tree the sizes have to be equal, and the times too, or one of them is a whole second and the
    other lies in it: SFTP knows no finer ones, and what a server lists may be compared with another system's record.
    """
    if one == other:
        return True
    a, b = parse_tree_digest(one), parse_tree_digest(other)
    return a is not None and b is not None and a[:2] == b[:2] and same_time(a.mtime_ns, b.mtime_ns)


def same_size(one: str, other: str) -> bool:
    """Whether two digests are of files of whole trees, or of links, of one size: their content may be the same."""
    a, b = _SIZED.fullmatch(one), _SIZED.fullmatch(other)
    return a is not None and b is not None and a.groups() == b.groups()


def same_time(one: int, other: int) -> bool:
    """What :func:`same_look` says of two times, in ns."""
    earlier, later = sorted((one, other))
    return earlier in (later, later // _SECOND * _SECOND)
