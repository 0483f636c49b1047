"""A ZIP, back into the files that it was made of."""

from __future__ import annotations

import os
import stat
from collections.abc import Generator, Iterator
from zlib import crc32

from glacier_backup.model.archive import Container, Member
from glacier_backup.pack.archive_stream import BUFFER, ArchiveEnds, Stream
from glacier_backup.pack.below import NO_NAME, STEP, plain
from glacier_backup.pack.left_out import LeftOut
from glacier_backup.pack.unpack_errors import translated
from glacier_backup.pack.unpacker import ArchiveBytes, Unpacking, UnpackOrder
from glacier_backup.pack.untar_fields import BadField
from glacier_backup.pack.untar_heads import Head
from glacier_backup.pack.untar_members import Members
from glacier_backup.pack.untar_state import State
from glacier_backup.pack.unzip_content import WRONG, content_of, finished, passed_over
from glacier_backup.pack.unzip_directory import Listed, entries
from glacier_backup.pack.unzip_modes import ModeGiver
from glacier_backup.pack.unzip_records import LONGEST_TARGET, SIGN, STORED, Local, read_local, type_and_mode
from glacier_backup.pack.unzip_state import Half, ZipState, read_zip_state, write_zip_state
from glacier_backup.pack.zip_header import CENTRAL_SIGN, END64_SIGN, END_SIGN

_AFTER_MEMBERS = (CENTRAL_SIGN, END64_SIGN, END_SIGN)
_PERMISSIONS = 0o777
"""Others, such as set-user-ID, are about the owner, whom this container doesn't know."""
_ENTRIES = 10_000
"""Of the directory, after which whoever unpacks is asked again."""


class ZipUnpacker:
    """Unpacks what our own writer makes, and what Python's zipfile and Info-ZIP do: stored or deflated, with sizes in
    front of the content or behind it. Read from front to end, for what comes from a server comes so.

    Nothing is ever made outside of the folder: names are taken apart, each component is opened from the one above it,
    and no link is followed. Owners aren't in it. Of two members of the same name the later one counts. The checksum of
    each file has to be right, and where all of the archive comes, what the directory at its end lists has to be what
    came.

    Other programs tell permissions, and which member is a link, in that directory alone: so these are given at the end,
    where all of the archive comes; until then, and of what is taken out of it by itself, files are their owner's alone,
    and a link is a file that has its target.
    """

    container: Container = "zip"

    def unpack(self, archive: ArchiveBytes, folder: int, order: UnpackOrder) -> Unpacking:
        """See :class:`glacier_backup.pack.unpacker.Unpacker`."""
        return ZipUnpacking(archive, folder, order)

    def position(self, checkpoint: str) -> int:
        """See :class:`glacier_backup.pack.unpacker.Unpacker`."""
        return read_zip_state(checkpoint).state.at


class ZipUnpacking:
    """One ZIP on its way into a folder."""

    def __init__(self, archive: ArchiveBytes, folder: int, order: UnpackOrder) -> None:
        comes_whole = order.start == 0 and order.whole
        begun = ZipState(State(order.start), Listed() if comes_whole else None)
        begun = begun if order.resume is None else read_zip_state(order.resume)
        self._begun: ZipState | None = begun
        """Where to begin; None as soon as that is done."""
        self._order = order
        self._wanted = None if order.wanted is None else os.fsencode(order.wanted)
        self._stream = Stream(archive, begun.state.at)
        self._notes = LeftOut(begun.state.lines, begun.state.everywhere)
        self._members = Members(self._stream, folder, self._notes, open_to_others=order.kind == "group")
        self._modes = ModeGiver(self._members.folders, self._notes)
        self._listed = begun.listed
        self._name = b""
        self._at = begun.state.at
        """Where the headers begin that were read last; or the directory."""
        self._again: int | None = None
        """Where to begin again instead of where the stream is: a member, or the directory, that can't be left half
        done."""
        self._half: Half | None = None
        self._is_over = False
        """Whether all of a member has come."""
        self._told = begun.state.at

    def __iter__(self) -> Iterator[Member | None]:
        """See :class:`glacier_backup.pack.unpacker.Unpacking`."""
        try:
            with translated(self._stream, self._where, lambda: self._name):
                yield from self._all()
        finally:
            self._members.folders.close()

    def checkpoint(self) -> str:
        """See :class:`glacier_backup.pack.unpacker.Unpacking`."""
        return write_zip_state(self._begun or self._state())

    @property
    def left_out(self) -> tuple[str, ...]:
        """See :class:`glacier_backup.pack.unpacker.Unpacking`."""
        return self._notes.told()

    def _state(self) -> ZipState:
        state = State(
            self._stream.position if self._again is None else self._again,
            tuple(self._members.folders.levels()),
            lines=tuple(self._notes.lines),
            everywhere=tuple(self._notes.everywhere.items()),
        )
        return ZipState(state, self._listed, self._half)

    def _all(self) -> Iterator[Member | None]:
        if self._begun is not None:
            half = self._begun.half
            self._members.folders.resume(self._begun.state.levels)
            self._begun = None
            if half is not None:
                yield from self._one(half.local, half)
        while (local := self._next()) is not None:
            self._name = local.name
            yield from self._one(local)
            self._name = b""
        yield from self._directory()
        self._members.folders.leave_all()

    def _next(self) -> Local | None:
        self._at = self._stream.position
        return read_local(self._stream)

    def _one(self, local: Local, half: Half | None = None) -> Iterator[Member | None]:
        is_wanted = self._is_wanted(local) if half is None else half.is_wanted
        if not is_wanted:
            yield from self._pass_over(local, half)
        elif half is not None or self._order.among is None:
            yield from self._made(local, half)
        else:
            yield from self._made_if_it_can_be(local)

    def _made(self, local: Local, half: Half | None = None) -> Iterator[Member | None]:
        head = _head(local)
        if local.mode & ~stat.S_IFMT(local.mode) & ~_PERMISSIONS:
            self._notes.note(os.fsdecode(head.name), "not set-user-ID or set-group-ID, for its owner isn't known")
        if head.type == "directory":
            yield from self._pass_over(local, half)
            self._members.directory(head)
        elif head.type == "symlink":
            head = head._replace(target=self._target(local))
            self._members.symlink(head)
        elif half is None and local.is_sized and local.method == STORED and self._stream.has(local.stored):
            self._small(local, head)
        else:
            size = yield from self._file(local, head, half)
            head = head._replace(size=size)
        yield _member(head)

    def _made_if_it_can_be(self, local: Local) -> Iterator[Member | None]:
        """Each of these was chosen by itself, so one whose name nothing can have here keeps no other from its own."""
        begin, self._is_over = self._stream.position, False
        try:
            yield from self._made(local)
        except OSError as error:
            if error.errno not in NO_NAME or not (self._is_over or self._stream.position == begin):
                raise
            self._half = self._again = None
            head = _head(local)
            self._notes.note(os.fsdecode(head.name), f"left out, for nothing can be called so there: {error.strerror}")
            if not self._is_over:
                yield from self._pass_over(local)
            yield _member(head)

    def _small(self, local: Local, head: Head) -> None:
        """A file whose content is in the stream's buffer."""
        stream = self._stream
        crc = crc32(stream.view[stream.at : stream.at + local.stored])
        if not local.is_streamed and crc != local.crc:
            raise BadField(WRONG)
        self._members.small_file(head)
        self._over(finished(stream, local, crc, local.size, local.stored))

    def _file(self, local: Local, head: Head, half: Half | None) -> Generator[None, None, int]:
        """Any file; its size."""
        content = content_of(self._stream, local, *((0, 0) if half is None else (half.done, half.crc)))
        can_go_on = local.is_sized and local.method == STORED
        self._again = None if can_go_on else local.offset
        for done in self._members.contained(head, content, content.count):
            self._half = Half(local, done, content.crc, is_wanted=True) if can_go_on else None
            yield None
        self._half = self._again = None
        self._over(finished(self._stream, local, content.crc, content.count, content.taken))
        return content.count

    def _target(self, local: Local) -> bytes:
        """What a link of ours leads to."""
        if not local.is_sized or local.method != STORED or local.size > LONGEST_TARGET:
            raise BadField("it is a link to nothing that could have a name")
        target = self._stream.take(local.size)
        self._over(finished(self._stream, local, crc32(target), local.size, local.stored))
        return target

    def _pass_over(self, local: Local, half: Half | None = None) -> Iterator[None]:
        """What nobody wants, or a directory has for content."""
        if not local.is_sized or (local.is_streamed and not local.mode):
            yield from self._read_over(local)
            return
        done = 0 if half is None else half.done
        while done < local.stored:
            done += len(self._stream.some(local.stored - done))
            if self._stream.position - self._told >= STEP:
                self._told = self._stream.position
                self._half = Half(local, done, 0, is_wanted=False)
                yield None
        self._half = None
        self._over(passed_over(self._stream, local))

    def _read_over(self, local: Local) -> Iterator[None]:
        """Only its content tells where it ends."""
        content, self._again = content_of(self._stream, local), local.offset
        while content.some(BUFFER):
            if self._stream.position - self._told >= STEP:
                self._told = self._stream.position
                yield None
        self._again = None
        self._over(finished(self._stream, local, content.crc, content.count, content.taken))

    def _over(self, local: Local) -> None:
        """All of a member has come."""
        self._is_over = True
        if self._listed is not None:
            self._listed = self._listed.with_one(local)

    def _directory(self) -> Iterator[None]:
        stream = self._stream
        self._at = stream.position
        if not stream.has(SIGN):
            if stream.has(1) or self._order.whole:
                raise ArchiveEnds
            return
        if bytes(stream.view[stream.at : stream.at + SIGN]) not in _AFTER_MEMBERS:
            raise BadField("nothing begins here that a ZIP has")
        self._again = self._at
        for number, one in enumerate(entries(stream, self._listed), 1):
            if not one.is_ours and one.mode and self._order.among is None and self._is_called_as_wanted(one.name):
                self._modes.give(_below(one.name), one.mode)
            if number % _ENTRIES == 0:
                yield None

    def _is_wanted(self, local: Local) -> bool:
        if self._order.among is not None:
            return self._order.among(local.offset)
        return self._is_called_as_wanted(local.name)

    def _is_called_as_wanted(self, name: bytes) -> bool:
        name = _below(name)
        if self._wanted is None:
            return name != b"."
        return name == self._wanted or name.startswith(self._wanted + b"/")

    def _where(self) -> str:
        if not self._name:
            return f"byte {self._at:,} of the archive"
        return f"{os.fsdecode(self._name)}, at byte {self._at:,} of the archive"


def _below(name: bytes) -> bytes:
    """Without what says nothing. Raises NotBelow."""
    return plain(name.rstrip(b"/") or name)


def _head(local: Local) -> Head:
    """As of a member of a tar. Raises NotBelow."""
    kind, mode = type_and_mode(local)
    name, size = _below(local.name), local.size if kind == "file" else 0
    return Head(name, kind, b"", local.stored, size, local.mtime_ns, mode & _PERMISSIONS, -1, -1, b"", local.offset)


def _member(head: Head) -> Member:
    target = os.fsdecode(head.target) if head.type == "symlink" else None
    return Member(os.fsdecode(head.name), head.type, head.size, head.mtime_ns, head.mode, head.offset, target)
