"""Whether a file system can be believed when it says how much of a file is holes.

GNU tar with ``--sparse`` doesn't read a file whose ``st_blocks`` is 0: it stores a hole (``src/sparse.c``,
``sparse_scan_file_wholesparse``). A file system that doesn't fill in that field, as many in FUSE and some on
networks don't, would lose the content of every file of 512 bytes or more, without a word. So holes are looked
for only where Linux counts blocks itself; elsewhere they are sent as the zeros that they read as.
"""

from __future__ import annotations

import os
import re
from pathlib import Path

_COUNTED = frozenset(
    b"ext2 ext3 ext4 xfs btrfs zfs f2fs jfs reiserfs nilfs2 ubifs jffs2 vfat msdos exfat iso9660 udf squashfs erofs"
    b" tmpfs ramfs overlay"
    # These hold no data of anyone's; below / they are met all the same.
    b" proc sysfs devtmpfs devpts cgroup cgroup2 mqueue securityfs debugfs tracefs configfs pstore bpf binfmt_misc"
    b" efivarfs hugetlbfs rpc_pipefs nsfs fusectl selinuxfs".split()
)
_TABLE = Path("/proc/self/mountinfo")
_OCTAL = re.compile(rb"\\([0-7]{3})")


def blocks_are_counted(path: str) -> bool:
    """Whether ``st_blocks`` of every file at and below ``path`` is true; no where the system doesn't tell."""
    try:
        table = _TABLE.read_bytes()
    except OSError:
        return False
    kinds = file_systems(os.path.realpath(os.fsencode(path)), table)
    return bool(kinds) and kinds <= _COUNTED


def file_systems(path: bytes, table: bytes) -> set[bytes]:
    """The types of the file system that holds ``path``, which has no symlinks in it, and of all mounted below.

    ``table`` is in the format of ``/proc/self/mountinfo`` (proc(5)): the fifth field is the mount point, the
    type follows a lone hyphen.
    """
    below: set[bytes] = set()
    holder, holds = b"", b""
    for line in table.splitlines():
        mount, _, rest = line.partition(b" - ")
        point = _OCTAL.sub(lambda match: bytes([int(match[1], 8)]), mount.split(b" ")[4])
        kind = rest.partition(b" ")[0]
        if _is_at_or_below(path, point) and len(point) >= len(holder):  # of two on one point the later is seen
            holder, holds = point, kind
        elif _is_at_or_below(point, path):
            below.add(kind)
    return below | {holds} if holder else set()


def _is_at_or_below(path: bytes, folder: bytes) -> bool:
    return path == folder or path.startswith(folder.rstrip(b"/") + b"/")
