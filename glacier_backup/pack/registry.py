"""The packers and unpackers there are: a new container is one file and one line here for each."""

from __future__ import annotations

from collections.abc import Callable

from glacier_backup.model.archive import Container
from glacier_backup.model.contents import Contents
from glacier_backup.pack.group import GroupPacker
from glacier_backup.pack.link import LinkPacker
from glacier_backup.pack.packer import Packer
from glacier_backup.pack.raw import RawPacker
from glacier_backup.pack.tar import TarPacker
from glacier_backup.pack.unlink import LinkUnpacker
from glacier_backup.pack.unpacker import Unpacker
from glacier_backup.pack.unraw import RawUnpacker
from glacier_backup.pack.untar import TarUnpacker
from glacier_backup.pack.unzfs import ZfsUnpacker
from glacier_backup.pack.unzip import ZipUnpacker
from glacier_backup.pack.zip import ZipPacker

PACKERS: dict[Container, Packer] = {
    "raw": RawPacker(),
    "tar": TarPacker(),
}

UNPACKERS: dict[Container, Unpacker] = {
    "raw": RawUnpacker(),
    "tar": TarUnpacker(),
    "zip": ZipUnpacker(),
    "zfs": ZfsUnpacker(),
}

LINKS: Packer = LinkPacker()
"""For candidates that are links, which go into a ``raw`` container too; that one's packer would follow them."""


def group_packer(contents: Contents) -> Packer:
    """For candidates that are groups: a ``zip`` for those that go by a prefix, a ``tar`` for packs."""
    return GroupPacker(contents) if contents.prefix is None else ZipPacker(contents)


GROUPS: Callable[[Contents], Packer] = group_packer

LINK_UNPACKER: Unpacker = LinkUnpacker()
"""For archives of such candidates."""
