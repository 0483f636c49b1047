"""The Unpacker Protocol, the inverse of the Packer's: the byte stream of an archive in, files out."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Protocol

from glacier_backup.errors import DamageFound
from glacier_backup.model.archive import Container, Member
from glacier_backup.model.candidate import Kind


class LeadsOut(DamageFound):
    """Something that is wanted is a hard link to what isn't: it takes all of the archive to have it."""


class ArchiveBytes(Protocol):
    """The bytes of an archive, or of a range of it, read once from front to end."""

    def readinto(self, buffer: memoryview) -> int:
        """Fill ``buffer`` as far as there are bytes; a short count, 0 included, means the end. Raises what fetching
        raises."""
        ...


@dataclass(frozen=True, slots=True)
class UnpackOrder:
    """What is to be made of the bytes."""

    name: str
    """What a raw file, or a link, is to be called. Members of a tar have their own names."""
    kind: Kind
    """Groups have no directories among their members: those that lead to files are like any that mkdir makes."""
    mtime_ns: int | None = None
    """Of a raw file or a link, which keep none inside; None: not known, and left as it comes. A tar has its own."""
    mode: int | None = None
    """Permission bits, likewise."""
    start: int = 0
    """Where in the stream the bytes begin: 0, the beginning of a member, or what :meth:`Unpacker.position` says."""
    whole: bool = True
    """Whether they go to the end of the archive, which then has to end as one; else they are whole members."""
    wanted: str | None = None
    """Only this member and what lies below it; None: all. That there is none of it isn't an error.

    Directories above it are made for their owner alone, without owner or time. A hard link in it to a member that isn't
    in it is made if that one is in the folder already: it is to be asked for first, by an order of its own. Otherwise
    the link is DamageFound; the same holds for ranges.
    """
    among: Callable[[int], bool] | None = None
    """Of a tar, in place of ``wanted``: whether the member is, whose headers begin at that byte of the stream. Asked
    once of each, in their order. What ``wanted`` says of directories above and of hard links holds too. None: all."""
    along: str | None = None
    """Beside what is ``wanted`` this member, too."""
    resume: str | None = None
    """What :meth:`Unpacking.checkpoint` said, in this process or another: goes on from there, in the same folder."""


class Unpacking(Protocol):
    """An archive on its way into a folder."""

    def __iter__(self) -> Iterator[Member | None]:
        """Unpacks; each member as soon as it is there, and None now and then inside of a large one, so that there is
        always a moment to take a :meth:`checkpoint`. All there is to do has been done only at the end. Members that are
        left out, such as devices, are told like the others.

        Raises DamageFound for what is no archive, or holds what none of ours does: names that are absolute or lead
        out, hard links to what isn't there; TargetError when it can't be written; and what ``archive`` raises.
        """
        ...

    def checkpoint(self) -> str:
        """Between two steps of the iteration: all that a later process needs to go on, as one line of text.

        It holds for good: what has been made in the folder since then is made again, in place of what is there.
        """
        ...

    @property
    def left_out(self) -> tuple[str, ...]:
        """What could not be given back as it was, and why, in plain words: owners where we aren't root, devices, …
        A hundred lines or so at most, those from before the checkpoint included."""
        ...


class Unpacker(Protocol):
    """Undoes one kind of container."""

    container: Container

    def unpack(self, archive: ArchiveBytes, folder: int, order: UnpackOrder) -> Unpacking:
        """Ready to unpack ``archive`` into the directory that ``folder`` is a descriptor of, and never outside it,
        whatever the archive says: no symlink is followed, nothing that is there is written through. What has the name
        of a member is replaced, but for directories."""
        ...

    def position(self, checkpoint: str) -> int:
        """From which byte of the stream on the bytes have to come to go on after ``checkpoint``."""
        ...
