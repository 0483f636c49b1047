"""The record of s3-backup: the SQLite file ``s3_content.sqlite``, of version 1 or 2, which it calls its cache.

Version 2 has ``s3_object_info(key, size, mtime)`` and ``s3_metadata(key, name, value)``: of each object of a bucket its
size, the second in which it was stored or, of what that program has stored itself, in which that was done; and what its
metadata says. Version 1 has both in ``s3_cache(key, size, mtime, plaintext_size, plaintext_hash)``. Neither says which
bucket it is, so that what it says is only asked of what a bucket really has. It is read and never changed, and nothing
in it is trusted: a column may hold anything.
"""

from __future__ import annotations

import os
import sqlite3
from collections.abc import Iterator, Mapping
from contextlib import closing, contextmanager
from datetime import datetime, timedelta

from glacier_backup.catalog.connect import connect_readonly
from glacier_backup.catalog.exact import unpack_text
from glacier_backup.errors import CatalogError

_V2, _V1 = frozenset({"s3_object_info", "s3_metadata"}), frozenset({"s3_cache"})
_TABLES = "SELECT name FROM sqlite_master WHERE type = 'table'"

_INFO = {1: "SELECT size, mtime FROM s3_cache WHERE key = ?", 2: "SELECT size, mtime FROM s3_object_info WHERE key = ?"}
_METADATA = {
    1: """
    SELECT 'plaintext-size', plaintext_size FROM s3_cache WHERE key = :key
    UNION ALL SELECT 'plaintext-hash', plaintext_hash FROM s3_cache WHERE key = :key
    """,
    2: "SELECT name, value FROM s3_metadata WHERE key = :key AND length(value) <= 2048 LIMIT 64",
}
_COUNT = {1: "SELECT count(*) FROM s3_cache", 2: "SELECT count(*) FROM s3_object_info"}

_EARLIER = timedelta(minutes=15)
"""How much earlier than the bucket says something may have been stored by the clock of whoever did (S3 API reference,
"Error responses", RequestTimeTooSkewed)."""


def is_s3_backups_record(path: str) -> bool:
    """Whether the file is a database with its tables. Raises CatalogError for one that can't be read."""
    with _translated(path), closing(connect_readonly(path)[0]) as database:
        return _version(database) is not None


class S3BackupRecord:
    """One such file, open. Only for one thread. All raise CatalogError."""

    def __init__(self, path: str, database: sqlite3.Connection) -> None:
        self.path = path
        self._database = database
        self._version = _version(database) or 2

    def count(self) -> int:
        """How many objects it knows."""
        with _translated(self.path):
            found = self._database.execute(_COUNT[self._version]).fetchone()[0]
            return found if isinstance(found, int) else 0

    def metadata(self, key: str, size: int, stored_at: datetime) -> Mapping[str, str] | None:
        """What the metadata of an object says, of which the bucket tells the other things; None where the record
        doesn't know it, or knew another one."""
        with _translated(self.path):
            row = self._database.execute(_INFO[self._version], (key,)).fetchone()
            if row is None or row[0] != size or not _is_of(row[1], stored_at):
                return None
            rows = self._database.execute(_METADATA[self._version], {"key": key})
            return {_text(name).lower(): _text(value) for name, value in rows if name is not None and value is not None}


@contextmanager
def opened(path: str) -> Iterator[S3BackupRecord]:
    """The record there. Raises CatalogError."""
    with _translated(path), closing(connect_readonly(path)[0]) as database:
        database.text_factory = os.fsdecode
        yield S3BackupRecord(path, database)


def _version(database: sqlite3.Connection) -> int | None:
    tables = {name for (name,) in database.execute(_TABLES)}
    return 2 if tables >= _V2 else 1 if tables >= _V1 else None


def _is_of(told: object, stored_at: datetime) -> bool:
    """A store says when something large was begun, and that program when it was done."""
    if isinstance(told, float):
        told = int(told) if abs(told) < 1e12 else None
    return isinstance(told, int) and told >= int((stored_at - _EARLIER).timestamp())


def _text(value: object) -> str:
    return unpack_text(value) if isinstance(value, str | bytes) else str(value)


@contextmanager
def _translated(path: str) -> Iterator[None]:
    try:
        yield
    except (sqlite3.Error, OSError) as error:
        cause = (error.strerror or str(error)) if isinstance(error, OSError) else str(error)
        raise CatalogError(
            f"{path} can't be read as the record of s3-backup: {cause}",
            hint="that record is the file that its --cache-file names, s3_content.sqlite if nothing was said",
        ) from error
