"""Which file system a path lies on, as Linux tells in ``/proc/self/mountinfo`` (proc(5)).

In each line the fifth field is the mount point; the type follows a lone hyphen. Of two on one point the later is seen.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

_TABLE = Path("/proc/self/mountinfo")
_OCTAL = re.compile(rb"\\([0-7]{3})")


class _Mount(NamedTuple):
    point: bytes
    kind: str


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
        point = _OCTAL.sub(lambda match: bytes([int(match[1], 8)]), mount.split(b" ")[4])
        yield _Mount(point, os.fsdecode(rest.partition(b" ")[0]))


def _is_at_or_below(path: bytes, folder: bytes) -> bool:
    return path == folder or path.startswith(folder.rstrip(b"/") + b"/")
