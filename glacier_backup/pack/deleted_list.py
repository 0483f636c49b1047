"""The list of what was deleted, in front of an increment's members.

It is a file of the archive, beside the directory (:func:`~glacier_backup.model.increment.deleted_list`), so that no
file of the directory's own can have its name: the names of what is to be removed before the archive is unpacked over
what it builds on, as its members are called, a NUL behind each.
"""

from __future__ import annotations

import os
import stat
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

from glacier_backup.model.archive import Member
from glacier_backup.model.increment import Linked, deleted_list
from glacier_backup.pack.packer import PackedStream, PackOutcome
from glacier_backup.pack.tar_header import header, padding
from glacier_backup.pack.tar_messages import MOST_PROBLEMS
from glacier_backup.pack.tree import Entry
from glacier_backup.units import KIB

_TOGETHER = 64 * KIB
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


class WithList:
    """A tar with the list in front. The list isn't among the members that it tells: it is none of the directory's."""

    def __init__(self, stream: PackedStream, linked: Linked, stored_name: str) -> None:
        self._stream = stream
        self._linked = linked
        self._top = os.fsencode(stored_name)
        self._size = sum(len(line) for line in self._lines())
        self._head = _header(linked, stored_name, self._size)
        self._front = self._pieces()
        self._piece = memoryview(b"")
        self._is_in_front = True

    def readinto(self, buffer: memoryview) -> int:
        """See :class:`glacier_backup.pack.packer.PackedStream`."""
        filled = 0
        while self._is_in_front and filled < len(buffer):
            if not self._piece:
                self._piece = memoryview(next(self._front, b""))
                self._is_in_front = bool(self._piece)
            count = min(len(buffer) - filled, len(self._piece))
            buffer[filled : filled + count] = self._piece[:count]
            self._piece = self._piece[count:]
            filled += count
        if filled < len(buffer):
            filled += self._stream.readinto(buffer[filled:])
        return filled

    def outcome(self) -> PackOutcome:
        """What could not be looked into is missing, too: what there was of it is as it was in the archives before."""
        found = self._stream.outcome()
        unreadable = self._linked.delta.unreadable if self._linked.delta is not None else ()
        told = {problem.path for problem in found.problems}
        more = tuple(problem for problem in unreadable if problem.path not in told)
        return PackOutcome((*found.problems, *more)[: MOST_PROBLEMS + 1], found.changed)

    def members(self) -> Iterator[Member]:
        """Behind the list."""
        before = len(self._head) + self._size + -self._size % 512
        return (member._replace(offset=member.offset + before) for member in self._stream.members())

    def _lines(self) -> Iterator[bytes]:
        if self._linked.delta is not None:
            for name in self._linked.delta.deleted:
                yield b"%b/%b\0" % (self._top, name)

    def _pieces(self) -> Iterator[bytes]:
        yield self._head
        piece: list[bytes] = []
        size = 0
        for line in self._lines():
            piece.append(line)
            size += len(line)
            if size >= _TOGETHER:
                yield b"".join(piece)
                piece, size = [], 0
        if rest := b"".join(piece) + padding(self._size):
            yield rest


def _header(linked: Linked, stored_name: str, size: int) -> bytes:
    """It has the time of what the increment builds on: the same whenever it is packed."""
    previous = linked.link.previous or _EPOCH
    seconds = (previous - _EPOCH) // timedelta(seconds=1)
    entry = Entry("", "", stat.S_IFREG | 0o600, size, seconds * 10**9, 0, 0)
    return header(entry, deleted_list(stored_name))
