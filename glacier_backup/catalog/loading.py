"""Stored archives by their ids."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from functools import lru_cache

from sqlalchemy import Connection, exists, select

from glacier_backup.catalog.paging import AnyRow
from glacier_backup.catalog.schema import archives, members, volumes
from glacier_backup.errors import CatalogError
from glacier_backup.model.recipe import Recipe, parse_recipe
from glacier_backup.model.stored import StoredArchive, StoredVolume

_ARCHIVES = select(
    archives.c.id,
    archives.c.destination,
    archives.c.path,
    archives.c.name,
    archives.c.label_time,
    archives.c.sent_at,
    archives.c.host,
    archives.c.kind,
    archives.c.container,
    archives.c.recipe,
    archives.c.source_bytes,
    archives.c.newest_mtime_ns,
    archives.c.mode,
    archives.c.fixed_key,
    archives.c.digest,
    exists().where(members.c.archive == archives.c.id),
    archives.c.problems,
    archives.c.changed_while_read,
    archives.c.origin,
    archives.c.suffix,
    archives.c.alias,
    archives.c.sha256,
    archives.c.expired_at,
).where(archives.c.sent_at.is_not(None))

_VOLUMES = select(
    volumes.c.archive,
    volumes.c.number,
    volumes.c.locator,
    volumes.c.bytes,
    volumes.c.tree_hash,
    volumes.c.stored_at,
    volumes.c.sha256,
    volumes.c.crc64nvme,
    volumes.c.storage_class,
    volumes.c.leaves.is_not(None),
    volumes.c.verified_at,
    volumes.c.damaged_at,
    volumes.c.damage,
    volumes.c.role,
    volumes.c.volume,
    volumes.c.suffix,
    volumes.c.hmac_sha256,
    volumes.c.slice_sha256,
).order_by(volumes.c.archive, volumes.c.number)


def load(connection: Connection, ids: Sequence[int]) -> list[StoredArchive]:
    """Those of ``ids`` (no more than a statement takes) that are stored, in that order.

    Raises CatalogError for one whose recipe can't be read: what it is made of must not be guessed.
    """
    objects = volumes_of(connection, ids)
    rows = {row.id: row for row in connection.execute(_ARCHIVES.where(archives.c.id.in_(ids)))}
    return [_archive(rows[id], objects.get(id, ())) for id in ids if id in rows]


def volumes_of(connection: Connection, ids: Sequence[int]) -> dict[int, list[StoredVolume]]:
    """All objects of each of these archives that has any, stored or on its way, in the order of their numbers."""
    found: dict[int, list[StoredVolume]] = {}
    for archive, *rest in connection.execute(_VOLUMES.where(volumes.c.archive.in_(ids))):
        found.setdefault(archive, []).append(StoredVolume(*rest))
    return found


def _archive(row: AnyRow, objects: Sequence[StoredVolume]) -> StoredArchive:
    id, place, path, name, label_time, sent_at, host, kind, container, recipe, *rest = row
    *known, suffix, alias, sha256, expired_at = rest
    time: datetime = label_time or sent_at
    made = None if recipe is None else _recipe(recipe, path)
    parts, beside = _told_apart(objects)
    rest = [host, kind, container, made, *known, beside, suffix, alias, None, sha256, expired_at]
    return StoredArchive(id, place, path, name, time, sent_at, parts, *rest)


def _told_apart(objects: Sequence[StoredVolume]) -> tuple[tuple[StoredVolume, ...], tuple[StoredVolume, ...]]:
    """Those that the archive's bytes are in, in their order, and those beside them."""
    parts = sorted((one for one in objects if one.role == "data"), key=lambda one: one.volume)
    return tuple(parts), tuple(one for one in objects if one.role != "data")


def _recipe(text: str, path: str) -> Recipe:
    try:
        return _parsed(text)
    except (ValueError, KeyError, TypeError) as error:
        raise CatalogError(
            f"{path}: how its archive was made can't be read: {error}",
            hint="was it made by a newer glacier-backup? Then use that one again",
        ) from error


@lru_cache(maxsize=64)
def _parsed(text: str) -> Recipe:
    """Many have the same."""
    return parse_recipe(text)
