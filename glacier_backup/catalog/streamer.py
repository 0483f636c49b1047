"""The record of the Storage Box streamer: one SQLite file, table ``files(path, size, mtime, uploaded_at)``.

One row for each file that was sent; times are seconds since 1970. It says nothing of servers, buckets or keys. It is
read and never changed, and what is in it is not trusted: a column may hold anything.
"""

from __future__ import annotations

import os
import sqlite3
from collections.abc import Callable, Iterator
from contextlib import closing
from datetime import UTC, datetime
from typing import NamedTuple, TypeGuard

from glacier_backup.catalog.connect import connect_readonly
from glacier_backup.catalog.exact import GREATEST_INTEGER, unpack_text
from glacier_backup.errors import CatalogError

_COLUMNS = ("path", "size", "mtime", "uploaded_at")
_FILES = f"SELECT {', '.join(_COLUMNS)} FROM files"  # noqa: S608  # a constant
_LATEST = int(datetime(9999, 1, 1, tzinfo=UTC).timestamp())


class SentFile(NamedTuple):
    """One file that was sent. A plain tuple, for there may be millions."""

    path: str
    """As it is recorded: absolute or not. No component is empty, ``.`` or ``..``."""
    size: int
    """Bytes."""
    mtime: int
    """Seconds since 1970."""
    uploaded_at: int
    """Seconds since 1970."""


def is_streamer_record(path: str) -> bool:
    """Whether the file is a database with that table. Raises CatalogError for one that can't be read."""
    try:
        with closing(connect_readonly(path)[0]) as database:
            found = {name for _, name, *_ in database.execute("PRAGMA table_info(files)")}
    except (sqlite3.Error, OSError) as error:
        raise _unreadable(path, error) from error
    return found.issuperset(_COLUMNS)


def read_files(path: str, left_out: Callable[[], object]) -> Iterator[SentFile]:
    """The files that the record at ``path`` holds, one after the other.

    ``left_out`` is called for each row that says nothing of use: no path, one with ``..`` in it, or a number that is
    none, is negative or is out of all proportion. Raises CatalogError.
    """
    try:
        with closing(connect_readonly(path)[0]) as database:
            database.text_factory = os.fsdecode
            for row in database.execute(_FILES):
                file = _file(*row)
                if file is None:
                    left_out()
                else:
                    yield file
    except (sqlite3.Error, OSError) as error:
        raise _unreadable(path, error) from error


def _file(path: object, size: object, mtime: object, uploaded_at: object) -> SentFile | None:
    if not isinstance(path, str | bytes):
        return None
    text = unpack_text(path)
    names = [name for name in text.split("/") if name not in ("", ".")]
    if not names or ".." in names or "\0" in text:
        return None
    if not (_is_count(size, GREATEST_INTEGER) and _is_count(mtime, _LATEST) and _is_count(uploaded_at, _LATEST)):
        return None
    return SentFile(("/" if text.startswith("/") else "") + "/".join(names), size, mtime, uploaded_at)


def _is_count(value: object, most: int) -> TypeGuard[int]:
    return isinstance(value, int) and 0 <= value <= most


def _unreadable(path: str, error: sqlite3.Error | OSError) -> CatalogError:
    cause = (error.strerror or str(error)) if isinstance(error, OSError) else str(error)
    return CatalogError(
        f"{path} can't be read as the record of another program: {cause}",
        hint="that of the Storage Box streamer is archive_state.db, that of glacier_backup 1.2 "
        "glacier.<vault>.sqlite3, that of pyArchiver NAME.archive",
    )
