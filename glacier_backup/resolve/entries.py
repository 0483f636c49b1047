"""What is in one directory, put in order by the names as bytes, however much it is.

A few entries are simply sorted. More are put in order as pieces of bytes, which hold all that is needed of them, in
little memory and on disk.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Literal, NamedTuple

from glacier_backup.ordering import Ordering

FEW = 1000
"""Entries of a directory, which are kept for each one that a walk is in."""

EntryType = Literal["file", "directory", "link", "special", "unreadable"]

_LETTERS: dict[bytes, EntryType] = {b"f": "file", b"d": "directory", b"l": "link", b"s": "special", b"u": "unreadable"}


class Entry(NamedTuple):
    """What a listing says of one name."""

    name: bytes
    type: EntryType
    size: int = 0
    """Bytes of content: of a file, or of a link's target."""
    mtime_ns: int = 0
    mode: int = 0
    """Permission bits."""
    note: str = ""
    """What a special one is, and why one can't be read."""


class Listing:
    """The entries of a directory, each name once: some listings repeat one when something changes meanwhile."""

    def __init__(self) -> None:
        self._few: list[Entry] = []
        self._many: Ordering | None = None

    def add_all(self, entries: Iterable[Entry]) -> None:
        """In any order. Raises what taking them does; what came before that stays."""
        few = self._few
        for entry in entries:
            few.append(entry)
            if len(few) == FEW:
                self._put_away()

    def __iter__(self) -> Iterator[Entry]:
        """In order; to be read once."""
        if self._many is None:
            self._few.sort()
            return iter(self._few) if _are_different(self._few) else _each_once(self._few)
        self._put_away()
        return _each_once(map(_unpacked, self._many))

    def _put_away(self) -> None:
        if self._many is None:
            self._many = Ordering()
        for entry in self._few:
            self._many.add(_packed(entry))
        self._few.clear()


def _are_different(entries: list[Entry]) -> bool:
    return len({entry.name for entry in entries}) == len(entries)


def _each_once(entries: Iterable[Entry]) -> Iterator[Entry]:
    last = b""
    for entry in entries:
        if entry.name != last:
            yield entry
        last = entry.name


def _packed(entry: Entry) -> bytes:
    """The name, NUL and the rest: NUL sorts before all that may follow it, so the order is that of the names."""
    rest = f"\0{entry.type[0]} {entry.size} {entry.mtime_ns} {entry.mode} {entry.note}"
    return entry.name + rest.encode("utf-8", "surrogateescape")


def _unpacked(piece: bytes) -> Entry:
    name, _, rest = piece.partition(b"\0")
    letter, size, mtime_ns, mode, note = rest.split(b" ", 4)
    said = note.decode("utf-8", "surrogateescape") if note else ""
    return Entry(name, _LETTERS[letter], int(size), int(mtime_ns), int(mode), said)
