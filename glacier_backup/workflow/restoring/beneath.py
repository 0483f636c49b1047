"""Names below an open directory, reached without following any symbolic link: where one leads can change between a look
and a step, and nothing that is brought back may end up elsewhere.

A name is given as its components. Every function raises OSError; a link, or anything but a directory, on the way is
NotADirectoryError.
"""

from __future__ import annotations

import errno
import os
import stat
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress

from glacier_backup.pack.below import NO_NAME

FOLDER = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC
FILE = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC
_NO_LINKS_HERE = (errno.EPERM, errno.EOPNOTSUPP, errno.EMLINK, errno.ENOSYS)
_TAKEN = (errno.EEXIST, errno.ENOTEMPTY, errno.ENOTDIR, errno.EISDIR)


def components(name: str) -> list[str]:
    """Of a relative path. Raises ValueError where it has any that are empty, ``.`` or ``..``, for it then could lead
    anywhere."""
    found = name.split("/")
    if any(one in ("", ".", "..") or "\0" in one for one in found):
        raise ValueError(f"{name!r} is no path below a directory")
    return found


@contextmanager
def folder(top: int, names: Sequence[str], *, make: bool = False) -> Iterator[int]:
    """The directory of these names below the one open as ``top``, open; missing levels are made if ``make``, as mkdir
    makes them."""
    held = os.dup(top)
    try:
        for name in names:
            if make:
                with suppress(FileExistsError):
                    os.mkdir(name, dir_fd=held)
            inner = os.open(name, FOLDER, dir_fd=held)
            os.close(held)
            held = inner
        yield held
    finally:
        os.close(held)


def look(top: int, names: Sequence[str]) -> os.stat_result | None:
    """What bears that name, a link as itself; None where nothing does, or nothing can."""
    try:
        with folder(top, names[:-1]) as above:
            return os.stat(names[-1], dir_fd=above, follow_symlinks=False)
    except OSError as error:
        if is_nothing(error):
            return None
        raise


def is_nothing(error: OSError) -> bool:
    """Whether it says of a name that nothing bears it."""
    return isinstance(error, FileNotFoundError) or error.errno in NO_NAME


def rename_new(old: str, old_folder: int, new: str, new_folder: int) -> None:
    """Give a file or directory another name in another folder, never in place of anything but an empty directory.

    Raises FileExistsError.
    """
    found = os.stat(old, dir_fd=old_folder, follow_symlinks=False)
    try:
        if stat.S_ISDIR(found.st_mode):
            _move_folder(old, old_folder, new, new_folder, stat.S_IMODE(found.st_mode))
        else:
            _move_file(old, old_folder, new, new_folder)
    except OSError as error:
        if error.errno not in _TAKEN:
            raise
        raise FileExistsError(errno.EEXIST, os.strerror(errno.EEXIST), new) from error


def _move_folder(old: str, old_folder: int, new: str, new_folder: int, mode: int) -> None:
    """rename(2) itself refuses to replace anything but an empty directory by a directory."""
    if mode & stat.S_IWUSR:
        os.rename(old, new, src_dir_fd=old_folder, dst_dir_fd=new_folder)
        return
    # Its entry ".." changes, for which whoever isn't root needs to be allowed to write to it.
    os.chmod(old, mode | stat.S_IRWXU, dir_fd=old_folder)
    itself = os.open(old, FOLDER, dir_fd=old_folder)
    try:
        os.rename(old, new, src_dir_fd=old_folder, dst_dir_fd=new_folder)
    finally:
        os.fchmod(itself, mode)
        os.close(itself)


def _move_file(old: str, old_folder: int, new: str, new_folder: int) -> None:
    try:
        os.link(old, new, src_dir_fd=old_folder, dst_dir_fd=new_folder, follow_symlinks=False)
    except OSError as error:
        if error.errno not in _NO_LINKS_HERE:
            raise
        # A file system without hard links (FAT, some network mounts): there a look before has to do.
        if look(new_folder, [new]) is not None:
            raise FileExistsError(errno.EEXIST, os.strerror(errno.EEXIST), new) from None
        os.rename(old, new, src_dir_fd=old_folder, dst_dir_fd=new_folder)
        return
    os.unlink(old, dir_fd=old_folder)


def remove(name: str, above: int) -> None:
    """Take away a file, or a directory with all that is in it, however deep and whatever its modes; nothing there is
    as good. Leaves the directory ``above`` with less in it, and never reaches outside of it."""
    waiting, number = [name], 0
    while waiting:
        one = waiting.pop()
        with suppress(FileNotFoundError):
            if not _is_folder(one, above):
                os.unlink(one, dir_fd=above)
                continue
            os.chmod(one, 0o700, dir_fd=above)
            inner = os.open(one, FOLDER, dir_fd=above)
            try:
                for entry in os.listdir(inner):
                    if _is_folder(entry, inner):
                        # Moved up rather than descended into: a tree may be deeper than files can be open.
                        os.chmod(entry, 0o700, dir_fd=inner)
                        number += 1
                        moved = f"{name}.{number}"
                        os.rename(entry, moved, src_dir_fd=inner, dst_dir_fd=above)
                        waiting.append(moved)
                    else:
                        os.unlink(entry, dir_fd=inner)
            finally:
                os.close(inner)
            os.rmdir(one, dir_fd=above)


def _is_folder(name: str, above: int) -> bool:
    return stat.S_ISDIR(os.stat(name, dir_fd=above, follow_symlinks=False).st_mode)
