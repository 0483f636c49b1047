"""Whether an archive fits on the disk that it is to go to, those that are on their way there counted in."""

from __future__ import annotations

import os
import threading

from glacier_backup.errors import DestinationError
from glacier_backup.units import format_size

BLOCK = 512
"""Bytes that a file's blocks are counted in (stat(2)), whatever the file system's own are."""


class Room:
    """The free space of one directory, part of which is promised. Safe to use from several threads."""

    def __init__(self, root: str) -> None:
        self._root = root
        self._promised: dict[str, int] = {}
        """By partial file, how many bytes it is expected to become."""
        self._lock = threading.Lock()

    def promise(self, partial: str, size: int) -> None:
        """Set ``size`` bytes aside for what ``partial`` is to become; what it holds now will be given up.

        Raises DestinationError where that much isn't free. A file system that doesn't tell how much it has, as some
        network mounts don't, is taken at its word later. Raises OSError.
        """
        with self._lock:
            free = _free(self._root)
            to_come = sum(
                max(0, promised - _held(other)) for other, promised in self._promised.items() if other != partial
            )
            if free is not None and size > free + _held(partial) - to_come:
                raise DestinationError(
                    f"{self._root} has {format_size(free)} free{_under_way(to_come)}, and the archive takes"
                    f" {format_size(size)}",
                    hint=f"make room in {self._root}, or have it sent to another destination",
                )
            self._promised[partial] = size

    def release(self, partial: str) -> None:
        """It needs no more than it has, or nothing."""
        with self._lock:
            self._promised.pop(partial, None)


def _under_way(size: int) -> str:
    return f", of which archives under way need {format_size(size)}" if size else ""


def _free(folder: str) -> int | None:
    """Bytes that this user may still write, and None where the file system doesn't know."""
    told = os.statvfs(folder)
    return told.f_bavail * told.f_frsize if told.f_blocks else None


def _held(path: str) -> int:
    """Bytes on the disk that a file has."""
    try:
        return os.stat(path, follow_symlinks=False).st_blocks * BLOCK
    except OSError:
        return 0
