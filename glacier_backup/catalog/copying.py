"""A copy of a catalog's file, beside whoever writes."""

from __future__ import annotations

import os
import sqlite3
import tempfile
from contextlib import closing, suppress

from glacier_backup.catalog.connect import connect
from glacier_backup.catalog.database import Database
from glacier_backup.catalog.trouble import damaged, plain_words
from glacier_backup.flushing import sync_folder


def copy(database: Database, path: str) -> None:
    """Complete before it gets its name, 0600, and found to be sound."""
    path = os.path.realpath(path)
    with plain_words(path):
        descriptor, half_made = tempfile.mkstemp(prefix=f"{os.path.basename(path)}.", suffix=".new", dir=_folder(path))
        try:
            with closing(connect(half_made, mode="rw")) as made:
                database.back_up(made)
                _check(database.path, made)
            os.fsync(descriptor)
            os.rename(half_made, path)
            sync_folder(_folder(path))
        finally:
            os.close(descriptor)
            with suppress(FileNotFoundError):
                os.unlink(half_made)


def _check(path: str, made: sqlite3.Connection) -> None:
    """Indexes aren't compared with their tables, which would take thirty times as long."""
    (said,) = made.execute("PRAGMA quick_check(1)").fetchone()
    if said != "ok":
        raise damaged(path, str(said))


def _folder(path: str) -> str:
    return os.path.dirname(path)
