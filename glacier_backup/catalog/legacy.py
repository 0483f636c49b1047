"""The record of glacier_backup 1.2: one SQLite file a vault, table ``uploads(path, name, archive_id, uploaded_date)``.

It is append-only: the last row of a path counts. It is read and never changed, and no file is made beside it.
"""

from __future__ import annotations

import os
import sqlite3
from collections.abc import Callable
from contextlib import closing
from datetime import UTC, datetime
from typing import NamedTuple

from glacier_backup.catalog.connect import connect_readonly, size_of
from glacier_backup.catalog.exact import unpack_text
from glacier_backup.errors import CatalogError
from glacier_backup.model.record import ForeignUpload

LONG_AGO = datetime(1970, 1, 1, tzinfo=UTC)
"""Stands for a date that can't be read: whatever is compared with it has changed since, and is sent again."""

_TABLES = "SELECT name FROM sqlite_master WHERE type = 'table'"
_UPLOADS = "SELECT path, name, archive_id, uploaded_date FROM uploads ORDER BY rowid"


class _Row(NamedTuple):
    """As SQLite gives it: a column may hold any type."""

    path: object
    name: object
    archive_id: object
    uploaded_date: object


def find_record(folder: str, vault: str) -> str | None:
    """The record of ``vault`` in ``folder``, if there is one that is not empty.

    1.2 took quotes around a value in the INI file for a part of it, and so has them in the file's name.
    """
    paths = (os.path.join(folder, f"glacier.{quote}{vault}{quote}.sqlite3") for quote in ("", "'", '"'))
    return next((path for path in paths if os.path.isfile(path) and size_of(path)), None)


def read_uploads(path: str, warn: Callable[[str], None] = lambda message: None) -> list[ForeignUpload]:
    """The last upload of each path, in the order of the rows; paths without trailing slashes.

    Rows without an absolute path or without an archive id are left out, and ``warn`` is told how many. A database
    without any table is an empty record, for 1.2 left such behind. Raises CatalogError for any other file.
    """
    last: dict[str, ForeignUpload] = {}
    left_out = 0
    for row in _rows(path):
        upload = _upload(row)
        if upload is None:
            left_out += 1
        else:
            last.pop(upload.path, None)
            last[upload.path] = upload
    if left_out:
        warn(f"{path}: {left_out} uploads are left out, for they have no absolute path or no archive id")
    return list(last.values())


def _rows(path: str) -> list[_Row]:
    try:
        with closing(connect_readonly(path)[0]) as database:
            database.text_factory = os.fsdecode
            tables = {name for (name,) in database.execute(_TABLES)}
            return [_Row(*row) for row in database.execute(_UPLOADS)] if tables else []
    except (sqlite3.Error, OSError) as error:
        raise CatalogError(
            f"{path} can't be read as the record of glacier_backup 1.2: {_cause(error)}",
            hint="that record is the file glacier.<vault>.sqlite3 beside the configuration of 1.2",
        ) from error


def _cause(error: sqlite3.Error | OSError) -> str:
    if isinstance(error, OSError):
        return error.strerror or str(error)
    return str(error)


def _upload(row: _Row) -> ForeignUpload | None:
    path = _text(row.path)
    locator = _text(row.archive_id)
    if not path.startswith("/") or not locator:
        return None
    path = path.rstrip("/") or "/"
    return ForeignUpload(path, _text(row.name) or os.path.basename(path), locator, _date(row.uploaded_date))


def _text(value: object) -> str:
    return unpack_text(value) if isinstance(value, str | bytes) else ""


def _date(value: object) -> datetime:
    """Seconds since the epoch as a number or its text, or a date in ISO 8601, which is UTC unless it says so."""
    try:
        return datetime.fromtimestamp(float(str(value)), UTC)
    except (ValueError, OverflowError, OSError):
        pass
    try:
        date = datetime.fromisoformat(str(value))
        return date.astimezone(UTC) if date.tzinfo else date.replace(tzinfo=UTC)
    except (ValueError, OverflowError):
        return LONG_AGO
