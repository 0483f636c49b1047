"""Files below a directory, by names that are not trusted: nothing outside it is reached, however they read.

No symbolic link is followed, neither on the way nor at its end: where one leads can change between a look and a step.
"""

from __future__ import annotations

import os
import stat
from collections.abc import Iterator
from contextlib import contextmanager


class OddName(ValueError):
    """The name can't be that of a file below a directory."""


@contextmanager
def folder_of(root: int, name: str) -> Iterator[tuple[int, str]]:
    """The folder, opened, that holds the file ``name`` below the directory open as ``root``; and the file's own name.

    Raises OddName for a name that is absolute or has components that are empty, ``.`` or ``..``; OSError, which is
    NotADirectoryError where a symbolic link lies on the way.
    """
    *folders, own = _components(name)
    folder = os.dup(root)
    try:
        for one in folders:
            inner = os.open(one, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC, dir_fd=folder)
            os.close(folder)
            folder = inner
        yield folder, own
    finally:
        os.close(folder)


@contextmanager
def open_file(root: int, name: str) -> Iterator[int]:
    """The regular file ``name`` below the directory open as ``root``, open for reading.

    Raises as :func:`folder_of`; OSError with ELOOP for a symbolic link, FileNotFoundError for anything else that is
    no file.
    """
    with folder_of(root, name) as (folder, own):
        # Without O_NONBLOCK a pipe that somebody put there would be waited for.
        file = os.open(own, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC, dir_fd=folder)
    try:
        if not stat.S_ISREG(os.fstat(file).st_mode):
            raise FileNotFoundError(f"{name} is not a file")
        yield file
    finally:
        os.close(file)


def _components(name: str) -> list[str]:
    components = name.split("/")
    if any(one in ("", ".", "..") or "\0" in one for one in components):
        raise OddName(f"{name!r} can't be the name of a file there")
    return components
