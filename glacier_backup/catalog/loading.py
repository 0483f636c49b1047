"""Stored archives by their ids. Without SQLAlchemy."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from functools import lru_cache
from typing import Any

from glacier_backup.catalog.database import Execute
from glacier_backup.catalog.exact import unpack_integer, unpack_text
from glacier_backup.catalog.paging import marks
from glacier_backup.errors import CatalogError
from glacier_backup.model.recipe import Recipe, parse_recipe
from glacier_backup.model.stored import StoredArchive, StoredVolume

_ARCHIVES = """
    SELECT id, destination, path, name, COALESCE(label_time, sent_at), sent_at, host, kind, container, recipe,
        source_bytes, newest_mtime_ns, mode, fixed_key, digest,
        EXISTS (SELECT 1 FROM members WHERE archive = archives.id),
        problems, changed_while_read, origin, suffix, alias, sha256, expired_at
    FROM archives WHERE sent_at IS NOT NULL AND id IN
"""

_VOLUMES = """
    SELECT archive, number, locator, bytes, tree_hash, stored_at, sha256, crc64nvme, storage_class,
        leaves IS NOT NULL, verified_at, damaged_at, damage, role, volume, suffix, hmac_sha256, slice_sha256
    FROM volumes WHERE archive IN
"""


def load(execute: Execute, ids: Sequence[int]) -> list[StoredArchive]:
    """Those of ``ids`` (no more than a statement takes) that are stored, in that order.

    Raises CatalogError for one whose recipe can't be read: what it is made of must not be guessed.
    """
    objects = volumes_of(execute, ids)
    rows = {row[0]: row for row in execute(f"{_ARCHIVES} ({marks(len(ids))})", tuple(ids))}
    return [_archive(rows[id], objects.get(id, ())) for id in ids if id in rows]


def volumes_of(execute: Execute, ids: Sequence[int]) -> dict[int, list[StoredVolume]]:
    """All objects of each of these archives that has any, stored or on its way, in the order of their numbers."""
    found: dict[int, list[StoredVolume]] = {}
    for archive, *rest in execute(f"{_VOLUMES} ({marks(len(ids))}) ORDER BY archive, number", tuple(ids)):
        found.setdefault(archive, []).append(_volume(rest))
    return found


def _volume(row: Sequence[Any]) -> StoredVolume:
    number, locator, size, tree_hash, stored_at, sha256, crc64nvme, storage_class, has_leaves, *rest = row
    verified_at, damaged_at, damage, role, volume, suffix, *more = rest
    sums = (sha256, crc64nvme, storage_class, bool(has_leaves))
    found = (_when(verified_at), _when(damaged_at), _text(damage))
    when = datetime.fromisoformat(stored_at)
    return StoredVolume(
        number, unpack_text(locator), size, tree_hash, when, *sums, *found, role, volume, unpack_text(suffix), *more
    )


def _archive(row: Sequence[Any], objects: Sequence[StoredVolume]) -> StoredArchive:
    id, place, path, name, time, sent_at, host, kind, container, recipe, size, newest, mode, *rest = row
    fixed_key, digest, has_members, problems, changed, origin, suffix, alias, sha256, expired_at = rest
    path = unpack_text(path)
    parts, beside = _told_apart(objects)
    return StoredArchive(
        id=id,
        place_id=place,
        path=path,
        name=unpack_text(name),
        time=datetime.fromisoformat(time),
        sent_at=datetime.fromisoformat(sent_at),
        volumes=parts,
        host=_text(host),
        kind=kind,
        container=container,
        recipe=None if recipe is None else _recipe(recipe, path),
        source_bytes=size,
        mtime_ns=None if newest is None else unpack_integer(newest),
        mode=mode,
        fixed_key=_text(fixed_key),
        digest=digest,
        has_members=bool(has_members),
        problems=problems,
        changed_while_read=bool(changed),
        origin=_text(origin),
        beside=beside,
        suffix=unpack_text(suffix),
        alias=_text(alias),
        sha256=sha256,
        expired_at=_when(expired_at),
    )


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


def _text(stored: str | bytes | None) -> str | None:
    return None if stored is None else unpack_text(stored)


def _when(stored: str | None) -> datetime | None:
    return None if stored is None else datetime.fromisoformat(stored)
