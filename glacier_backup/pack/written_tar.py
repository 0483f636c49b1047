"""The stream of a tar, or a ZIP, that is made here."""

from __future__ import annotations

from collections.abc import Callable, Generator, Iterator
from contextlib import closing, contextmanager
from typing import Protocol

from glacier_backup.model.archive import Member
from glacier_backup.pack.packer import PackOutcome


class Writer(Protocol):
    """What makes it."""

    def blocks(self) -> Generator[bytes, None, None]:
        """The archive. Raises SourceError when nothing can be read, or nothing more."""
        ...

    def outcome(self) -> PackOutcome:
        """What is missing, and whether something changed."""
        ...

    def members(self) -> Iterator[Member]:
        """Every member, in order."""
        ...


class WrittenTar:
    """An archive in the making."""

    def __init__(self, writer: Writer, blocks: Iterator[bytes], is_as_before: Callable[[], bool]) -> None:
        self._writer = writer
        self._blocks = blocks
        self._is_as_before = is_as_before
        self._block = memoryview(b"")

    def readinto(self, buffer: memoryview) -> int:
        """See :class:`glacier_backup.pack.packer.PackedStream`."""
        filled = 0
        while filled < len(buffer):
            if not self._block:
                self._block = memoryview(next(self._blocks, b""))
                if not self._block:
                    break
            count = min(len(buffer) - filled, len(self._block))
            buffer[filled : filled + count] = self._block[:count]
            self._block = self._block[count:]
            filled += count
        return filled

    def outcome(self) -> PackOutcome:
        """What couldn't be read; changed: some file, or the candidate itself, isn't what it was."""
        found = self._writer.outcome()
        return found if found.changed else PackOutcome(found.problems, not self._is_as_before())

    def members(self) -> Iterator[Member]:
        """As they were written."""
        return self._writer.members()


@contextmanager
def written(writer: Writer, is_as_before: Callable[[], bool] = lambda: True) -> Iterator[WrittenTar]:
    """The stream of what ``writer`` makes; its threads are ended with the block."""
    with closing(writer.blocks()) as blocks:
        yield WrittenTar(writer, blocks, is_as_before)
