"""The directories that lead to where something is made, each opened from the one above it.

No path of more than one component is ever given to the system, and no symlink is followed, so nothing that an archive
can say leads out of the folder. What a directory is to be in the end (owner, permissions, time) it becomes when it is
left; as long as it is worked in, its owner can do anything there.
"""

from __future__ import annotations

import errno
import os
import stat
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from glacier_backup.pack.attributes import Attributes, drop_acls, inherits_acl
from glacier_backup.pack.below import NotBelow, check_name, components, set_mode

MOST_OPEN = 64
"""Descriptors; of the directories above those only the names are kept."""

_FLAGS = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC
_HANDLE: int = getattr(os, "O_PATH", os.O_RDONLY) | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC
_WORKABLE = 0o700


@dataclass(slots=True)
class Level:
    """One directory that is worked in."""

    name: bytes
    descriptor: int | None
    """None: closed, there are too many."""
    identity: tuple[int, int]
    """Device and inode."""
    attributes: Attributes | None
    """What it is to be when it is left; None: whatever it is."""
    inherits: bool
    """Whether what is made in it gets an ACL."""

    def close(self) -> None:
        if self.descriptor is not None:
            os.close(self.descriptor)
            self.descriptor = None


class Folders:
    """The chain of directories from the folder to the innermost one that is worked in."""

    def __init__(self, folder: int, leave: Callable[[int, bytes, Attributes], None], *, open_to_others: bool) -> None:
        """``leave`` gives a directory, by its descriptor and path, what it is to have; ``open_to_others``: those of
        which nothing is known are like any that mkdir makes, not their owner's alone."""
        self._folder = folder
        self._levels = [Level(b"", folder, (0, 0), None, inherits_acl(folder))]
        self._leave = leave
        self._mode = 0o777 if open_to_others else _WORKABLE
        self.path = b""
        """Of the innermost one; empty for the folder itself."""
        self.descriptor = folder
        self.inherits = self._levels[0].inherits

    def enter(self, path: bytes) -> None:
        """Make ``path`` the innermost one; what of it isn't there yet is made.

        Raises NotBelow, also where something else has the name of a directory, and OSError.
        """
        names = components(path) if path else []
        common = 0
        for level, name in zip(self._levels[1:], names, strict=False):
            if level.name != name:
                break
            common += 1
        self._leave_to(common)
        for name in names[common:]:
            self._down(name)

    def make(self, path: bytes, attributes: Attributes) -> None:
        """Likewise, and when it is left it gets ``attributes``."""
        above, _, name = path.rpartition(b"/")
        check_name(name)
        self.enter(above)
        self._down(name, attributes)

    def levels(self) -> Iterator[tuple[bytes, Attributes | None]]:
        """Those that are worked in, from the outermost one on."""
        return ((level.name, level.attributes) for level in self._levels[1:])

    def resume(self, levels: Iterable[tuple[bytes, Attributes | None]]) -> None:
        """Go back to where :meth:`levels` was, whatever has been done since. Raises NotBelow and OSError."""
        for name, attributes in levels:
            check_name(name)
            os.stat(name, dir_fd=self.descriptor, follow_symlinks=False)  # it is not to be made now
            self._down(name, attributes)

    def leave_all(self) -> None:
        """Every directory becomes what it is to be."""
        self._leave_to(0)

    def close(self) -> None:
        """Close all, and give none of them anything."""
        for level in self._levels[1:]:
            level.close()

    @contextmanager
    def reached(self, path: bytes) -> Iterator[int]:
        """A descriptor of ``path`` to look things up in, not to read it, and without a trace: what is innermost stays.

        Raises NotBelow and OSError.
        """
        here = self._folder
        opened: list[tuple[int, int]] = []
        try:
            for name in components(path) if path else []:
                here = _opened(name, _HANDLE, here)
                opened.append((here, mode := stat.S_IMODE(os.fstat(here).st_mode)))
                if not mode & stat.S_IXUSR:
                    set_mode(here, mode | stat.S_IXUSR)
            yield here
        finally:
            for descriptor, mode in reversed(opened):
                if not mode & stat.S_IXUSR:
                    set_mode(descriptor, mode)
                os.close(descriptor)

    def _down(self, name: bytes, attributes: Attributes | None = None) -> None:
        try:
            os.mkdir(name, self._mode, dir_fd=self.descriptor)
            is_new = True
        except FileExistsError:
            is_new = False
        descriptor, found = _workable(name, self.descriptor)
        if is_new and self.inherits:
            drop_acls(descriptor)
        if attributes is None and not is_new:
            attributes = Attributes(found.st_mtime_ns, stat.S_IMODE(found.st_mode))
        inherits = not is_new and inherits_acl(descriptor)
        self._levels.append(Level(name, descriptor, (found.st_dev, found.st_ino), attributes, inherits))
        self.path = self.path + b"/" + name if self.path else name
        self.descriptor, self.inherits = descriptor, inherits
        if len(self._levels) - 1 > MOST_OPEN:
            self._levels[-1 - MOST_OPEN].close()

    def _leave_to(self, count: int) -> None:
        """Until only the outermost ``count`` below the folder are worked in."""
        while len(self._levels) - 1 > count:
            level, above = self._levels[-1], self._levels[-2]
            if above.descriptor is None:
                above.descriptor = _above(self.descriptor, above)
            if level.attributes is not None:
                self._leave(self.descriptor, self.path, level.attributes)
            self._levels.pop().close()
            self.path = self.path.rpartition(b"/")[0]
            self.descriptor, self.inherits = above.descriptor, above.inherits


def _workable(name: bytes, folder: int) -> tuple[int, os.stat_result]:
    """The directory ``name``, opened, in which its owner can do anything now; and how it was before."""
    try:
        descriptor = _opened(name, _FLAGS, folder)
        found = os.fstat(descriptor)
    except PermissionError:
        handle = _opened(name, _HANDLE, folder)
        try:
            found = os.fstat(handle)
            set_mode(handle, stat.S_IMODE(found.st_mode) | _WORKABLE)
        finally:
            os.close(handle)
        return _opened(name, _FLAGS, folder), found
    if found.st_mode & _WORKABLE != _WORKABLE:
        os.fchmod(descriptor, stat.S_IMODE(found.st_mode) | _WORKABLE)
    return descriptor, found


def _opened(name: bytes, flags: int, folder: int) -> int:
    try:
        return os.open(name, flags, dir_fd=folder)
    except OSError as error:
        if error.errno in (errno.ENOTDIR, errno.ELOOP):
            raise NotBelow(f"{os.fsdecode(name)} would have to be a directory, and is something else") from None
        raise


def _above(descriptor: int, level: Level) -> int:
    """The directory above an open one, which must be ``level``."""
    above = os.open(b"..", _FLAGS, dir_fd=descriptor)
    found = os.fstat(above)
    if (found.st_dev, found.st_ino) != level.identity:
        os.close(above)
        raise NotBelow("somebody has moved the directory that it lies in")
    return above
