"""The members of a tar, or a ZIP, made below a folder."""

from __future__ import annotations

import errno
import os
import stat
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from typing import Protocol

from glacier_backup.pack.archive_stream import BUFFER, Stream
from glacier_backup.pack.attributes import Attributes, Giver, drop_acls
from glacier_backup.pack.below import (
    STEP,
    NoTarget,
    NotBelow,
    check_name,
    instead,
    left_file,
    new_file,
    plain,
    write_all,
)
from glacier_backup.pack.left_out import LeftOut
from glacier_backup.pack.untar_folders import Folders
from glacier_backup.pack.untar_heads import Head
from glacier_backup.units import KIB, MIB

_READ = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC
_CANNOT = (errno.EPERM, errno.ENOSYS, errno.EOPNOTSUPP)
"""What file systems say that have no links or FIFOs (link(2), symlink(2), mknod(2))."""
_CANNOT_LINK = (*_CANNOT, errno.EMLINK)
_NO_NAMES = (b"", b".", b"..")


_ZEROS = memoryview(bytes(BUFFER))
_HOLE = 64 * KIB
"""Bytes that are worth one."""


class Content(Protocol):
    """What is in a file."""

    def some(self, most: int) -> memoryview:
        """From 1 to ``most`` bytes, good until the next step; none at the end."""
        ...


class Members:
    """Makes one after the other. All raise NotBelow, what reading the stream raises, and OSError."""

    def __init__(self, stream: Stream, folder: int, notes: LeftOut, *, open_to_others: bool) -> None:
        """The last one as of :class:`Folders`."""
        self._stream = stream
        self._notes = notes
        self._giver = Giver(notes)
        self.folders = Folders(folder, self._giver.give, open_to_others=open_to_others)

    def small_file(self, head: Head) -> None:
        """A file whose content is in the stream's buffer."""
        stream, size = self._stream, head.stored
        descriptor = new_file(self._base(head.name), self.folders.descriptor)
        try:
            if size:
                at = stream.at
                stream.at = at + size
                write_all(descriptor, stream.view[at : at + size])
            if self.folders.inherits:
                drop_acls(descriptor)
            self._giver.give(descriptor, head.name, head)
        finally:
            os.close(descriptor)

    def file(self, head: Head, done: int) -> Iterator[int]:
        """Any file, of whose content ``done`` bytes are there already; says now and then how many."""
        extents = ((0, head.stored),) if head.extents is None else head.extents
        base = self._base(head.name)
        with self._opened(base, done, done if head.extents is None else 0) as descriptor:
            yield from _pour(self._stream, descriptor, extents, done)
            os.ftruncate(descriptor, head.size)
            if self.folders.inherits:
                drop_acls(descriptor)
            self._giver.give(descriptor, head.name, head)

    def contained(self, head: Head, content: Content, done: int) -> Iterator[int]:
        """Likewise, of what ``content`` tells until there is no more. Many zeros in a row become a hole."""
        with self._opened(self._base(head.name), done, done) as descriptor:
            os.lseek(descriptor, done, os.SEEK_SET)
            told = done
            while piece := content.some(BUFFER):
                if len(piece) >= _HOLE and piece == _ZEROS[: len(piece)]:
                    os.lseek(descriptor, len(piece), os.SEEK_CUR)
                else:
                    write_all(descriptor, piece)
                done += len(piece)
                if done - told >= STEP:
                    _grow(descriptor, done)
                    yield (told := done)
            os.ftruncate(descriptor, done)
            if self.folders.inherits:
                drop_acls(descriptor)
            self._giver.give(descriptor, head.name, head)

    def directory(self, head: Head) -> None:
        attributes = Attributes(head.mtime_ns, head.mode, head.uid, head.gid, head.attributes)
        self.folders.make(head.name, attributes)

    def symlink(self, head: Head) -> None:
        base, target = self._base(head.name), head.target
        if not target or b"\0" in target:
            raise NotBelow("it is a link to nothing that could have a name")
        folder = self.folders.descriptor
        try:
            instead(lambda: os.symlink(target, base, dir_fd=folder), base, folder)
        except OSError as error:
            self._cannot(head, error)
        else:
            self._giver.give_link(folder, base, head.name, head)

    def fifo(self, head: Head) -> None:
        base, folder = self._base(head.name), self.folders.descriptor
        try:
            instead(lambda: os.mkfifo(base, 0o600, dir_fd=folder), base, folder)
        except OSError as error:
            self._cannot(head, error)
            return
        descriptor = os.open(base, _READ, dir_fd=folder)
        try:
            if self.folders.inherits:
                drop_acls(descriptor)
            self._giver.give(descriptor, head.name, head)
        finally:
            os.close(descriptor)

    def hard_link(self, head: Head) -> None:
        """Another name of a member that is there; where that can't be, a copy."""
        base, folder = self._base(head.name), self.folders.descriptor
        above, _, name = plain(head.target).rpartition(b"/")
        check_name(name)
        try:
            with self.folders.reached(above) as there:
                self._link(head, base, folder, name, there)
        except FileNotFoundError:
            raise NoTarget(f"it is a link to {os.fsdecode(head.target)}, which is not there") from None

    def _link(self, head: Head, base: bytes, folder: int, name: bytes, there: int) -> None:
        def link() -> None:
            os.link(name, base, src_dir_fd=there, dst_dir_fd=folder, follow_symlinks=False)

        found = os.stat(name, dir_fd=there, follow_symlinks=False)
        if stat.S_ISDIR(found.st_mode):
            raise NotBelow("it is a link to a directory")
        if plain(head.target) == head.name:
            raise NotBelow("it is a link to itself")
        try:
            instead(link, base, folder)
        except OSError as error:
            if error.errno not in _CANNOT_LINK or not stat.S_ISREG(found.st_mode):
                raise
            self._copy(head, base, folder, name, there)

    def _copy(self, head: Head, base: bytes, folder: int, name: bytes, there: int) -> None:
        source = os.open(name, _READ, dir_fd=there)
        try:
            copy = new_file(base, folder)
            try:
                while data := os.read(source, MIB):
                    write_all(copy, memoryview(data))
                self._giver.give(copy, head.name, head)
            finally:
                os.close(copy)
        finally:
            os.close(source)
        self._notes.count("hard links came back as copies: the file system can't link them")

    def device(self, head: Head) -> None:
        """Devices give access to what is outside of any folder."""
        self._notes.note(os.fsdecode(head.name), "left out, for it is a device")

    def other(self, head: Head) -> None:
        """Of types that are nobody's standard."""
        self._notes.note(os.fsdecode(head.name), f"left out, for nobody knows what it is (type {head.flag!r})")

    def _base(self, name: bytes) -> bytes:
        """The last component of ``name``; the directory that leads to it is the one that is worked in then."""
        above, _, base = name.rpartition(b"/")
        if base in _NO_NAMES or b"\0" in base:
            check_name(base)
        if above != self.folders.path:
            self.folders.enter(above)
        return base

    @contextmanager
    def _opened(self, base: bytes, done: int, least: int) -> Iterator[int]:
        folder = self.folders.descriptor
        descriptor = left_file(base, folder, least) if done else new_file(base, folder)
        try:
            yield descriptor
        finally:
            os.close(descriptor)

    def _cannot(self, head: Head, error: OSError) -> None:
        """Leave it out where the file system has no such thing."""
        if error.errno not in _CANNOT:
            raise error
        self._notes.note(os.fsdecode(head.name), f"left out, for this file system has no {head.type}s")


def _grow(descriptor: int, least: int) -> None:
    """So that it can be seen how far the file is."""
    if os.fstat(descriptor).st_size < least:
        os.ftruncate(descriptor, least)


def _pour(stream: Stream, descriptor: int, extents: Iterable[tuple[int, int]], done: int) -> Iterator[int]:
    """Write what follows in the stream to where it belongs; ``done`` bytes of it are written."""
    told, before = done, 0
    for offset, length in extents:
        begin = max(0, done - before)
        before += length
        if begin >= length:
            continue
        os.lseek(descriptor, offset + begin, os.SEEK_SET)
        left = length - begin
        while left:
            piece = stream.some(left)
            write_all(descriptor, piece)
            left -= len(piece)
            done += len(piece)
            if done - told >= STEP:
                yield (told := done)
