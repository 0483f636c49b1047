"""All that was sent, one line each. Without SQLAlchemy, which would take longer to load than this takes."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from typing import Any

from glacier_backup.catalog.database import Database
from glacier_backup.catalog.exact import unpack_text
from glacier_backup.catalog.paging import Rows, in_order
from glacier_backup.catalog.place_rows import place_of
from glacier_backup.model.record import Listed
from glacier_backup.units import rfc3339

_OF_DATA = "FROM volumes WHERE archive = archives.id AND role = 'data'"

_DAMAGE = f"(SELECT damage {_OF_DATA} AND damaged_at IS NOT NULL ORDER BY volume, number LIMIT 1)"
"""What is wrong with the first volume that is known to be missing or wrong. What lies beside them is of no account."""

_FIRST = f"(SELECT number {_OF_DATA} ORDER BY volume, number LIMIT 1)"
"""The number of the object that an archive begins in."""

_COLUMNS = (
    "sent_at, archives.id, path, archives.name, COALESCE(source_bytes, 0), COALESCE(stored_bytes, 0), "
    "destinations.kind, destinations.name, region, account, locator, "
    f"CASE volume WHEN 0 THEN tree_hash END, problems, changed_while_read, {_DAMAGE}"
)
_SOURCE = f"""
    archives JOIN destinations ON destinations.id = archives.destination
    JOIN volumes ON volumes.archive = archives.id AND volumes.number = {_FIRST}
"""


def listed(database: Database, since: datetime | None) -> Iterator[Listed]:
    """Everything that was sent at ``since`` or later, the newest last."""
    condition, values = ("sent_at IS NOT NULL", ()) if since is None else ("sent_at >= ?", (rfc3339(since),))
    return map(_listed, in_order(database, Rows(_COLUMNS, _SOURCE, condition, values, order=2)))


def _listed(row: tuple[Any, ...]) -> Listed:
    sent_at, id, path, name, size, stored, kind, place, region, account, *rest = row
    locator, tree_hash, problems, changed, hurt = rest
    return Listed(
        id=id,
        path=unpack_text(path),
        name=unpack_text(name),
        bytes=size,
        stored_bytes=stored,
        destination=str(place_of(kind, place, region, account)),
        locator=unpack_text(locator),
        sha256_tree=tree_hash,
        sent_at=datetime.fromisoformat(sent_at),
        problems=problems,
        changed_while_read=bool(changed),
        damage=None if hurt is None else unpack_text(hurt),
    )
