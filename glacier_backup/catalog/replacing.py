"""Putting one catalog in another's place, so that at every moment there is one: the old, or the new.

Without a catalog at its path a run would begin a new one, and send everything again.
"""

from __future__ import annotations

import os
import sqlite3
import tempfile
from collections.abc import Iterator
from contextlib import closing, contextmanager, suppress
from datetime import datetime

from sqlalchemy import func, select

from glacier_backup.catalog.codes import APPLICATION_ID
from glacier_backup.catalog.connect import connect_readonly
from glacier_backup.catalog.opened import Opened
from glacier_backup.catalog.schema import archives
from glacier_backup.catalog.snapshot import is_catalog
from glacier_backup.catalog.trouble import plain_words
from glacier_backup.flushing import sync_folder
from glacier_backup.units import now, stamp

_BESIDE = ("-wal", "-shm", "-journal")
"""What SQLite puts beside a database (https://www.sqlite.org/tempfiles.html)."""


def newest_sent(catalog: Opened) -> datetime | None:
    """When the newest archive that it knows of was sent."""
    return catalog.ask(lambda connection: connection.execute(select(func.max(archives.c.sent_at))).scalar())


@contextmanager
def beside(path: str, suffix: str) -> Iterator[str]:
    """The path of a new, empty file in the folder of ``path``, 0600; gone at the end, if it is still there, with all
    that SQLite has put beside it. Raises CatalogError."""
    folder, name = os.path.split(os.path.realpath(path))
    with plain_words(path):
        os.makedirs(folder, 0o700, exist_ok=True)
        descriptor, made = tempfile.mkstemp(prefix=f"{name}.", suffix=suffix, dir=folder)
        os.close(descriptor)
    try:
        yield made
    finally:
        for end in ("", *_BESIDE):
            with suppress(FileNotFoundError):
                os.unlink(made + end)


def put_in_place(new: str, path: str) -> str | None:
    """Give the catalog in the file ``new``, which nobody has open, the name ``path``, where the caller holds the lock.

    What was there stays, under the name that is returned; None where nothing was. Raises CatalogError.
    """
    path = os.path.realpath(path)
    aside = f"{path}.before-{stamp(now())}"
    with plain_words(path):
        _settle(path)
        was_there = os.path.lexists(path)
        for end in _BESIDE:
            # Never to be taken for the new one's: SQLite would write its pages into it.
            with suppress(FileNotFoundError):
                os.rename(path + end, aside + end)
                was_there = True
        if os.path.lexists(path):
            _keep(path, aside)
        os.rename(new, path)
        sync_folder(os.path.dirname(path))
    return aside if was_there else None


def _settle(path: str) -> None:
    """What a sound catalog has in its log goes into the catalog, which then is one file. Of what is none the log would
    be lost."""
    if os.path.isfile(path) and is_catalog(path):
        with suppress(sqlite3.Error), closing(sqlite3.connect(path, isolation_level=None)) as database:
            database.execute("PRAGMA wal_checkpoint(TRUNCATE)")


def _keep(path: str, aside: str) -> None:
    try:
        os.link(path, aside)
    except OSError:
        os.rename(path, aside)  # a file system without hard links; the lock keeps runs away meanwhile


def schema_of(path: str) -> int:
    """The number of the schema that the catalog at ``path`` has now; 0 where it is no catalog. Raises CatalogError."""
    with plain_words(path):
        connection, _ = connect_readonly(path)
        with closing(connection):
            if connection.execute("PRAGMA application_id").fetchone() != (APPLICATION_ID,):
                return 0
            (number,) = connection.execute("SELECT max(number) FROM migrations").fetchone()
            return int(number or 0)


def keep_as_it_is(path: str) -> str:
    """A copy of the catalog at ``path``, of whatever schema, beside it; its path. Raises CatalogError."""
    path = os.path.realpath(path)
    aside = f"{path}.schema-{schema_of(path)}-{stamp(now())}"
    with plain_words(path), beside(path, ".new") as made:
        connection, _ = connect_readonly(path)
        with closing(connection), closing(sqlite3.connect(made)) as copy:
            connection.backup(copy)
        os.rename(made, aside)
        sync_folder(os.path.dirname(path))
    return aside
