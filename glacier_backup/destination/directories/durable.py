"""Files and folders that are on the disk when a function returns. Each raises OSError."""

from __future__ import annotations

import errno
import os
import weakref
from contextlib import suppress

from glacier_backup.flushing import sync_folder

_NEW = os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC | os.O_NOFOLLOW


class OpenFile:
    """An open file that is closed when nobody knows it any more, and not before.

    For files that several threads write to: one that hangs in a write, and is waited for no longer, must not find
    another file under the same number when it comes to itself.
    """

    def __init__(self, number: int) -> None:
        self.number = number
        weakref.finalize(self, os.close, number)


def make_empty(path: str) -> None:
    """An empty file, 0600, in place of whatever file bears that name; the name itself may not survive a crash."""
    os.close(os.open(path, _NEW, 0o600))


def write_new(path: str, text: str, time_ns: int) -> None:
    """A file, 0600, of this content and modification time (ns since 1970); the name itself may not survive a crash."""
    file = os.open(path, _NEW, 0o600)
    try:
        write_at(file, memoryview(text.encode("utf-8", "surrogateescape")), 0)
        os.utime(file, ns=(time_ns, time_ns))
        os.fsync(file)
    finally:
        os.close(file)


def write_at(file: int, data: memoryview, offset: int) -> None:
    """All of ``data``; not yet on the disk."""
    while len(data):
        count = os.pwrite(file, data, offset)
        data, offset = data[count:], offset + count


def rename_new(old: str, new: str) -> None:
    """Give a file another name, never over another file: FileExistsError. Call :func:`sync_folder` behind it."""
    try:
        os.link(old, new)
    except FileExistsError:
        if not os.path.samefile(old, new):
            raise
    except OSError as error:
        if error.errno in (errno.ENOENT, errno.ENOSPC):
            raise
        # A file system without hard links (FAT, some network mounts); names carry a time, so none should be there.
        if os.path.lexists(new):
            raise FileExistsError(errno.EEXIST, os.strerror(errno.EEXIST), new) from None
        os.rename(old, new)
        return
    os.unlink(old)


def make_folders(folder: str) -> None:
    """Missing levels, 0700, each made durable in the one above it."""
    if os.path.isdir(folder):
        return
    above = os.path.dirname(folder)
    make_folders(above)
    with suppress(FileExistsError):
        os.mkdir(folder, 0o700)
    sync_folder(above)
