"""Connections to SQLite files, and the one that writes nothing at all.

Without SQLAlchemy, for readers of other programs' databases need it too.
"""

from __future__ import annotations

import os
import shutil
import sqlite3
import tempfile
from contextlib import closing
from typing import NamedTuple
from urllib.parse import quote

from glacier_backup.catalog.journal import share

BUSY_SECONDS = 20.0
"""How long to wait for a lock that another program holds."""

_WAL_FORMAT = 2
"""Byte 18 of a database in WAL mode (https://www.sqlite.org/fileformat2.html, section 1.3.3)."""


class Sight(NamedTuple):
    """What a database's files look like; a checkpoint or a writer at work makes them look different."""

    inode: int
    size: int
    mtime_ns: int
    wal: int
    """Bytes in the write-ahead log."""


def connect(path: str, **parameters: str) -> sqlite3.Connection:
    """A connection without transactions of its own; ``parameters`` are those of SQLite's URIs
    (https://www.sqlite.org/uri.html)."""
    query = "&".join(f"{name}={value}" for name, value in parameters.items())
    return sqlite3.connect(
        f"file://{quote(os.fsencode(os.path.realpath(path)))}?{query}",
        uri=True,
        isolation_level=None,
        timeout=BUSY_SECONDS,
        check_same_thread=False,
    )


def see(path: str) -> Sight:
    """Look at the files of the database at ``path``; raises OSError."""
    path = os.path.realpath(path)
    found = os.stat(path)
    return Sight(found.st_ino, found.st_size, found.st_mtime_ns, size_of(path + "-wal"))


def is_quiet(path: str, sight: Sight) -> bool:
    """Whether the database is one in WAL mode that nobody has open for writing."""
    if sight.wal:
        return False
    with open(path, "rb") as file:
        return file.read(19)[18:] == bytes([_WAL_FORMAT])


def connect_readonly(path: str) -> tuple[sqlite3.Connection, Sight | None]:
    """A connection that changes nothing, and what the files looked like if they must stay like that.

    A reader of a database in WAL mode makes ``-wal`` and ``-shm`` files beside it, can't do without them in a
    folder that is read-only, and leaves them behind. Where nobody writes, the file is read as one that can't
    change (``immutable``), which makes none; but then no lock stops a writer that comes later, so what was read
    only counts if :func:`see` still gives the same afterwards. So it is with a copy, which is read instead where a
    writer has died and left what no reader can mend in place: half a change with its rollback journal
    (https://www.sqlite.org/lockingv3.html, section 4), or a log on a share.
    """
    sight = see(path)
    if is_quiet(path, sight):
        return connect(path, mode="ro", immutable="1"), sight
    if sight.wal and share(path):
        return _recovered(path), sight
    connection = connect(path, mode="ro")
    try:
        connection.execute("PRAGMA schema_version")
    except sqlite3.Error as error:
        connection.close()
        if getattr(error, "sqlite_errorcode", 0) != sqlite3.SQLITE_READONLY_ROLLBACK:
            raise
        return _recovered(path), sight
    return connection, None


def _recovered(path: str) -> sqlite3.Connection:
    """A copy, brought to what was committed last, of a database whose writer died; it vanishes when it is closed."""
    path = os.path.realpath(path)
    with tempfile.TemporaryDirectory(prefix="glacier-backup-") as folder:
        copy = os.path.join(folder, "database")
        for suffix in ("", "-journal", "-wal"):
            if os.path.exists(path + suffix):
                shutil.copyfile(path + suffix, copy + suffix)
        with closing(connect(copy, mode="rw")) as recovering:
            recovering.execute("PRAGMA schema_version")
        connection = connect(copy, mode="ro", immutable="1")
        connection.execute("PRAGMA schema_version")  # opens the file, which may lose its name then
        return connection


def size_of(path: str) -> int:
    """Bytes of a file, 0 if there is none."""
    try:
        return os.stat(path).st_size
    except FileNotFoundError:
        return 0
