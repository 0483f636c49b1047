"""What a tar is made of, where GNU tar doesn't make it: entries and their contents, wherever they come from."""

from __future__ import annotations

from collections.abc import Generator, Sequence
from typing import NamedTuple, Protocol


class Entry(NamedTuple):
    """One file, directory, link, FIFO or device."""

    path: str
    """Absolute, for messages and for reading."""
    name: str
    """Below the topmost one, without a leading slash; of that itself empty."""
    mode: int
    """Type and permissions (POSIX numbers)."""
    size: int
    """Bytes of content; 0 for anything but a regular file."""
    mtime_ns: int
    uid: int
    gid: int
    target: str = ""
    """What a symlink points to."""
    names: int = 1
    """How many a file has, as far as is known; the others may lie elsewhere."""
    same_as: str = ""
    """The :attr:`name` of one that came before and is the same file under another name."""
    device: int = 0
    """Of a device: its numbers, as ``st_rdev`` has them."""
    attributes: tuple[tuple[bytes, bytes], ...] = ()
    """Keywords and values for an extended header, such as ``SCHILY.xattr.user.colour``."""
    stored: str = ""
    """Of a file of a group: what it is called in the archive where that isn't :attr:`name`."""


class Lost(NamedTuple):
    """Something that can't be in the archive."""

    path: str
    cause: str | None
    """None: it has vanished."""


class Range(NamedTuple):
    """Some of a file's content."""

    entry: Entry
    offset: int
    length: int


class Piece(NamedTuple):
    """What reading a range gave."""

    data: bytes | bytearray
    """Of a whole file all that it had by then, up to 1 MiB; of others no more than was asked for."""
    size: int
    mtime_ns: int
    """Of the file, when this had been read."""


class Tree(Protocol):
    """A directory with all below it, or one file."""

    def entries(self) -> Generator[Entry | Lost, None, None]:
        """Each before what is in it, and these in the order of their names (bytes). Raises SourceError where nothing
        can be read."""
        ...

    def read(self, ranges: Sequence[Range]) -> Sequence[Piece | OSError]:
        """Several whole small files, or one range of a large one; OSErrors are returned. Several threads call it.
        Raises SourceError where nothing more can be read."""
        ...
