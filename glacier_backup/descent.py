"""Going down a directory tree and up again, however deep it is and whatever happens to it meanwhile.

Every directory is opened by its name from the open directory above it, never through a symlink unless that is asked
for, so that a walk can't be led out of the tree and no path grows longer than the kernel takes. Only the deepest few
directories and the root are kept open; one above them is opened again, step by step, when something else in it is
entered.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from types import TracebackType

OPEN_DIRECTORY = os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC
_OPEN_BELOW = OPEN_DIRECTORY | os.O_NOFOLLOW

KEPT_OPEN = 32
"""Directories held open beside the root: two threads walking are far from any limit on open files."""


def above(path: bytes) -> Iterator[bytes]:
    """The directories that a relative path lies in, the topmost first."""
    at = path.find(b"/")
    while at >= 0:
        yield path[:at]
        at = path.find(b"/", at + 1)


class Descent:
    """Where a walk stands: a chain of directories from a root downwards. Closes all of them, the root too."""

    def __init__(self, root: int) -> None:
        self._names: list[tuple[bytes, int]] = [(b"", OPEN_DIRECTORY)]
        self._open: list[int | None] = [root]

    def enter(self, name: bytes, follow: bool = False) -> int:
        """Step into a directory of the present one, or with ``follow`` into one that a symlink in it leads to; a
        descriptor of it, valid until the next step.

        Raises OSError, and stays where it is, when it is no directory, is gone or can't be opened.
        """
        flags = OPEN_DIRECTORY if follow else _OPEN_BELOW
        child = os.open(name, flags, dir_fd=self.present())
        self._names.append((name, flags))
        self._open.append(child)
        self._close(len(self._open) - 1 - KEPT_OPEN)
        return child

    def go(self, path: bytes, follow: bool = False) -> int:
        """Step to the directory of this path below the root, up only as far as need be; as :meth:`enter` otherwise,
        with ``follow`` for each on the way.

        Raises OSError as that does, and is somewhere on the way then.
        """
        names = path.split(b"/") if path else []
        same = 0
        for (name, _), wanted in zip(self._names[1:], names, strict=False):
            if name != wanted:
                break
            same += 1
        while len(self._names) - 1 > same:
            self.leave()
        for name in names[same:]:
            self.enter(name, follow)
        return self.present()

    def leave(self) -> None:
        """Step back up to the directory above."""
        self._names.pop()
        directory = self._open.pop()
        if directory is not None:
            os.close(directory)

    def present(self) -> int:
        """A descriptor of the directory that the walk is in, valid until the next step; opened again from the nearest
        open one above it if need be. Raises OSError where that can't be done."""
        at = len(self._open) - 1
        while (directory := self._open[at]) is None:
            at -= 1
        for below in range(at + 1, len(self._open)):
            name, flags = self._names[below]
            directory = self._open[below] = os.open(name, flags, dir_fd=directory)
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
