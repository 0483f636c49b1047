"""The Packer Protocol: a candidate in, one byte stream in a standard container out."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import AbstractContextManager
from dataclasses import dataclass
from typing import Protocol, runtime_checkable

from glacier_backup.errors import SourceError
from glacier_backup.exclusion import Exclusion
from glacier_backup.model.archive import Container, Member, ReadProblem
from glacier_backup.model.recipe import Step


@dataclass(frozen=True, slots=True)
class PackOutcome:
    """What went into a stream, known once all of it has been read."""

    problems: tuple[ReadProblem, ...]
    """What is missing from the archive because it could not be read."""
    changed: bool
    """Whether something changed while it was read."""
    as_planned: bool = True
    """Of a group that goes by a prefix: whether all that was there was what the plan says, when it was read."""


class NothingRead(SourceError):
    """There would be nothing in the archive; the outcome tells what could not be read."""


class PackedStream(Protocol):
    """The bytes of one archive, read once from front to end.

    The stream of a plain file may offer more: ``size`` and ``read_at``, as the RandomAccess of the destinations has
    them, so that parts of it can be read side by side. It is read in one of the two ways.
    """

    def readinto(self, buffer: memoryview) -> int:
        """Fill ``buffer`` as far as there are bytes; a short count, 0 included, means the end.

        Raises SourceError when the rest can't be had: what was read so far is then no archive.
        """
        ...

    def outcome(self) -> PackOutcome:
        """What went in. Only after all of it was read."""
        ...

    def members(self) -> Iterator[Member]:
        """Every member, in stream order, once. Only after all of it was read and before the stream is closed."""
        ...


class Packer(Protocol):
    """Makes one kind of container. Same content, same bytes: packing can be repeated."""

    container: Container

    def pack(self, path: str, stored_name: str) -> AbstractContextManager[PackedStream]:
        """The stream of what lies at ``path``, stored under ``stored_name``.

        ``path`` may be a symlink: what it points to is packed. Leaving the context ends every process and
        removes every temporary file, however much was read. Raises SourceError when nothing can be read.
        """
        ...

    def step(self) -> Step:
        """How to undo the packing, as the recipe records it."""
        ...

    def estimate(self, content: int, entries: int) -> int:
        """Bytes that the stream will have, as far as the bytes and number of entries tell."""
        ...


@runtime_checkable
class PacksDirectories(Packer, Protocol):
    """One that packs what is in a directory, too."""

    def leaving_out(self, exclusion: Exclusion) -> Packer:
        """The same, without what the ``exclusion`` leaves out of a directory. What comes to be there only while that is
        packed may be in it all the same."""
        ...


def leaving_out(packer: Packer, exclusion: Exclusion) -> Packer:
    """``packer`` without what the ``exclusion`` leaves out of directories."""
    return packer.leaving_out(exclusion) if exclusion and isinstance(packer, PacksDirectories) else packer
