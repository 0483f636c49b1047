"""Whether a file system can be believed when it says how much of a file is holes.

GNU tar with ``--sparse`` doesn't read a file whose ``st_blocks`` is 0: it stores a hole (``src/sparse.c``,
``sparse_scan_file_wholesparse``). A file system that doesn't fill in that field, as many in FUSE and some on
networks don't, would lose the content of every file of 512 bytes or more, without a word. So holes are looked
for only where Linux counts blocks itself; elsewhere they are sent as the zeros that they read as.
"""

from __future__ import annotations

from glacier_backup.mounts import VIRTUAL, file_systems, mount_table

_COUNTED = """
    ext2 ext3 ext4 xfs btrfs zfs f2fs jfs reiserfs nilfs2 ubifs jffs2 vfat msdos exfat iso9660 udf squashfs erofs
    tmpfs ramfs overlay
"""


def blocks_are_counted(path: str) -> bool:
    """Whether ``st_blocks`` of every file at and below ``path`` is true; no where the system doesn't tell."""
    kinds = file_systems(path, mount_table())
    return bool(kinds) and kinds <= {*_COUNTED.split(), *VIRTUAL}
