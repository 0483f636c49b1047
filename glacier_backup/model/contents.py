"""The files of a whole tree that become one archive together: a group, which is a pack or goes by a prefix.

There may be a hundred thousand of them, and hundreds of groups wait in a plan, so they are kept as one piece of bytes.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import NamedTuple

from glacier_backup.model.tree_digest import tree_fingerprint

_FIELDS = re.compile(rb"([^\0]*)\0([fl])\0(\d+)\0(-?\d+)\0([^\0]*)\0(\d*)\0([^\0]*)\0")


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
    stored: str = ""
    """What filters have made of its name, which is what it is called in the archive; empty: the name itself."""

    @property
    def digest(self) -> str:
        """What it looked like, as :mod:`glacier_backup.model.tree_digest` has it."""
        return tree_fingerprint("link" if self.is_link else "file", self.size, self.mtime_ns).digest


@dataclass(frozen=True, slots=True)
class Contents:
    """The files of one group, in the order in which they are packed. Made by :func:`contents_of`."""

    packed: bytes
    """Seven fields for each, NUL behind every one: those of :func:`row`."""
    count: int
    bytes: int
    """Sum of their sizes."""
    newest_mtime_ns: int
    digest: str
    """SHA-256, hex, over names, types, sizes and times, in order: equal means the same files, unchanged."""
    follow: bool = False
    """Whether a name that is a symlink stands for what it leads to (``symlinks = follow``)."""
    prefix: str | None = None
    """Of a group that goes by it: what the names of all begin with, as they are stored. None of a pack."""
    top: str | None = None
    """What stands in front of their names in the archive; may be empty. None: the section's base name."""

    @property
    def depth(self) -> int:
        """How many of the last components of its group's path don't belong to the section."""
        return 1 if self.prefix is None else self.prefix.count("/") + 1

    def __len__(self) -> int:
        return self.count

    def __iter__(self) -> Iterator[Held]:
        for found in _FIELDS.finditer(self.packed):
            name, kind, size, mtime, stored, mode, was = found.groups()
            yield Held(
                name.decode("utf-8", "surrogateescape"),
                kind == b"l",
                int(size),
                int(mtime),
                int(mode) if mode else None,
                was.decode("utf-8", "surrogateescape"),
                stored.decode("utf-8", "surrogateescape"),
            )


def names_in(contents: Contents) -> Iterator[tuple[bytes, bytes]]:
    """Of each file :attr:`Held.name` and :attr:`Held.was`, as bytes."""
    for found in _FIELDS.finditer(contents.packed):
        yield found[1], found[7]


class Row(NamedTuple):
    """One file of a group as its contents keep it: there may be millions."""

    look: bytes
    """What the digest is made of: name, type, size, time, and what it is stored as."""
    rest: bytes


def row(held: Held) -> Row:
    """Raises ValueError for a name that no file can have."""
    name, was, stored = (text.encode("utf-8", "surrogateescape") for text in (held.name, held.was, held.stored))
    if b"\0" in name or b"\0" in was or b"\0" in stored:
        raise ValueError("a path holds no NUL")
    kind, mode = b"l" if held.is_link else b"f", b"" if held.mode is None else b"%d" % held.mode
    return Row(b"%b\0%b\0%d\0%d\0%b\0" % (name, kind, held.size, held.mtime_ns, stored), b"%b\0%b\0" % (mode, was))


class ContentsMaker:
    """Contents in the making."""

    def __init__(self) -> None:
        self._hash = hashlib.sha256()
        self._pieces: list[bytes] = []
        self.count = 0
        self.bytes = 0
        self._newest: int | None = None

    def add(self, row: Row, size: int, mtime_ns: int) -> None:
        """The next file; size and time are those in its row."""
        self._hash.update(row.look)
        self._pieces += row
        self.count += 1
        self.bytes += size
        if self._newest is None or mtime_ns > self._newest:
            self._newest = mtime_ns

    def made(self, *, follow: bool = False, prefix: str | None = None, top: str | None = None) -> Contents:
        """All that were added."""
        packed, newest = b"".join(self._pieces), self._newest or 0
        return Contents(packed, self.count, self.bytes, newest, self._hash.hexdigest(), follow, prefix, top)


def contents_of(
    files: Iterable[Held], *, follow: bool = False, prefix: str | None = None, top: str | None = None
) -> Contents:
    """Raises ValueError for a name that no file can have."""
    maker = ContentsMaker()
    for one in files:
        maker.add(row(one), one.size, one.mtime_ns)
    return maker.made(follow=follow, prefix=prefix, top=top)
