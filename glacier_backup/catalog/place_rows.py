"""What a row of ``destinations`` stands for. Without SQLAlchemy."""

from __future__ import annotations

from typing import cast

from glacier_backup.catalog.database import Execute
from glacier_backup.catalog.exact import unpack_text
from glacier_backup.model.place import DestinationKind, Place


def place_of(kind: str, name: str | bytes, region: str, account: str) -> Place:
    return Place(cast(DestinationKind, kind), unpack_text(name), region, account)


def listed(execute: Execute) -> list[tuple[int, Place]]:
    """Every place with its id, in the order in which they were made known."""
    rows = execute("SELECT id, kind, name, region, account FROM destinations ORDER BY id")
    return [(id, place_of(*rest)) for id, *rest in rows]
