"""The files of a whole tree that become one archive together: a group.

There may be a hundred thousand of them, and hundreds of groups wait in a plan, so they are kept as one piece of bytes.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import NamedTuple

from glacier_backup.model.tree_digest import tree_fingerprint

_FIELDS = re.compile(rb"([^\0]*)\0([fl])\0(\d+)\0(-?\d+)\0(\d*)\0([^\0]*)\0")


class Held(NamedTuple):
    """One file of a group, or a symlink that is sent as such."""

    name: str
    """Below the section, with ``/`` between its components."""
    is_link: bool
    size: int
    """Bytes of content; of a link those of its target."""
    mtime_ns: int
    """Since 1970."""
    mode: int | None = None
    """Permission bits, where they are known."""
    was: str = ""
    """Where the same file was stored from before, as far as can be told, below the section; empty: nowhere."""

    @property
    def digest(self) -> str:
        """What it looked like, as :mod:`glacier_backup.model.tree_digest` has it."""
        return tree_fingerprint("link" if self.is_link else "file", self.size, self.mtime_ns).digest


@dataclass(frozen=True, slots=True)
class Contents:
    """The files of one group, in the order in which they are packed. Made by :func:`contents_of`."""

    packed: bytes
    """Six fields for each, NUL behind every one."""
    count: int
    bytes: int
    """Sum of their sizes."""
    newest_mtime_ns: int
    digest: str
    """SHA-256, hex, over the name and the digest of each, in order: equal means the same files, unchanged."""
    follow: bool = False
    """Whether a name that is a symlink stands for what it leads to (``symlinks = follow``)."""

    def __len__(self) -> int:
        return self.count

    def __iter__(self) -> Iterator[Held]:
        for found in _FIELDS.finditer(self.packed):
            name, kind, size, mtime, mode, was = found.groups()
            yield Held(
                name.decode("utf-8", "surrogateescape"),
                kind == b"l",
                int(size),
                int(mtime),
                int(mode) if mode else None,
                was.decode("utf-8", "surrogateescape"),
            )


def contents_of(files: Iterable[Held], *, follow: bool = False) -> Contents:
    """Raises ValueError for a name that no file can have."""
    hashed, pieces, count, size, newest = hashlib.sha256(), [], 0, 0, 0
    for one in files:
        name, was = (text.encode("utf-8", "surrogateescape") for text in (one.name, one.was))
        if b"\0" in name or b"\0" in was:
            raise ValueError("a path holds no NUL")
        hashed.update(b"%b\0%b\0" % (name, one.digest.encode()))
        kind, mode = b"l" if one.is_link else b"f", b"" if one.mode is None else b"%d" % one.mode
        pieces.append(b"%b\0%b\0%d\0%d\0%b\0%b\0" % (name, kind, one.size, one.mtime_ns, mode, was))
        count += 1
        size += one.size
        newest = one.mtime_ns if count == 1 else max(newest, one.mtime_ns)
    return Contents(b"".join(pieces), count, size, newest, hashed.hexdigest(), follow)
