"""Adding archives of which only their destination still knew."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from itertools import chain

from sqlalchemy import ColumnElement, Connection, func, select, text

from glacier_backup.catalog import expiring, grouping, recording, twins
from glacier_backup.catalog.copies import note_change
from glacier_backup.catalog.database import Database
from glacier_backup.catalog.exact import pack_integer, pack_text
from glacier_backup.catalog.packed import Packed, add_rows
from glacier_backup.catalog.paging import VARIABLES
from glacier_backup.catalog.queries import is_stored_at
from glacier_backup.catalog.schema import archives, grouped, volumes
from glacier_backup.catalog.takeover import OUTDATED, under_way
from glacier_backup.chunks import in_chunks
from glacier_backup.model.stored import Rebuilt, StoredVolume
from glacier_backup.units import rfc3339

Row = dict[str, Packed]


class _Ids:
    """Which ids archives get: of a path the newest has to have the highest.

    Those newer than all that is known of their path get ids above all others, as what is sent does. Those that are
    outdated get one below zero: the next free one there, counted up, so that what comes later, in this process or in
    one that goes on after it was killed, is the newer one; or, where something newer of their path lies there already,
    one below all others.
    """

    def __init__(self, connection: Connection) -> None:
        first = connection.execute(select(func.min(archives.c.id))).scalar() or 0
        self._lowest = min(first, OUTDATED) + OUTDATED

    def begin(self, connection: Connection) -> None:
        """For what is added in this transaction."""
        highest = connection.execute(text("SELECT seq FROM sqlite_sequence WHERE name = 'archives'")).scalar()
        self._top = max(highest or 0, 0)
        self._below = connection.execute(select(func.max(archives.c.id)).where(archives.c.id < 0)).scalar()

    def newest(self) -> int:
        self._top += 1
        return self._top

    def outdated(self) -> int:
        self._below = OUTDATED if self._below is None else self._below + 1
        return self._below

    def oldest(self) -> int:
        self._lowest += 1
        return self._lowest


def add_rebuilt(database: Database, destination: int, found: Iterable[Rebuilt]) -> int:
    """Add those of which no object is known at that place, oldest first; returns how many.

    Each chunk is a transaction: whatever dies, the next time adds what is missing.
    """
    ids, added = database.read(_Ids), 0
    for chunk in in_chunks(found, VARIABLES):
        with database.write() as connection:
            ids.begin(connection)
            added += _add(connection, destination, chunk, ids)
    return added


def _add(connection: Connection, destination: int, chunk: Sequence[Rebuilt], ids: _Ids) -> int:
    taken = _known(connection, destination, (volume.locator for one in chunk for volume in one.volumes))
    fresh = []
    for one in chunk:
        locators = {volume.locator for volume in one.volumes}
        if taken.isdisjoint(locators):
            taken |= locators
            fresh.append(one)
    if fresh:
        placed = _placed(connection, destination, fresh, ids)
        add_rows(connection, archives, [_archive_row(id, destination, one) for id, one in placed])
        add_rows(connection, volumes, (_volume_row(id, volume) for id, one in placed for volume in one.volumes))
        for id, one in placed:
            if one.members:
                recording.add_members(connection, id, one.members)
        twins.add_members(connection, [(id, one) for id, one in placed if not one.members])
        grouping.add(connection, [id for id, _ in placed])
        expiring.put_away(connection, destination, ((id, one.expired_at) for id, one in placed if one.expired_at))
        note_change(connection)
    return len(fresh)


def _known(connection: Connection, destination: int, locators: Iterable[str]) -> set[str]:
    """Which of them the catalog knows there."""
    query = select(volumes.c.locator).join_from(volumes, archives).where(archives.c.destination == destination)
    found: set[str] = set()
    for chunk in in_chunks(locators, VARIABLES):
        found.update(connection.execute(query.where(volumes.c.locator.in_(chunk))).scalars())
    return found


def _placed(connection: Connection, destination: int, fresh: Sequence[Rebuilt], ids: _Ids) -> list[tuple[int, Rebuilt]]:
    """Each with its id."""
    paths = list({one.label.path for one in fresh})
    newest = _newest(connection, destination, paths)
    for path, begun in under_way(connection, destination).items():
        newest[path] = max(begun, newest.get(path, begun))
    newest_below = _newest(connection, destination, paths, archives.c.id < 0)
    placed = []
    for one in fresh:
        path, time = one.label.path, one.label.time
        if _is_older(newest, path, time):
            if _is_older(newest_below, path, time):
                id = ids.oldest()
            else:
                id, newest_below[path] = ids.outdated(), time
        else:
            id, newest[path] = ids.newest(), time
        placed.append((id, one))
    return placed


def _is_older(newest: Mapping[str, datetime], path: str, time: datetime) -> bool:
    return path in newest and time < newest[path]


def _newest(
    connection: Connection, destination: int, paths: Sequence[str], *conditions: ColumnElement[bool]
) -> dict[str, datetime]:
    """Of each path the time of the archive with the highest id, its own or a group that it is in; also of a group that
    may yet turn out to be stored."""
    when = (archives.c.id, archives.c.label_time, archives.c.sent_at)
    alone = select(archives.c.path, *when).where(is_stored_at(destination), archives.c.path.in_(paths), *conditions)
    inside = select(grouped.c.path, *when).join_from(grouped, archives, archives.c.id == grouped.c.archive)
    inside = inside.where(grouped.c.destination == destination, grouped.c.path.in_(paths), *conditions)
    found: dict[str, tuple[int, datetime]] = {}
    for path, id, label_time, sent_at in chain(connection.execute(alone), connection.execute(inside)):
        if path not in found or found[path][0] < id:
            found[path] = (id, label_time or sent_at)
    return {path: time for path, (_, time) in found.items()}


def _archive_row(id: int, destination: int, one: Rebuilt) -> Row:
    label, seen = one.label, one.fingerprint
    sizes = [volume.size for volume in one.volumes]
    mtime_ns = seen.newest_mtime_ns if seen else label.mtime_ns
    return {
        "id": id,
        "destination": destination,
        "path": pack_text(label.path),
        "name": pack_text(label.name),
        "host": pack_text(label.host) if label.host else None,
        "kind": label.kind,
        "container": label.container,
        "recipe": one.recipe.to_json() if one.recipe else None,
        "description": None if one.description is None else pack_text(one.description),
        "source_bytes": seen.bytes if seen else None,
        "stored_bytes": None if any(size is None for size in sizes) else sum(size or 0 for size in sizes),
        "entries": seen.entries if seen else None,
        "digest": seen.digest if seen else None,
        "newest_mtime_ns": None if mtime_ns is None else pack_integer(mtime_ns),
        "mode": label.mode if seen is None or seen.mode is None else seen.mode,
        "label_time": rfc3339(label.time),
        "fixed_key": None if label.fixed_key is None else pack_text(label.fixed_key),
        "suffix": pack_text(label.suffix),
        "seal": pack_text(label.seal),
        "alias": None if label.alias is None else pack_text(label.alias),
        "sent_at": rfc3339(max(volume.stored_at for volume in one.volumes)),
        "problems": one.problems,
        "changed_while_read": one.changed_while_read,
        "origin": None if one.origin is None else pack_text(one.origin),
        "sha256": one.sha256,
    }


def _volume_row(id: int, volume: StoredVolume) -> Row:
    return {
        "archive": id,
        "number": volume.number,
        "locator": pack_text(volume.locator),
        "bytes": volume.size,
        "tree_hash": volume.tree_hash,
        "sha256": volume.sha256,
        "crc64nvme": volume.crc64nvme,
        "storage_class": volume.storage_class,
        "stored_at": rfc3339(volume.stored_at),
        "verified_at": rfc3339(volume.verified_at) if volume.verified_at else None,
        "role": volume.role,
        "volume": volume.volume,
        "suffix": pack_text(volume.suffix),
        "hmac_sha256": volume.hmac_sha256,
    }
