"""A file of a whole tree in a directory: how it takes the place of the one before, in one step."""

from __future__ import annotations

import errno
import os
import stat
from collections.abc import Iterator
from contextlib import contextmanager, suppress

from glacier_backup.destination.destination import Check
from glacier_backup.destination.directories import durable
from glacier_backup.destination.directories.beneath import OddName, folder_of
from glacier_backup.destination.directories.partial import holds, lost
from glacier_backup.destination.layout import TreePaths
from glacier_backup.errors import DestinationError
from glacier_backup.flushing import sync_folder
from glacier_backup.model.archive import Checksums


def begin(paths: TreePaths) -> None:
    """An empty partial file. Raises OSError, and as :func:`named`."""
    with named(paths):
        durable.make_folders(paths.folder)
        with suppress(FileNotFoundError):
            if stat.S_ISDIR(os.lstat(paths.archive).st_mode):
                raise IsADirectoryError(errno.EISDIR, os.strerror(errno.EISDIR))
        durable.make_empty(paths.partial)


def link(paths: TreePaths, root: int, locator: str, checksums: Checksums, check: Check) -> bool:
    """Have the partial file be another name of the file ``locator`` below ``root``; whether that could be done, and it
    has these bytes. Where not, nothing is on its way. Raises OSError."""
    if os.path.lexists(paths.archive):
        return False  # which may be the same file, and then nothing would take its place
    with named(paths):
        durable.make_folders(paths.folder)
        abort(paths)
        try:
            with folder_of(root, locator) as (folder, own):
                os.link(own, paths.partial, src_dir_fd=folder, follow_symlinks=False)
        except (OSError, OddName):
            return False  # not every file system has such names, nor as many as one likes
    if holds(paths.partial, checksums, check):
        return True
    abort(paths)
    return False


def keep_time(file: int, mtime_ns: int | None) -> None:
    """Give the file its source's modification time, as far as the file system knows such times."""
    if mtime_ns is not None:
        with suppress(OSError, OverflowError):
            os.utime(file, ns=(mtime_ns, mtime_ns))


def publish(paths: TreePaths, checksums: Checksums, check: Check) -> int:
    """Give the partial file its name, in place of whatever file has it; when that was, in ns since 1970.

    May break off at any point and be repeated. Raises UploadLost where the partial file isn't there and another file
    has the name: where it is as long, it is read. Raises OSError, and as :func:`named`.
    """
    with named(paths):
        try:
            size = os.stat(paths.partial, follow_symlinks=False).st_size
        except FileNotFoundError:
            if not holds(paths.archive, checksums, check):
                raise lost(paths) from None
        else:
            if size != checksums.size:
                raise DestinationError(f"{paths.partial} has {size} bytes, and {checksums.size} were sent")
            os.replace(paths.partial, paths.archive)
        sync_folder(paths.folder)
        # Its time of change: that of modification is its source's.
        return os.stat(paths.archive, follow_symlinks=False).st_ctime_ns


def abort(paths: TreePaths) -> None:
    """Remove the partial file; what has the name stays. Raises OSError."""
    with suppress(FileNotFoundError, NotADirectoryError):
        os.unlink(paths.partial)
        sync_folder(paths.folder)


@contextmanager
def named(paths: TreePaths) -> Iterator[None]:
    """A block in which a file is to have its name. Raises DestinationError where something of another kind has it."""
    try:
        yield
    except (NotADirectoryError, IsADirectoryError) as error:
        nearest = paths.archive
        while not os.path.lexists(nearest):
            nearest = os.path.dirname(nearest)
        kind = "directory" if nearest == paths.archive else "file"
        raise DestinationError(
            f"{paths.archive} can't be stored: there is a {kind} {nearest}, and it can't be both", hint=clash(nearest)
        ) from error


def clash(path: str) -> str:
    """What to do where a file has become a directory, or the other way round."""
    return (
        f"rename the one at its source, or move {path} away if it isn't wanted any more; "
        "a bucket can hold both, as keys"
    )
