"""What tells whether one file of a whole tree has changed: its size and its mtime, and nothing else.

The digest of such a file is those two as text, ``file 1234 1600000000123456789``: bytes, and ns since 1970. A symlink
that is sent as such has ``link`` in front. There are millions of them, so nothing is hashed; and what another system
has recorded of a file can be written down in the same way. The catalog keeps this: it never changes.
"""

from __future__ import annotations

import re
from typing import NamedTuple

from glacier_backup.model.candidate import Fingerprint, Kind

_DIGEST = re.compile(r"(file|link) (\d+) (-?\d+)")

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
    newest = max(-_LATEST, min(mtime_ns, _LATEST))
    return Fingerprint(f"{kind} {size} {mtime_ns}", size, 1, newest, mode)


def parse_tree_digest(digest: str) -> SizeAndTime | None:
    """What :func:`tree_fingerprint` was told; None for a digest of another make."""
    match = _DIGEST.fullmatch(digest)
    return None if match is None else SizeAndTime(match[1], int(match[2]), int(match[3]))
