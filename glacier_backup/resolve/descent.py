"""Going down a directory tree and up again, however deep it is and whatever happens to it meanwhile.

Every directory is opened by its name from the open directory above it, never through a symlink, so that a walk
can't be led out of the tree and no path grows longer than the kernel takes. Only the deepest few directories and
the root are kept open; one above them is opened again, step by step, when something else in it is entered.
"""

from __future__ import annotations

import os
from types import TracebackType

OPEN_DIRECTORY = os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC
_OPEN_BELOW = OPEN_DIRECTORY | os.O_NOFOLLOW

KEPT_OPEN = 32
"""Directories held open beside the root: two threads walking are far from any limit on open files."""


class Descent:
    """Where a walk stands: a chain of directories from a root downwards. Closes all of them, the root too."""

    def __init__(self, root: int) -> None:
        self._names: list[bytes] = [b""]
        self._open: list[int | None] = [root]

    def enter(self, name: bytes) -> int:
        """Step into a directory of the present one; a descriptor of it, valid until the next step.

        Raises OSError, and stays where it is, when it is no directory, is gone or can't be opened.
        """
        child = os.open(name, _OPEN_BELOW, dir_fd=self._present())
        self._names.append(name)
        self._open.append(child)
        self._close(len(self._open) - 1 - KEPT_OPEN)
        return child

    def leave(self) -> None:
        """Step back up to the directory above."""
        self._names.pop()
        directory = self._open.pop()
        if directory is not None:
            os.close(directory)

    def _present(self) -> int:
        """The directory that the walk is in, opened again from the nearest open one above it if need be."""
        at = len(self._open) - 1
        while (directory := self._open[at]) is None:
            at -= 1
        for below in range(at + 1, len(self._open)):
            directory = self._open[below] = os.open(self._names[below], _OPEN_BELOW, dir_fd=directory)
            self._close(below - KEPT_OPEN)
        return directory

    def _close(self, level: int) -> None:
        directory = self._open[level] if level > 0 else None
        if directory is not None:
            os.close(directory)
            self._open[level] = None

    def __enter__(self) -> Descent:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        while self._open:
            self.leave()
