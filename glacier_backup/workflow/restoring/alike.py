"""Whether what bears a name already looks like what is to come there, as far as that can be told without its bytes."""

from __future__ import annotations

import os
import stat

from glacier_backup.model.archive import Member


def same_file(found: os.stat_result, size: int | None, mtime_ns: int | None) -> bool:
    """By size and modification time; not where one of them isn't known."""
    return size is not None and mtime_ns is not None and (found.st_size, found.st_mtime_ns) == (size, mtime_ns)


def same_member(member: Member, found: os.stat_result, link: str | None) -> bool:
    """Whether ``found``, which leads to ``link`` where it is a symlink, is what ``member`` was. A directory is whatever
    is in it, and what can't be told is taken for the same."""
    match member.type:
        case "file":
            return stat.S_ISREG(found.st_mode) and same_file(found, member.size, member.mtime_ns)
        case "hardlink":
            return stat.S_ISREG(found.st_mode)
        case "directory":
            return stat.S_ISDIR(found.st_mode)
        case "symlink":
            return stat.S_ISLNK(found.st_mode) and link == member.target
        case "fifo":
            return stat.S_ISFIFO(found.st_mode)
        case _:
            return True
