"""What one path on this machine is, or why it can't be a candidate."""

from __future__ import annotations

import errno
import os
import stat
from typing import AnyStr, Literal

from glacier_backup.model.reason import BrokenLink, Missing, NotAFile, SkipReason, Unreadable

_SPECIAL = {
    stat.S_IFIFO: "FIFO",
    stat.S_IFSOCK: "socket",
    stat.S_IFBLK: "block device",
    stat.S_IFCHR: "character device",
}


def examine(path: str) -> Literal["file", "directory"] | SkipReason:
    """What ``path`` is, or points to; or why it can't be a candidate."""
    try:
        mode = os.stat(path).st_mode
    except ValueError:
        return Missing()  # a NUL, or text that no name on disk can be
    except OSError as error:
        return absence(path, error)
    if stat.S_ISDIR(mode):
        return "directory"
    if stat.S_ISREG(mode):
        return "file"
    return NotAFile(special(mode))


def absence(path: AnyStr, error: OSError, folder: int | None = None) -> SkipReason:
    """What it means that asking for ``path``, in the open directory ``folder``, failed so."""
    if error.errno not in (errno.ENOENT, errno.ENOTDIR, errno.ELOOP):
        return Unreadable(cause(error))
    try:
        return BrokenLink(os.fsdecode(os.readlink(path, dir_fd=folder)))
    except OSError:
        return Unreadable(cause(error)) if error.errno == errno.ELOOP else Missing()


def special(mode: int) -> str:
    """What to call what is neither file nor directory nor link."""
    return _SPECIAL.get(stat.S_IFMT(mode), "special file")


def cause(error: OSError) -> str:
    return error.strerror or str(error)
