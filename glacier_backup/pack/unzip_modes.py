"""What other programs tell of a ZIP's members only at its end: permissions, and which of them are links."""

from __future__ import annotations

import os
import stat

from glacier_backup.pack.below import check_name, instead, set_mode
from glacier_backup.pack.left_out import LeftOut
from glacier_backup.pack.untar_folders import Folders

_PERMISSIONS = 0o777
_LONGEST_TARGET = 4096
"""Bytes that a link may lead to (``PATH_MAX``)."""
_READ = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC
_HANDLE: int = getattr(os, "O_PATH", os.O_RDONLY) | os.O_NOFOLLOW | os.O_CLOEXEC


class ModeGiver:
    """Gives what has been made already what it is to have. A second time does no harm."""

    def __init__(self, folders: Folders, notes: LeftOut) -> None:
        self._folders = folders
        self._notes = notes

    def give(self, name: bytes, mode: int) -> None:
        """Type and permissions, to what lies at ``name`` below the folder. Raises NotBelow and OSError."""
        above, _, base = name.rpartition(b"/")
        check_name(base)
        if above != self._folders.path:
            self._folders.enter(above)
        folder = self._folders.descriptor
        try:
            found = os.stat(base, dir_fd=folder, follow_symlinks=False)
        except FileNotFoundError:
            return
        if stat.S_ISLNK(mode):
            if stat.S_ISREG(found.st_mode):
                self._link(name, base, folder, found)
        elif stat.S_ISREG(found.st_mode) or stat.S_ISDIR(found.st_mode):
            _set_mode(base, folder, mode & _PERMISSIONS)

    def _link(self, name: bytes, base: bytes, folder: int, found: os.stat_result) -> None:
        """In place of a file that has its target."""
        target = _read(base, folder) if found.st_size <= _LONGEST_TARGET else b""
        if not target or b"\0" in target:
            self._notes.note(os.fsdecode(name), "came back as a file: it is a link to nothing that could have a name")
            return
        instead(lambda: os.symlink(target, base, dir_fd=folder), base, folder)
        os.utime(base, ns=(found.st_atime_ns, found.st_mtime_ns), dir_fd=folder, follow_symlinks=False)


def _read(base: bytes, folder: int) -> bytes:
    descriptor = os.open(base, _READ, dir_fd=folder)
    try:
        return os.read(descriptor, _LONGEST_TARGET)
    finally:
        os.close(descriptor)


def _set_mode(base: bytes, folder: int, mode: int) -> None:
    handle = os.open(base, _HANDLE, dir_fd=folder)
    try:
        set_mode(handle, mode)
    finally:
        os.close(handle)
