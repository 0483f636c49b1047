"""Which files of a whole tree are certainly gone, wherever it lies: what nobody can say counts as there.

A disk that isn't mounted shows an empty directory, or none, in place of all that is on it. So nothing is gone below an
empty section, nor behind a link that leads to nothing, or to an empty directory, as one to such a disk does. A link to
a file has certainly taken the place of a directory.
"""

from __future__ import annotations

import errno
import os
import stat
from collections.abc import Sequence
from typing import Protocol

ABSENT = (errno.ENOENT, errno.ENOTDIR)


class Looks(Protocol):
    """How to ask. Paths are bytes, absolute."""

    def modes(self, paths: Sequence[bytes]) -> list[int | OSError]:
        """Type and permissions (POSIX) of what lies at each; links are not followed. What it raises is returned."""
        ...

    def holds_something(self, path: bytes) -> bool:
        """Whether it is a directory, or a link to one, in which anything is. Not where nobody can say."""
        ...

    def is_file(self, path: bytes) -> bool:
        """Whether it is a regular file, or a link to one. Not where nobody can say."""
        ...


def gone(looks: Looks, section: bytes, paths: Sequence[bytes]) -> list[bool]:
    """Of each of ``paths``, which were files or links below ``section``, whether it is: nothing is there any more, or a
    directory."""
    if not looks.holds_something(section):
        return [False] * len(paths)
    modes = looks.modes(paths)
    absent = [path for path, mode in zip(paths, modes, strict=True) if _is_absent(mode)]
    certain = _Above(looks, section).certainly(absent)
    return [
        path in certain if isinstance(mode, OSError) else stat.S_ISDIR(mode)
        for path, mode in zip(paths, modes, strict=True)
    ]


class _Above:
    """What is left of the directories that files were in."""

    def __init__(self, looks: Looks, section: bytes) -> None:
        self._looks = looks
        self._section = section.rstrip(b"/")
        self._known: dict[bytes, bool | None] = {self._section: True}
        """Whether what was below is gone; None: the directory is, too, and the one above tells."""

    def certainly(self, paths: Sequence[bytes]) -> set[bytes]:
        """Those of which the nearest thing above that is still there says no more."""
        left = {path: _above(path) for path in paths}
        found: set[bytes] = set()
        while left:
            self._ask({folder for folder in left.values() if folder not in self._known})
            found |= {path for path, folder in left.items() if self._known[folder]}
            left = {path: _above(folder) for path, folder in left.items() if self._known[folder] is None}
        return found

    def _ask(self, folders: set[bytes]) -> None:
        asked = sorted(folders)
        for folder, mode in zip(asked, self._looks.modes(asked), strict=True):
            self._known[folder] = self._told(folder, mode)

    def _told(self, folder: bytes, mode: int | OSError) -> bool | None:
        if isinstance(mode, OSError):
            # Nothing above the section says anything of it.
            return None if _is_absent(mode) and folder.startswith(self._section + b"/") else False
        return not stat.S_ISLNK(mode) or self._looks.holds_something(folder) or self._looks.is_file(folder)


def _above(path: bytes) -> bytes:
    return path.rpartition(b"/")[0]


def _is_absent(found: int | OSError) -> bool:
    return isinstance(found, OSError) and found.errno in ABSENT


class LocalLooks:
    """:class:`Looks` at this machine's own file systems."""

    def modes(self, paths: Sequence[bytes]) -> list[int | OSError]:
        return [_mode(path) for path in paths]

    def holds_something(self, path: bytes) -> bool:
        try:
            with os.scandir(path or b"/") as entries:
                return any(True for _ in entries)
        except OSError:
            return False

    def is_file(self, path: bytes) -> bool:
        return os.path.isfile(path)


def _mode(path: bytes) -> int | OSError:
    try:
        return os.lstat(path).st_mode
    except OSError as error:
        return error
    except ValueError:
        return OSError(errno.EINVAL, "no path has a NUL")
