"""The directory that things are brought back into: held open from the beginning, so that it is neither taken for
another nor left for where a link leads.
"""

from __future__ import annotations

import errno
import os
import stat
from collections.abc import Iterator
from contextlib import contextmanager

from glacier_backup.errors import GlacierBackupError, TargetError
from glacier_backup.units import format_size
from glacier_backup.workflow.restoring import beneath

STAGING = ".glacier-backup-restore"
"""The hidden folder of a target in which everything is made before it gets its name."""


class Obstacle(GlacierBackupError):
    """Something is where a thing is to go, and stays."""


class Target:
    """A directory, open. A context manager."""

    def __init__(self, path: str, *, create: bool) -> None:
        """Raises TargetError where it isn't there, and can't be made or may not be (``create``)."""
        self.path = path
        with troubles(path):
            if create:
                os.makedirs(path, exist_ok=True)
            try:
                self.folder = os.open(path, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
            except FileNotFoundError:
                raise TargetError(
                    f"{path} is not there any more, and a part of what was asked for may be in it",
                    hint=f"is its disk mounted? To begin there anew: mkdir -p {path}/{STAGING}",
                ) from None

    def __enter__(self) -> Target:
        return self

    def __exit__(self, *_: object) -> None:
        os.close(self.folder)

    def still_there(self) -> None:
        """Raise TargetError where another directory bears its name now, or none: its disk was taken away."""
        try:
            found, held = os.stat(self.path), os.fstat(self.folder)
        except OSError as error:
            raise _other(self.path, error.strerror or "it can't be looked at") from error
        if (found.st_dev, found.st_ino) != (held.st_dev, held.st_ino):
            raise _other(self.path, "it is not the directory that it was")

    def look(self, to: str) -> os.stat_result | None:
        """What bears that name; None where nothing does. Raises Obstacle where something else than a directory is on
        the way, a symbolic link included, and TargetError where it may not be looked at."""
        try:
            return beneath.look(self.folder, names(to))
        except NotADirectoryError:
            raise self.obstacle_above(to) from None
        except OSError as error:
            raise TargetError(f"{os.path.join(self.path, to)}: {error.strerror}") from error

    def refuse_elsewhere(self, to: str) -> None:
        """Raise TargetError where the folder that ``to`` will be in lies on another file system than the target:
        nothing can be moved there from the hidden folder; or may not be looked at. What is no directory on the way
        isn't told here."""
        above = names(to)[:-1]
        try:
            while above and (found := beneath.look(self.folder, above)) is None:
                above.pop()
        except NotADirectoryError:
            return
        except OSError as error:
            raise TargetError(f"{os.path.join(self.path, *above)}: {error.strerror}") from error
        if above and found is not None and found.st_dev != os.fstat(self.folder).st_dev:
            there = os.path.join(self.path, *above)
            raise TargetError(
                f"{there} is another file system than {self.path}", hint=f"restore into that one: --to {there}"
            )

    def room(self, wanted: int) -> None:
        """Raise TargetError where so many bytes don't fit. Compression by the file system isn't foreseen."""
        found = os.fstatvfs(self.folder)
        free = found.f_bavail * found.f_frsize
        if found.f_blocks and wanted > free:
            raise TargetError(
                f"{self.path} has room for {format_size(free)}, and {format_size(wanted)} are to come back",
                hint="restore less of it, or to another disk",
            )

    def obstacle_above(self, to: str) -> Obstacle:
        """The error that names what is no directory on the way to ``to``."""
        way = names(to)
        for count in range(1, len(way)):
            try:
                found = beneath.look(self.folder, way[:count])
            except OSError:
                break
            if found is not None and not stat.S_ISDIR(found.st_mode):
                what = "a symbolic link, and none is followed" if stat.S_ISLNK(found.st_mode) else "not a directory"
                return Obstacle(f"{os.path.join(self.path, *way[:count])} is {what}")
        return Obstacle(f"{os.path.join(self.path, *way[:-1])} is not a directory")


def names(to: str) -> list[str]:
    """The components of a path below a target. Raises TargetError for one that leads out of it, or into its hidden
    folder."""
    try:
        found = beneath.components(to)
    except ValueError as error:
        raise TargetError(f"{error}: nothing is brought back outside of its target") from None
    if found[0] == STAGING:
        raise TargetError(f"{to!r} would lie in {STAGING}, where things are on their way")
    return found


@contextmanager
def troubles(path: str) -> Iterator[None]:
    """A block whose OSErrors are TargetErrors about ``path``."""
    try:
        yield
    except OSError as error:
        raise TargetError(f"{path} can't be written to: {error.strerror}", hint=_CURES.get(error.errno or 0)) from error


_CURES = {
    errno.ENOSPC: "make room there, and run again: it goes on from where it is",
    errno.EDQUOT: "the user's quota is used up: make room, and run again",
    errno.EACCES: "make it writable for the user who runs glacier-backup, or take another target",
    errno.EROFS: "it is mounted read-only: take another target",
    errno.EIO: "the disk fails: take another target",
}


def _other(path: str, what: str) -> TargetError:
    return TargetError(f"{path}: {what}", hint="is its disk still mounted? Nothing more is written there")
