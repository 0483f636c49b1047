"""The unpackers there are: a new container is one file and one line here, beside its packer in the registry."""

from __future__ import annotations

from glacier_backup.model.archive import Container
from glacier_backup.pack.unlink import LinkUnpacker
from glacier_backup.pack.unpacker import Unpacker
from glacier_backup.pack.unraw import RawUnpacker
from glacier_backup.pack.untar import TarUnpacker
from glacier_backup.pack.unzfs import ZfsUnpacker
from glacier_backup.pack.unzip import ZipUnpacker

UNPACKERS: dict[Container, Unpacker] = {
    "raw": RawUnpacker(),
    "tar": TarUnpacker(),
    "zip": ZipUnpacker(),
    "zfs": ZfsUnpacker(),
}

LINK_UNPACKER: Unpacker = LinkUnpacker()
"""For archives of candidates that are links."""
