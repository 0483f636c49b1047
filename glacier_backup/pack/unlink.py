"""The stored target of a symlink, back into a symlink."""

from __future__ import annotations

import os
from collections.abc import Iterator

from glacier_backup.errors import DamageFound, TargetError
from glacier_backup.model.archive import Container, Member
from glacier_backup.pack.archive_stream import ArchiveFails, Stream
from glacier_backup.pack.attributes import Attributes, Giver
from glacier_backup.pack.below import NotBelow, check_name, instead
from glacier_backup.pack.left_out import LeftOut
from glacier_backup.pack.unpacker import ArchiveBytes, Unpacking, UnpackOrder

_MODE = 0o777
"""Links have no permissions of their own."""
_LONGEST = 4096
"""Bytes that no target exceeds (``PATH_MAX``)."""


class LinkUnpacker:
    """Makes the link, whatever it points to, in place of what has its name."""

    container: Container = "raw"

    def unpack(self, archive: ArchiveBytes, folder: int, order: UnpackOrder) -> Unpacking:
        """See :class:`glacier_backup.pack.unpacker.Unpacker`. ``wanted`` and ``mode`` have no meaning here."""
        return LinkUnpacking(archive, folder, order)

    def position(self, checkpoint: str) -> int:
        """See :class:`glacier_backup.pack.unpacker.Unpacker`. There is no half of a link."""
        return 0


class LinkUnpacking:
    """One link in the making."""

    def __init__(self, archive: ArchiveBytes, folder: int, order: UnpackOrder) -> None:
        self._stream = Stream(archive, 0)
        self._folder = folder
        self._order = order
        self._notes = LeftOut()

    def __iter__(self) -> Iterator[Member | None]:
        """See :class:`glacier_backup.pack.unpacker.Unpacking`."""
        try:
            yield self._made(os.fsencode(self._order.name))
        except NotBelow as error:
            raise DamageFound(f"{self._order.name}: {error}") from error
        except ArchiveFails as failed:
            raise failed.error from None
        except OSError as error:
            raise TargetError(f"{self._order.name}: {error.strerror or error}") from error

    def checkpoint(self) -> str:
        """See :class:`glacier_backup.pack.unpacker.Unpacking`."""
        return ""

    @property
    def left_out(self) -> tuple[str, ...]:
        """See :class:`glacier_backup.pack.unpacker.Unpacking`."""
        return self._notes.told()

    def _made(self, name: bytes) -> Member:
        check_name(name)
        order, target, folder = self._order, self._target(), self._folder
        instead(lambda: os.symlink(target, name, dir_fd=folder), name, folder)
        mtime_ns = order.mtime_ns
        if mtime_ns is None:
            mtime_ns = os.stat(name, dir_fd=folder, follow_symlinks=False).st_mtime_ns
        else:
            Giver(self._notes).give_link(folder, name, name, Attributes(mtime_ns, _MODE))
        return Member(order.name, "symlink", 0, mtime_ns, _MODE, 0, os.fsdecode(target))

    def _target(self) -> bytes:
        if self._stream.has(_LONGEST):
            raise NotBelow(f"no link points to a name of {_LONGEST:,} bytes or more")
        target = self._stream.take(self._stream.end)
        if not target or b"\0" in target:
            raise NotBelow("it is a link to nothing that could have a name")
        return target
