"""What is stored, as rows for other programs."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import datetime

from glacier_backup.catalog import place_rows
from glacier_backup.catalog.choosing import stored_archives
from glacier_backup.catalog.database import Database
from glacier_backup.model.stored import ArchiveFilter, StoredArchive, StoredVolume
from glacier_backup.units import rfc3339

Exported = dict[str, object]
"""Text, numbers, booleans, None, and under ``volumes`` a list of the same: what JSON has."""


def export_rows(database: Database) -> Iterator[Exported]:
    """One per archive, in the order of :func:`stored_archives`, always with the same keys."""
    names = {id: str(place) for id, place in database.ask(place_rows.listed)}
    for archive in stored_archives(database, ArchiveFilter()):
        yield _row(archive, names)


def _row(archive: StoredArchive, places: Mapping[int, str]) -> Exported:
    return {
        "id": archive.id,
        "path": archive.path,
        "host": archive.host,
        "name": archive.name,
        "kind": archive.kind,
        "container": archive.container,
        "destination": places.get(archive.place_id),
        "time": rfc3339(archive.time),
        "sent_at": rfc3339(archive.sent_at),
        "source_bytes": archive.source_bytes,
        "stored_bytes": _stored_bytes(archive),
        "mtime_ns": archive.mtime_ns,
        "mode": archive.mode,
        "fixed_key": archive.fixed_key,
        "fingerprint": archive.digest,
        "recipe": archive.recipe.to_json() if archive.recipe else None,
        "problems": archive.problems,
        "changed_while_read": archive.changed_while_read,
        "origin": archive.origin,
        "suffix": archive.suffix,
        "alias": archive.alias,
        "content_sha256": archive.sha256,
        "expired_at": _time(archive.expired_at),
        "volumes": [_volume(one) for one in archive.objects],
    }


def _stored_bytes(archive: StoredArchive) -> int | None:
    sizes = [one.size for one in archive.objects]
    return None if None in sizes else sum(size or 0 for size in sizes)


def _volume(volume: StoredVolume) -> Exported:
    return {
        "number": volume.number,
        "role": volume.role,
        "volume": volume.volume,
        "suffix": volume.suffix,
        "locator": volume.locator,
        "bytes": volume.size,
        "sha256_tree": volume.tree_hash,
        "sha256": volume.sha256,
        "crc64nvme": volume.crc64nvme,
        "hmac_sha256": volume.hmac_sha256,
        "storage_class": volume.storage_class,
        "stored_at": rfc3339(volume.stored_at),
        "verified_at": _time(volume.verified_at),
        "damaged_at": _time(volume.damaged_at),
        "damage": volume.damage,
    }


def _time(moment: datetime | None) -> str | None:
    return None if moment is None else rfc3339(moment)
