"""Opening a catalog, for writing or only to look.

Whatever already lies at the path is never replaced: a file that is no catalog of ours, an empty one included, is
refused. A new catalog is made under another name and gets its own only when it is whole, so that an empty file is
never a catalog that was about to be made, but one that something has cut to nothing.
"""

from __future__ import annotations

import os
import shlex
import stat
import tempfile
from contextlib import ExitStack, closing, suppress

from glacier_backup.catalog.codes import APPLICATION_ID
from glacier_backup.catalog.connect import connect, size_of
from glacier_backup.catalog.database import Database, Execute, ReadOnly, in_memory
from glacier_backup.catalog.journal import journal_for
from glacier_backup.catalog.migrations import applied, has_table, newest, step_up
from glacier_backup.catalog.trouble import closed, damaged, plain_words
from glacier_backup.errors import CatalogError
from glacier_backup.flushing import name_whole

_FOLDER_MODE = 0o700


def open_writable(path: str) -> Database:
    """The catalog at ``path``, made if there is none, at the newest schema. Raises CatalogError."""
    path = _followed(path)
    with plain_words(path), ExitStack() as on_error:
        if not _is_there(path):
            _create(path)
        _check_writable(path)
        database = Database(path, connect(path, mode="rw"))
        on_error.callback(database.close)
        journal = journal_for(path)
        database.warnings = journal.warnings
        database.configure(*journal.before)
        database.ask(lambda execute: _check(path, execute))
        # FULL: a record must survive the loss of power, and in WAL mode NORMAL doesn't sync each commit.
        database.configure(*journal.after, "PRAGMA synchronous = FULL", "PRAGMA foreign_keys = ON")
        _migrate(database)
        on_error.pop_all()
        return database


def open_readonly(path: str) -> Database:
    """The catalog at ``path`` to look at: nothing is made, changed or left behind. One that isn't there is empty,
    one of an older schema is read from a copy in memory. Raises CatalogError."""
    path = _followed(path)
    with plain_words(path):
        if not _is_there(path):
            return _for_looking(in_memory(path))
    with ExitStack() as on_error:
        database = ReadOnly(path)
        on_error.callback(database.close)
        if database.ask(lambda execute: _check(path, execute)) < newest():
            return _for_looking(database.copy_to_memory())
        on_error.pop_all()
        return database


def _followed(path: str) -> str:
    """Where ``path`` leads. A symlink into a folder that isn't there leads to a disk that isn't mounted: what was
    recorded is then out of sight, and nothing may begin anew over it."""
    followed = os.path.realpath(path)
    if os.path.islink(path) and not os.path.isdir(os.path.dirname(followed)):
        raise CatalogError(
            f"the catalog {path} is a symlink to {followed}, and that folder is not there", hint="is its disk mounted?"
        )
    return followed


def _is_there(path: str) -> bool:
    try:
        found = os.stat(path)
    except FileNotFoundError:
        log = size_of(path + "-wal") or size_of(path + "-journal")
        # Looked for again, for another process may just have made both.
        if log and not os.path.exists(path):
            raise _orphaned(path) from None
        return False
    if not stat.S_ISREG(found.st_mode):
        raise CatalogError(f"the catalog {path} is no file", hint="name a file in `catalog`")
    if not found.st_size:
        raise _emptied(path)
    return True


def _check_writable(path: str) -> None:
    # SQLite opens what is read-only all the same, and in WAL mode says so only when the first row is written.
    if not (os.access(path, os.W_OK) and os.access(os.path.dirname(path), os.W_OK | os.X_OK)):
        raise closed(path, "no permission")


def _create(path: str) -> None:
    folder = os.path.dirname(path)
    os.makedirs(folder, _FOLDER_MODE, exist_ok=True)
    if not os.access(folder, os.W_OK | os.X_OK):
        raise closed(path, "no permission")
    descriptor, half_made = tempfile.mkstemp(prefix=os.path.basename(path) + ".", suffix=".new", dir=folder)
    os.close(descriptor)
    try:
        with closing(Database(half_made, connect(half_made, mode="rw"))) as database:
            _migrate(database)
        # Another process may have been quicker; its catalog is as good.
        with suppress(FileExistsError):
            name_whole(half_made, path)
    finally:
        with suppress(FileNotFoundError):
            os.unlink(half_made)


def _migrate(database: Database) -> None:
    """Bring a database of any known schema, or an empty one, to the newest, one transaction a step."""
    due = True
    while due:
        # Even with nothing due this asks for the write lock: one that another program holds is found out now.
        with database.write() as connection:
            due = step_up(connection.exec_driver_sql)


def _for_looking(memory: Database) -> Database:
    _migrate(memory)
    memory.configure("PRAGMA query_only = ON")
    return memory


def _check(path: str, execute: Execute) -> int:
    """The schema that the database is at; raises CatalogError unless it is a catalog that this program knows."""
    ((id,),) = execute("PRAGMA application_id")
    if id != APPLICATION_ID:
        raise _foreign(path, execute)
    number = applied(execute)
    if number == 0:
        raise damaged(path, "its tables are missing")
    if number > newest():
        raise _newer(path, number)
    return number


def _foreign(path: str, execute: Execute) -> CatalogError:
    if has_table(execute, "uploads"):
        return CatalogError(
            f"the catalog {path} is the record of glacier_backup 1.2",
            hint="name another file in `catalog`, leave this one as it is, and take it over with "
            f"`glacier-backup catalog import {shlex.quote(path)}`",
        )
    return CatalogError(f"the catalog {path} is a database of another program", hint="name another file in `catalog`")


def _newer(path: str, number: int) -> CatalogError:
    return CatalogError(
        f"the catalog {path} was written by a newer glacier-backup (schema {number}; this one knows up to {newest()})",
        hint="install the newer version again; the catalog was left as it is",
    )


def _emptied(path: str) -> CatalogError:
    return CatalogError(
        f"the catalog {path} is an empty file: something has cut it to nothing",
        hint="put a sound copy of the file back. Only once it is deleted does a run start a new catalog, "
        "and sends everything again",
    )


def _orphaned(path: str) -> CatalogError:
    return CatalogError(
        f"the catalog {path} is gone, but its log is still there ({path}-wal or -journal)",
        hint="put the catalog back beside its log. Only once the log is moved away does a run start a new catalog, "
        "and sends everything again",
    )
