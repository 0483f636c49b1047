"""A stream of a ZFS dataset into a file: what is in it takes ``zfs receive``."""

from __future__ import annotations

from dataclasses import replace

from glacier_backup.model.archive import Container
from glacier_backup.pack.unpacker import ArchiveBytes, Unpacking, UnpackOrder
from glacier_backup.pack.unraw import RawUnpacker

_OWNERS_ALONE = 0o600


class ZfsUnpacker(RawUnpacker):
    """Writes the stream as the one file that it is, for ``zfs receive``; in place of what has its name.

    It is for its owner alone unless the order has a mode: all that is in the dataset can be read out of it, whoever may
    read the single files.
    """

    container: Container = "zfs"

    def unpack(self, archive: ArchiveBytes, folder: int, order: UnpackOrder) -> Unpacking:
        """See :class:`glacier_backup.pack.unpacker.Unpacker`. ``wanted`` has no meaning here."""
        mode = _OWNERS_ALONE if order.mode is None else order.mode
        return super().unpack(archive, folder, replace(order, mode=mode))
