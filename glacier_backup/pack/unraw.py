"""A raw container, back into the file that it is."""

from __future__ import annotations

import os
import stat
from collections.abc import Iterator

from glacier_backup.errors import DamageFound, TargetError
from glacier_backup.model.archive import Container, Member
from glacier_backup.pack.archive_stream import BUFFER, ArchiveFails, Stream
from glacier_backup.pack.attributes import Attributes, Giver, drop_acls, inherits_acl
from glacier_backup.pack.below import STEP, NotBelow, check_name, left_file, new_file, write_all
from glacier_backup.pack.left_out import LeftOut
from glacier_backup.pack.unpacker import ArchiveBytes, Unpacking, UnpackOrder

_ZEROS = bytes(BUFFER)
_PERMISSIONS = 0o777
"""Others, such as set-user-ID, are about the owner, whom this container doesn't know."""
_LIKE_ANY_OTHER = 0o666
"""The mode of a new file of which none is known; the process's umask takes from it."""


class RawUnpacker:
    """Writes the one file, with the permissions and the time that the order tells; in place of what has its name."""

    container: Container = "raw"

    def unpack(self, archive: ArchiveBytes, folder: int, order: UnpackOrder) -> Unpacking:
        """See :class:`glacier_backup.pack.unpacker.Unpacker`. ``wanted`` has no meaning here."""
        return RawUnpacking(archive, folder, order)

    def position(self, checkpoint: str) -> int:
        """See :class:`glacier_backup.pack.unpacker.Unpacker`. The checkpoint is the position itself."""
        return _position(checkpoint)


class RawUnpacking:
    """One file in the making. Each MiB that is all zeros becomes a hole."""

    def __init__(self, archive: ArchiveBytes, folder: int, order: UnpackOrder) -> None:
        self._folder = folder
        self._order = order
        self._done = 0 if order.resume is None else _position(order.resume)
        self._stream = Stream(archive, self._done)
        self._notes = LeftOut()

    def __iter__(self) -> Iterator[Member | None]:
        """See :class:`glacier_backup.pack.unpacker.Unpacking`."""
        name = os.fsencode(self._order.name)
        try:
            check_name(name)
            descriptor = self._opened(name)
            try:
                yield from self._poured(descriptor)
                yield self._finished(descriptor)
            finally:
                os.close(descriptor)
        except NotBelow as error:
            raise DamageFound(f"{self._order.name}: {error}") from error
        except ArchiveFails as failed:
            raise failed.error from None
        except OSError as error:
            raise TargetError(f"{self._order.name}: {error.strerror or error}") from error

    def checkpoint(self) -> str:
        """See :class:`glacier_backup.pack.unpacker.Unpacking`."""
        return str(self._done)

    @property
    def left_out(self) -> tuple[str, ...]:
        """See :class:`glacier_backup.pack.unpacker.Unpacking`."""
        return self._notes.told()

    def _opened(self, name: bytes) -> int:
        if self._done:
            return left_file(name, self._folder, self._done)
        return new_file(name, self._folder, _LIKE_ANY_OTHER if self._order.mode is None else 0o600)

    def _poured(self, descriptor: int) -> Iterator[None]:
        stream, told = self._stream, self._done
        os.lseek(descriptor, self._done, os.SEEK_SET)
        while stream.has(1):
            piece = stream.some(BUFFER)
            if len(piece) == BUFFER and stream.buffer == _ZEROS:
                os.lseek(descriptor, BUFFER, os.SEEK_CUR)
            else:
                write_all(descriptor, piece)
            self._done += len(piece)
            if self._done - told >= STEP:
                told = self._done
                if os.fstat(descriptor).st_size < told:  # so that it can be seen how far it is
                    os.ftruncate(descriptor, told)
                yield None
        os.ftruncate(descriptor, self._done)

    def _finished(self, descriptor: int) -> Member:
        order, name = self._order, os.fsencode(self._order.name)
        found = os.fstat(descriptor)
        mode = stat.S_IMODE(found.st_mode) if order.mode is None else order.mode & _PERMISSIONS
        mtime_ns = found.st_mtime_ns if order.mtime_ns is None else order.mtime_ns
        if (order.mode or 0) & ~_PERMISSIONS:
            self._notes.note(order.name, "not set-user-ID or set-group-ID, for its owner isn't known")
        if order.mode is not None and inherits_acl(self._folder):
            drop_acls(descriptor)
        Giver(self._notes).give(descriptor, name, Attributes(mtime_ns, mode))
        return Member(order.name, "file", self._done, mtime_ns, mode, 0, None)


def _position(checkpoint: str) -> int:
    if checkpoint.isdecimal():
        return int(checkpoint)
    raise TargetError(
        f"the note of how far unpacking was can't be read: {checkpoint[:80]!r}",
        hint="remove what has been restored so far, and restore it again",
    )
