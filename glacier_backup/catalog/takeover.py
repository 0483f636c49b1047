"""Taking over what another system has recorded as sent."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime
from itertools import chain

from sqlalchemy import Connection, func, insert, select

from glacier_backup.catalog import grouping
from glacier_backup.catalog.copies import note_change
from glacier_backup.catalog.paging import VARIABLES
from glacier_backup.catalog.queries import is_stored_at
from glacier_backup.catalog.schema import archives, uploads, volumes
from glacier_backup.catalog.sent import last_sent
from glacier_backup.chunks import in_chunks
from glacier_backup.model.recipe import Recipe, Step
from glacier_backup.model.record import AsIs, ForeignUpload

_AS_IT_IS = Recipe((Step("raw"),)).to_json()

OUTDATED = -(2**31)
"""Where ids of what is outdated begin. Between here and 0 is room for what is found later, and is newer."""

Row = dict[str, object]


def import_uploads(connection: Connection, destination: int, foreign: Iterable[ForeignUpload], source: str) -> int:
    """Add the last upload of each path unless it is there already; returns how many were added.

    They have no checksum, and unless they were stored as they are no fingerprint and no sizes.
    """
    wanted = {upload.path: upload for upload in foreign}
    known = _known(connection, destination, list(wanted))
    newest = {path: last.sent_at for path, last in last_sent(connection, destination, list(wanted)).items()}
    newest |= under_way(connection, destination)
    fresh = [upload for upload in wanted.values() if not _is_known(upload, known.get((upload.path, upload.locator)))]
    rows = [(_archive_row(destination, upload, source), _volume_row(upload)) for upload in fresh]
    outdated = [newest.get(upload.path, upload.sent_at) > upload.sent_at for upload in fresh]
    if fresh:
        note_change(connection)
    newest_ids = _add_newest(connection, [row for row, is_old in zip(rows, outdated, strict=True) if not is_old])
    outdated_ids = _add_outdated(connection, [row for row, is_old in zip(rows, outdated, strict=True) if is_old])
    for chunk in in_chunks(chain(newest_ids, outdated_ids), VARIABLES):
        grouping.add(connection, chunk)
    return len(fresh)


def _known(connection: Connection, destination: int, paths: Sequence[str]) -> dict[tuple[str, str], datetime]:
    """When each archive of ``paths`` was last sent, by path and locator."""
    found: dict[tuple[str, str], datetime] = {}
    query = select(archives.c.path, volumes.c.locator, func.max(archives.c.sent_at)).join_from(archives, volumes)
    for start in range(0, len(paths), VARIABLES):
        chunk = archives.c.path.in_(paths[start : start + VARIABLES])
        rows = connection.execute(query.where(is_stored_at(destination), chunk).group_by("path", "locator"))
        found.update(((path, locator), sent_at) for path, locator, sent_at in rows)
    return found


def _is_known(upload: ForeignUpload, sent_at: datetime | None) -> bool:
    """A key that stays the same may have been written again since."""
    return sent_at is not None and (upload.as_is is None or upload.sent_at <= sent_at)


def under_way(connection: Connection, destination: int) -> dict[str, datetime]:
    """When the paths were intended that have their id already, and may still turn out to be stored."""
    query = select(archives.c.path, func.max(uploads.c.begun_at)).join_from(archives, uploads)
    rows = connection.execute(query.where(archives.c.destination == destination).group_by(archives.c.path))
    return dict(iter(rows))


def _archive_row(destination: int, upload: ForeignUpload, source: str) -> Row:
    row: Row = {
        "destination": destination,
        "path": upload.path,
        "name": upload.name,
        "sent_at": upload.sent_at,
        "problems": 0,
        "changed_while_read": False,
        "origin": source,
    }
    return row | _as_it_is(upload.as_is)


def _as_it_is(known: AsIs | None) -> Row:
    """The same columns for all, so that they can be added together."""
    seen = None if known is None else known.fingerprint
    return {
        "kind": known and "file",
        "container": known and "raw",
        "recipe": known and _AS_IT_IS,
        "source_bytes": seen and seen.bytes,
        "stored_bytes": seen and seen.bytes,
        "entries": seen and seen.entries,
        "digest": seen and seen.digest,
        "newest_mtime_ns": seen and seen.newest_mtime_ns,
        "fixed_key": known and known.fixed_key,
    }


def _volume_row(upload: ForeignUpload) -> Row:
    return {
        "number": 1,
        "locator": upload.locator,
        "bytes": upload.as_is.fingerprint.bytes if upload.as_is else None,
        "storage_class": upload.as_is.storage_class if upload.as_is else None,
        "stored_at": upload.sent_at,
    }


def _add_newest(connection: Connection, rows: Sequence[tuple[Row, Row]]) -> Sequence[int]:
    """The first gets an id from the database, which is higher than any before, and the others those behind it."""
    if not rows:
        return ()
    (archive, volume), *others = rows
    first = connection.execute(insert(archives), archive).lastrowid
    connection.execute(insert(volumes), volume | {"archive": first})
    ids = range(first, first + len(rows))
    _add(connection, others, ids[1:])
    return ids


def _add_outdated(connection: Connection, rows: Sequence[tuple[Row, Row]]) -> Sequence[int]:
    """The newest archive of a path is the one with the highest id. What is taken over after something newer
    was recorded gets an id below all others, so that it is never taken for the newest."""
    if not rows:
        return ()
    lowest = min(OUTDATED, connection.execute(select(func.min(archives.c.id))).scalar_one() or 0)
    ids = range(lowest - 1, lowest - 1 - len(rows), -1)
    _add(connection, rows, ids)
    return ids


def _add(connection: Connection, rows: Sequence[tuple[Row, Row]], ids: Sequence[int]) -> None:
    if rows:
        connection.execute(insert(archives), [row | {"id": id_} for id_, (row, _) in zip(ids, rows, strict=True)])
        connection.execute(insert(volumes), [row | {"archive": id_} for id_, (_, row) in zip(ids, rows, strict=True)])
