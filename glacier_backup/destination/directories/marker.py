"""The file that tells a directory of archives from the empty mount point of a disk that isn't there."""

from __future__ import annotations

import os
import uuid
from collections.abc import Iterator
from itertools import islice

from glacier_backup.destination.layout import is_partial
from glacier_backup.flushing import sync_folder
from glacier_backup.model.naming import MANIFEST

MARKER = ".glacier-backup"

MOST_LOOKED_AT = 100_000
"""Files and folders that are looked at for an archive in a directory without the marker."""


def is_there(root: str) -> bool:
    """Whether the directory bears the marker."""
    return os.path.lexists(os.path.join(root, MARKER))


def put(root: str) -> bool:
    """Give the directory the marker; whether it had none. Raises OSError."""
    try:
        file = os.open(os.path.join(root, MARKER), os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
    except FileExistsError:
        return False
    try:
        os.write(file, _text().encode())  # that it is there is what counts: no need to see that all was written
        os.fsync(file)
    finally:
        os.close(file)
    sync_folder(root)
    return True


def holds_archives(root: str) -> bool:
    """Whether some archive of ours, or part of one, lies below: places older than the marker have none."""
    return any(name.endswith(MANIFEST) or is_partial(name) for name in islice(_names(root), MOST_LOOKED_AT))


def _text() -> str:
    return f"Archives of glacier-backup are kept in this directory: leave this file here. {uuid.uuid4()}\n"


def _names(folder: str) -> Iterator[str]:
    try:
        with os.scandir(folder) as entries:
            for entry in entries:
                yield entry.name
                if entry.is_dir(follow_symlinks=False):
                    yield from _names(entry.path)
    except OSError:
        return
