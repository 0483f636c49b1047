"""The packers there are: a new container is one file and one function here, which loads it when it is first needed. The
unpackers are in :mod:`glacier_backup.pack.unpackers`."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from glacier_backup.model.archive import Container
from glacier_backup.model.contents import Contents
from glacier_backup.on_use import MadeOnUse
from glacier_backup.pack.link import LinkPacker
from glacier_backup.pack.packer import Packer


def _raw() -> Packer:
    from glacier_backup.pack.raw import RawPacker

    return RawPacker()


def _tar() -> Packer:
    from glacier_backup.pack.tar import TarPacker

    return TarPacker()


PACKERS: Mapping[Container, Packer] = MadeOnUse({"raw": _raw, "tar": _tar})

LINKS: Packer = LinkPacker()
"""For candidates that are links, which go into a ``raw`` container too; that one's packer would follow them."""


def group_packer(contents: Contents) -> Packer:
    """For candidates that are groups: a ``zip`` for those that go by a prefix, a ``tar`` for packs."""
    if contents.prefix is None:
        from glacier_backup.pack.group import GroupPacker

        return GroupPacker(contents)
    from glacier_backup.pack.zip import ZipPacker

    return ZipPacker(contents)


GROUPS: Callable[[Contents], Packer] = group_packer
