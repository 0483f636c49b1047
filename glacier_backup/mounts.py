"""Which file system a path lies on, as Linux tells in ``/proc/self/mountinfo`` (proc(5)).

In each line the third field is the device, the fifth the mount point; the type follows a lone hyphen. Of two on one
point the later is seen.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

_KERNEL = """
    proc sysfs devtmpfs devpts cgroup cgroup2 mqueue securityfs debugfs tracefs configfs pstore bpf binfmt_misc
    efivarfs hugetlbfs rpc_pipefs nsfs fusectl selinuxfs
"""
VIRTUAL = frozenset(_KERNEL.split())
"""Types of file systems by which the kernel shows itself: they hold no data of anyone's."""

_TABLE = Path("/proc/self/mountinfo")
_ESCAPED = re.compile(rb"[ \t\n\\]")
_OCTAL = re.compile(rb"\\([0-7]{3})")


class _Mount(NamedTuple):
    point: bytes
    kind: str
    device: int = 0
    """As ``st_dev`` has it."""


def mount_table() -> bytes:
    """The table of all mounts as it is now; empty where the system keeps none."""
    try:
        return _TABLE.read_bytes()
    except OSError:
        return b""


def file_system(path: str, table: bytes) -> str | None:
    """The type of the file system that holds ``path``, wherever its symlinks lead; None where the table doesn't tell.

    FUSE says what it serves: ``fuse.sshfs``.
    """
    return _holder(os.path.realpath(os.fsencode(path)), table).kind or None


def file_systems(path: str, table: bytes) -> set[str]:
    """The types of the file system that holds ``path`` and of all that are mounted below it; none where the table
    doesn't tell."""
    real = os.path.realpath(os.fsencode(path))
    holder = _holder(real, table)
    below = {mount.kind for mount in _mounts(table) if mount.point != real and _is_at_or_below(mount.point, real)}
    return below | {holder.kind} if holder.point else set()


def virtual_below(path: str, table: bytes) -> dict[bytes, int]:
    """Where below the real path of ``path`` file systems of :data:`VIRTUAL` types are mounted, and the ``st_dev`` of
    each. What is hidden by another mount isn't among them."""
    real = os.path.realpath(os.fsencode(path))
    start = _ESCAPED.sub(lambda match: b"\\%03o" % ord(match[0]), real.rstrip(b"/") + b"/")
    found: dict[bytes, int] = {}
    for mount in _mounts(table) if b" " + start in table else ():
        if mount.point != real and _is_at_or_below(mount.point, real):
            found.pop(mount.point, None)
            if mount.kind in VIRTUAL:
                found[mount.point] = mount.device
    return {point: device for point, device in found.items() if _device(point) == device}


def mount_point(path: str, table: bytes) -> str:
    """Where the file system is mounted that holds ``path``; empty where the table doesn't tell."""
    return os.fsdecode(_holder(os.path.realpath(os.fsencode(path)), table).point)


def _holder(path: bytes, table: bytes) -> _Mount:
    holder = _Mount(b"", "")
    for mount in _mounts(table):
        if _is_at_or_below(path, mount.point) and len(mount.point) >= len(holder.point):
            holder = mount
    return holder


def _mounts(table: bytes) -> Iterator[_Mount]:
    for line in table.splitlines():
        mount, _, rest = line.partition(b" - ")
        fields = mount.split(b" ")
        point = _OCTAL.sub(lambda match: bytes([int(match[1], 8)]), fields[4])
        major, _, minor = fields[2].partition(b":")
        yield _Mount(point, os.fsdecode(rest.partition(b" ")[0]), os.makedev(int(major), int(minor)))


def _is_at_or_below(path: bytes, folder: bytes) -> bool:
    return path == folder or path.startswith(folder.rstrip(b"/") + b"/")


def _device(point: bytes) -> int | None:
    try:
        return os.lstat(point).st_dev
    except OSError:
        return None
