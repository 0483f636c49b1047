"""Names below a folder, and making things there: new ones always, never through what bears the name already."""

from __future__ import annotations

import errno
import os
import stat
from collections.abc import Callable

from glacier_backup.errors import TargetError
from glacier_backup.units import MIB

MOST_DEEP = 4096
"""Directories below one another; paths that the system takes in one piece (``PATH_MAX``) have fewer."""

STEP = 16 * MIB
"""Bytes after which whoever unpacks is asked again."""

NO_NAME = (errno.ENAMETOOLONG, errno.EINVAL, errno.EILSEQ)
"""What file systems say of a name that nothing can have on them (path_resolution(7); exFAT, NTFS and shares)."""

_WRITE = os.O_WRONLY | os.O_NOFOLLOW | os.O_CLOEXEC
_NEW = _WRITE | os.O_CREAT | os.O_EXCL
_LEFT = _WRITE | os.O_NONBLOCK  # a FIFO must not make us wait for a reader
_HANDLE: int = getattr(os, "O_PATH", os.O_RDONLY) | os.O_NOFOLLOW | os.O_CLOEXEC
_HAS_HANDLES = hasattr(os, "O_PATH")


class NotBelow(ValueError):
    """What can't be made below the folder. ``str()`` says why, and follows the member's name and a colon."""


class NoTarget(NotBelow):
    """A hard link to what isn't there."""


def plain(path: bytes) -> bytes:
    """``path`` without components that say nothing: ``./a//b`` is ``a/b``; ``.`` is the folder itself.

    Raises NotBelow for an absolute one.
    """
    if path.startswith(b"/"):
        raise NotBelow("it has an absolute name, or is a link to one")
    if b"//" not in path and not path.startswith(b"./") and b"/." not in path:
        return path
    return b"/".join(name for name in path.split(b"/") if name not in (b"", b".")) or b"."


def components(path: bytes) -> list[bytes]:
    """The names that ``path`` is made of. Raises NotBelow unless it is a plain relative path."""
    names = path.split(b"/")
    if len(names) > MOST_DEEP:
        raise NotBelow(f"it lies below more than {MOST_DEEP:,} directories")
    for name in names:
        check_name(name)
    return names


def check_name(name: bytes) -> None:
    """Raises NotBelow for what can't be one component of a path below the folder."""
    if name in (b"", b".", b"..") or b"\0" in name or b"/" in name:
        raise NotBelow("its name is not that of something below the target")


def instead(make: Callable[[], None], name: bytes, folder: int) -> None:
    """Call ``make``, and again after removing what has the ``name`` already. Raises NotBelow where it is a directory,
    and OSError."""
    try:
        make()
    except FileExistsError:
        _remove(name, folder)
        make()


def new_file(name: bytes, folder: int, mode: int = 0o600) -> int:
    """A file opened for writing, in place of whatever had its name. Raises NotBelow and OSError."""
    try:
        return os.open(name, _NEW, mode, dir_fd=folder)
    except FileExistsError:
        _remove(name, folder)
        return os.open(name, _NEW, mode, dir_fd=folder)


def left_file(name: bytes, folder: int, least: int) -> int:
    """The file that was left half written, or has been written since, with ``least`` bytes in it, opened for writing.

    Raises TargetError where there is none, and OSError.
    """
    try:
        descriptor = os.open(name, _LEFT, dir_fd=folder)
    except PermissionError:
        handle = os.open(name, _HANDLE, dir_fd=folder)
        try:
            if stat.S_ISREG(os.fstat(handle).st_mode):
                set_mode(handle, 0o600)
        finally:
            os.close(handle)
        descriptor = os.open(name, _LEFT, dir_fd=folder)
    found = os.fstat(descriptor)
    if stat.S_ISREG(found.st_mode) and found.st_size >= least:
        return descriptor
    os.close(descriptor)
    raise TargetError(
        f"{os.fsdecode(name)}: this isn't what was left there half written",
        hint="remove what has been restored so far, and restore it again",
    )


def write_all(descriptor: int, data: memoryview) -> None:
    """All of ``data``, in as many steps as it takes. Raises OSError."""
    while (written := os.write(descriptor, data)) < len(data):
        data = data[written:]


def set_mode(handle: int, mode: int) -> None:
    """Of what is opened as a handle only, which fchmod(2) doesn't take (open(2), "O_PATH")."""
    if _HAS_HANDLES:
        os.chmod(f"/proc/self/fd/{handle}", mode)
    else:
        os.fchmod(handle, mode)


def _remove(name: bytes, folder: int) -> None:
    try:
        os.unlink(name, dir_fd=folder)
    except IsADirectoryError:
        raise NotBelow("a directory has its name already") from None
