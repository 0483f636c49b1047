"""Taking over what another system has recorded as sent."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime

from sqlalchemy import Connection, func, insert, select

from glacier_backup.catalog.queries import VARIABLES, is_stored_at, last_sent
from glacier_backup.catalog.schema import archives, uploads, volumes
from glacier_backup.model.record import ForeignUpload


def import_uploads(connection: Connection, destination: int, foreign: Iterable[ForeignUpload], source: str) -> int:
    """Add the last upload of each path unless it is there already; returns how many were added.

    They have no fingerprint, no checksum and no sizes.
    """
    wanted = {upload.path: upload for upload in foreign}
    known = _known(connection, destination, list(wanted))
    newest = {path: last.sent_at for path, last in last_sent(connection, destination, list(wanted)).items()}
    newest |= _under_way(connection, destination)
    fresh = [upload for upload in wanted.values() if (upload.path, upload.locator) not in known]
    for upload in fresh:
        since = newest.get(upload.path)
        outdated = since is not None and upload.sent_at < since
        _add(connection, destination, upload, source, _lowest_id(connection) - 1 if outdated else None)
    return len(fresh)


def _known(connection: Connection, destination: int, paths: Sequence[str]) -> set[tuple[str, str]]:
    """Path and locator of each archive of ``paths``."""
    found: set[tuple[str, str]] = set()
    query = select(archives.c.path, volumes.c.locator).join_from(archives, volumes)
    for start in range(0, len(paths), VARIABLES):
        chunk = archives.c.path.in_(paths[start : start + VARIABLES])
        rows = connection.execute(query.where(is_stored_at(destination), chunk))
        found.update((path, locator) for path, locator in rows)
    return found


def _under_way(connection: Connection, destination: int) -> dict[str, datetime]:
    """When the paths were intended that have their id already, and may still turn out to be stored."""
    query = select(archives.c.path, func.max(uploads.c.begun_at)).join_from(archives, uploads)
    rows = connection.execute(query.where(archives.c.destination == destination).group_by(archives.c.path))
    return dict(iter(rows))


def _add(connection: Connection, destination: int, upload: ForeignUpload, source: str, id: int | None) -> None:
    row = {
        "id": id,
        "destination": destination,
        "path": upload.path,
        "name": upload.name,
        "sent_at": upload.sent_at,
        "problems": 0,
        "changed_while_read": False,
        "origin": source,
    }
    archive = connection.execute(insert(archives), row).lastrowid
    volume = {"archive": archive, "number": 1, "locator": upload.locator, "stored_at": upload.sent_at}
    connection.execute(insert(volumes), volume)


def _lowest_id(connection: Connection) -> int:
    """The newest archive of a path is the one with the highest id. What is taken over after something newer
    was recorded gets an id below all others (they count down from -1), so that it is never taken for the newest."""
    return min(0, connection.execute(select(func.min(archives.c.id))).scalar_one() or 0)
