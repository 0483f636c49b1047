"""Names that survive a loss of power: a file's own flush says nothing of the folder that it is in."""

from __future__ import annotations

import os
from contextlib import suppress


def sync_folder(folder: str) -> None:
    """The names in ``folder`` are on the disk when this returns. Raises OSError."""
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def name_whole(half_made: str, path: str) -> None:
    """Give a file that is whole, and on the disk, its name, never in place of another one: FileExistsError.

    On a file system without hard links the caller has to see to that, by a lock.
    """
    try:
        os.link(half_made, path)
    except FileExistsError:
        raise
    except OSError:
        os.rename(half_made, path)
    else:
        with suppress(FileNotFoundError):
            os.unlink(half_made)
    sync_folder(os.path.dirname(path))
