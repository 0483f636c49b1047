"""The packers there are: a new container is one file and one line here."""

from __future__ import annotations

from glacier_backup.model.archive import Container
from glacier_backup.pack.link import LinkPacker
from glacier_backup.pack.packer import Packer
from glacier_backup.pack.raw import RawPacker
from glacier_backup.pack.tar import TarPacker

PACKERS: dict[Container, Packer] = {
    "raw": RawPacker(),
    "tar": TarPacker(),
}

LINKS: Packer = LinkPacker()
"""For candidates that are links, which go into a ``raw`` container too; that one's packer would follow them."""
