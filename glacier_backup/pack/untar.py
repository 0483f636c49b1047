"""A POSIX tar, back into the files that it was made of."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Mapping

from glacier_backup.model.archive import Container, Member, MemberType
from glacier_backup.pack.archive_stream import BUFFER, Stream
from glacier_backup.pack.below import NO_NAME, STEP, NoTarget, plain
from glacier_backup.pack.left_out import LeftOut
from glacier_backup.pack.unpack_errors import translated
from glacier_backup.pack.unpacker import ArchiveBytes, LeadsOut, Unpacking, UnpackOrder
from glacier_backup.pack.untar_fields import BLOCK, BadField
from glacier_backup.pack.untar_heads import Head, Heads
from glacier_backup.pack.untar_members import Members
from glacier_backup.pack.untar_state import Half, State, read_state, write_state

_LINKS = ("symlink", "hardlink")
_LABEL = b"V"
"""The type of GNU tar's volume labels, which are about nothing."""


class TarUnpacker:
    """Unpacks what GNU tar and our own writer make, sparse files and all, plain ustar, and GNU tar's older formats.

    Nothing is ever made outside of the folder: names are taken apart, each component is opened from the one above it,
    no link is followed, and devices are left out. Owners are given as numbers, and by root alone. Of two members of the
    same name the later one counts.

    Archives that come back to a directory which they have left, as those do that were appended to, are unpacked like
    others; only when the process is killed while it is in such a directory, that one's time and permissions are lost.
    """

    container: Container = "tar"

    def unpack(self, archive: ArchiveBytes, folder: int, order: UnpackOrder) -> Unpacking:
        """See :class:`glacier_backup.pack.unpacker.Unpacker`."""
        return TarUnpacking(archive, folder, order)

    def position(self, checkpoint: str) -> int:
        """See :class:`glacier_backup.pack.unpacker.Unpacker`."""
        return read_state(checkpoint).at


class TarUnpacking:
    """One tar on its way into a folder."""

    def __init__(self, archive: ArchiveBytes, folder: int, order: UnpackOrder) -> None:
        state = State(order.start) if order.resume is None else read_state(order.resume)
        self._state: State | None = state
        """Where to begin; None as soon as that is done."""
        self._order = order
        self._wanted = None if order.wanted is None else os.fsencode(order.wanted)
        self._along = None if order.along is None else os.fsencode(order.along)
        self._stream = Stream(archive, state.at)
        self._heads = Heads(self._stream, state.for_all)
        self._notes = LeftOut(state.lines, state.everywhere)
        self._members = Members(self._stream, folder, self._notes, open_to_others=order.kind == "group")
        self._name = b""
        self._half: Half | None = None
        self._skip = 0
        self._end: int | None = None
        """Where the mark of the archive's end begins, once it is reached."""
        self._told = state.at
        self._make: Mapping[MemberType, Callable[[Head], None]] = {
            "directory": self._members.directory,
            "symlink": self._members.symlink,
            "hardlink": self._members.hard_link,
            "fifo": self._members.fifo,
            "device": self._members.device,
            "other": self._members.other,
        }

    def __iter__(self) -> Iterator[Member | None]:
        """See :class:`glacier_backup.pack.unpacker.Unpacking`. Devices, and what else is left out, are told too."""
        try:
            with translated(self._stream, self._where, lambda: self._name):
                yield from self._wanted_members()
        finally:
            self._members.folders.close()

    def _wanted_members(self) -> Iterator[Member | None]:
        try:
            yield from self._all()
        except NoTarget as error:
            if self._wanted is None and self._order.among is None:
                raise
            raise LeadsOut(f"{self._where()}: {error}") from error

    def checkpoint(self) -> str:
        """See :class:`glacier_backup.pack.unpacker.Unpacking`."""
        return write_state(
            self._state
            or State(
                self._stream.position if self._end is None else self._end,
                tuple(self._members.folders.levels()),
                self._half,
                self._skip,
                self._heads.for_all,
                tuple(self._notes.lines),
                tuple(self._notes.everywhere.items()),
            )
        )

    @property
    def left_out(self) -> tuple[str, ...]:
        """See :class:`glacier_backup.pack.unpacker.Unpacking`."""
        return self._notes.told()

    def _all(self) -> Iterator[Member | None]:
        yield from self._go_on()
        while (found := self._heads.next()) is not None:
            self._name = found.name
            head = self._wanted_below(found)
            if head is None:
                yield from self._pass_over(found.stored + -found.stored % BLOCK)
            elif self._order.among is None:
                yield from self._made(head)
            else:
                yield from self._made_if_it_can_be(head)
            self._name = b""
        self._check_end()
        self._members.folders.leave_all()

    def _made(self, head: Head) -> Iterator[Member | None]:
        stream = self._stream
        if head.type != "file":
            self._make[head.type](head)
            yield from self._pass_over(head.stored + -head.stored % BLOCK)
            yield _member(head)
        elif head.extents is None and head.stored <= stream.end - stream.at:
            self._members.small_file(head)
            stream.take(-head.stored % BLOCK)
            yield _member(head)
        else:
            yield from self._file(Half(head, 0))

    def _made_if_it_can_be(self, head: Head) -> Iterator[Member | None]:
        """Each of these was chosen by itself, so one whose name nothing can have here keeps no other from its own."""
        begin = self._stream.position
        try:
            yield from self._made(head)
        except OSError as error:
            if error.errno not in NO_NAME or self._stream.position != begin:
                raise
            self._half = None
            self._notes.note(os.fsdecode(head.name), f"left out, for nothing can be called so there: {error.strerror}")
            yield from self._pass_over(head.stored + -head.stored % BLOCK)
            yield _member(head)

    def _go_on(self) -> Iterator[Member | None]:
        """With what a checkpoint says was half done."""
        if (state := self._state) is None:
            return
        self._members.folders.resume(state.levels)
        self._state = None
        yield from self._pass_over(state.skip)
        if state.half is not None:
            self._name = state.half.head.name
            yield from self._file(state.half)

    def _file(self, half: Half) -> Iterator[Member | None]:
        self._half = half
        for done in self._members.file(half.head, half.done):
            self._half = Half(half.head, done)
            yield None
        self._half = None
        self._stream.take(-half.head.stored % BLOCK)
        yield _member(half.head)

    def _pass_over(self, count: int) -> Iterator[None]:
        self._skip = count
        while self._skip:
            self._skip -= len(self._stream.some(self._skip))
            if self._stream.position - self._told >= STEP:
                self._told = self._stream.position
                yield None

    def _wanted_below(self, head: Head) -> Head | None:
        """With its name below the folder; None where it isn't wanted. What is chosen by where it begins lies among
        others that may be called anything. Raises NotBelow."""
        if self._order.among is not None:
            return _below(head) if head.flag != _LABEL and self._order.among(head.offset) else None
        head = _below(head)
        if head.flag == _LABEL or head.name == b".":
            return None
        if self._wanted is None or head.name == self._wanted or head.name.startswith(self._wanted + b"/"):
            return head
        if head.name == self._along:
            return head
        return None

    def _check_end(self) -> None:
        """Nothing but zeros follows, and two blocks of them at least, if the archive is to end here."""
        stream = self._stream
        self._end = stream.position
        if not stream.has(1) and not self._order.whole:
            return
        if any(stream.take(2 * BLOCK)):
            raise BadField("there is one block of zeros, where the end of an archive has two")
        while stream.has(1):
            rest = bytes(stream.some(BUFFER))
            if rest.count(0) < len(rest):
                raise BadField("something follows the end of the archive")

    def _where(self) -> str:
        if not self._name:
            return f"byte {self._heads.offset:,} of the archive"
        return f"{os.fsdecode(self._name)}, at byte {self._heads.offset:,} of the archive"


def _below(head: Head) -> Head:
    """With a name without what says nothing."""
    name = plain(head.name.rstrip(b"/") or head.name if head.type == "directory" else head.name)
    return head if name == head.name else head._replace(name=name)


def _member(head: Head) -> Member:
    return Member(
        os.fsdecode(head.name),
        head.type,
        head.size if head.type == "file" else 0,
        head.mtime_ns,
        head.mode,
        head.offset,
        os.fsdecode(head.target) if head.type in _LINKS else None,
    )
