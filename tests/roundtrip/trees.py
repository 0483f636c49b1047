"""What a tree is like, looked at with nothing of the program: equal looks mean that it came back as it was."""

from __future__ import annotations

import errno
import hashlib
import os
import stat
from pathlib import Path
from typing import NamedTuple


class Looks(NamedTuple):
    """One file, directory, link or FIFO."""

    type: str
    """As ``ls -l`` has it: ``-``, ``d``, ``l``, ``p`` …"""
    mode: int
    """Permission bits; of links always 0."""
    mtime_ns: int
    uid: int
    gid: int
    size: int
    """Of a regular file, holes and all."""
    content: str
    """SHA-256 of it."""
    target: str
    """Of a symlink."""
    attributes: tuple[tuple[str, bytes], ...]
    """Extended ones, with ACLs."""
    same_as: str
    """The first of the names below the top that a file has."""
    device: int


def look(top: Path) -> dict[str, Looks]:
    """Everything at and below ``top`` by relative path, ``.`` for itself. Nothing is changed but times of access."""
    found: dict[str, Looks] = {}
    first_of: dict[tuple[int, int], str] = {}
    waiting = [(os.fsencode(top), ".")]
    while waiting:
        path, name = waiting.pop(0)
        status = os.lstat(path)
        first = first_of.setdefault((status.st_dev, status.st_ino), name)
        found[name] = _looks(path, status, first)
        if stat.S_ISDIR(status.st_mode):
            for child in sorted(os.listdir(path)):
                text = os.fsdecode(child)
                waiting.append((path + b"/" + child, text if name == "." else f"{name}/{text}"))
    return found


def room_taken(path: Path) -> int:
    """Bytes of disk: fewer than the size where a file has holes."""
    return path.stat().st_blocks * 512


def _looks(path: bytes, status: os.stat_result, first: str) -> Looks:
    is_file, is_link = stat.S_ISREG(status.st_mode), stat.S_ISLNK(status.st_mode)
    return Looks(
        stat.filemode(status.st_mode)[0],
        0 if is_link else stat.S_IMODE(status.st_mode),
        status.st_mtime_ns,
        status.st_uid,
        status.st_gid,
        status.st_size if is_file else 0,
        _digest(path) if is_file else "",
        os.fsdecode(os.readlink(path)) if is_link else "",
        _attributes(path),
        first,
        status.st_rdev,
    )


def _attributes(path: bytes) -> tuple[tuple[str, bytes], ...]:
    try:
        names = sorted(os.listxattr(path, follow_symlinks=False))
    except OSError as error:
        if error.errno == errno.ENOTSUP:  # the whole file system has none
            return ()
        raise
    return tuple((name, os.getxattr(path, name, follow_symlinks=False)) for name in names)


def _digest(path: bytes) -> str:
    with open(path, "rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
