"""Which container a candidate goes into."""

from __future__ import annotations

from glacier_backup.model.archive import Container
from glacier_backup.model.candidate import Kind
from glacier_backup.model.contents import Contents


def container_for(kind: Kind, size: int, least: int, contents: Contents | None = None) -> Container:
    """``tar`` for a directory and a pack, ``zip`` for a group that goes by a prefix, as its ``contents`` tell, ``raw``
    for a file of ``size`` bytes, ``zfs`` for a dataset.

    An empty file goes into a tar of one member where the destination takes no archive of 0 bytes (``least`` > 0).
    """
    if contents is not None and contents.prefix is not None:
        return "zip"
    if kind == "dataset":
        return "zfs"
    if kind in ("directory", "group") or (size == 0 and least > 0):
        return "tar"
    return "raw"
