"""Reading what was sent. Each answers in full, so that no result stays open while others write."""

from __future__ import annotations

from datetime import datetime
from typing import NamedTuple

from sqlalchemy import ColumnElement, Connection, RowMapping, and_, case, func, select, tuple_

from glacier_backup.catalog.paging import PAGE
from glacier_backup.catalog.places import place_of
from glacier_backup.catalog.schema import archives, destinations, volumes
from glacier_backup.model.record import Listed

VARIABLES = 900
"""Values in one statement: below the 999 that every SQLite takes (https://www.sqlite.org/limits.html)."""

BEFORE_ALL = -(2**63)
"""Below every id."""

_others = volumes.alias()

damage = (
    select(volumes.c.damage)
    .where(volumes.c.archive == archives.c.id, volumes.c.damaged_at.is_not(None), volumes.c.role == "data")
    .order_by(volumes.c.volume, volumes.c.number)
    .limit(1)
    .correlate(archives)
    .scalar_subquery()
    .label("damage")
)
"""What is wrong with the first volume of an archive that is known to be missing or wrong. What lies beside them is of
no account: the archive can be had without."""

_first = (
    select(_others.c.number)
    .where(_others.c.archive == archives.c.id, _others.c.role == "data")
    .order_by(_others.c.volume, _others.c.number)
    .limit(1)
    .correlate(archives)
    .scalar_subquery()
)
"""The number of the object that an archive begins in."""

_LISTING = (
    select(
        archives.c.id,
        archives.c.path,
        archives.c.name,
        func.coalesce(archives.c.source_bytes, 0).label("bytes"),
        func.coalesce(archives.c.stored_bytes, 0).label("stored_bytes"),
        destinations.c.kind,
        destinations.c.name.label("place"),
        destinations.c.region,
        destinations.c.account,
        volumes.c.locator,
        case((volumes.c.volume == 0, volumes.c.tree_hash)).label("tree_hash"),
        archives.c.sent_at,
        archives.c.problems,
        archives.c.changed_while_read,
        damage,
    )
    .join_from(archives, destinations)
    .join(volumes, and_(volumes.c.archive == archives.c.id, volumes.c.number == _first))
    .where(archives.c.sent_at.is_not(None))
    .order_by(archives.c.sent_at, archives.c.id)
    .limit(PAGE)
)


class Mark(NamedTuple):
    """Where a page of the listing ended."""

    sent_at: datetime
    id: int


def list_archives(connection: Connection, since: datetime | None, after: Mark | None) -> list[tuple[Mark, Listed]]:
    """The next page of the archives sent at ``since`` or later, oldest first, those after ``after``."""
    query = _LISTING
    if since is not None:
        query = query.where(archives.c.sent_at >= since)
    if after is not None:
        query = query.where(tuple_(archives.c.sent_at, archives.c.id) > after)
    rows = connection.execute(query).mappings()
    return [(Mark(row["sent_at"], row["id"]), _listed(row)) for row in rows]


def holds_archives(connection: Connection, destination: int) -> bool:
    """Whether any archive is stored at one destination."""
    return connection.execute(select(archives.c.id).where(is_stored_at(destination)).limit(1)).first() is not None


def is_stored_at(destination: int) -> ColumnElement[bool]:
    """The condition for archives that are known to be stored there."""
    return and_(archives.c.destination == destination, archives.c.sent_at.is_not(None))


def is_part_of_unfinished(connection: Connection, destination: int, locator: str) -> bool:
    """Whether that is an object of an archive which isn't complete yet."""
    its = select(volumes.c.number).join_from(volumes, archives).where(volumes.c.locator == locator)
    on_its_way = and_(archives.c.destination == destination, archives.c.sent_at.is_(None))
    return connection.execute(its.where(on_its_way).limit(1)).first() is not None


def has_origin(connection: Connection, source: str) -> bool:
    """Whether any archive, at whatever destination, was taken over from ``source``."""
    query = select(archives.c.id).where(archives.c.origin == source).limit(1)
    return connection.execute(query).first() is not None


def _listed(row: RowMapping) -> Listed:
    return Listed(
        id=row["id"],
        path=row["path"],
        name=row["name"],
        bytes=row["bytes"],
        stored_bytes=row["stored_bytes"],
        destination=str(place_of(row["kind"], row["place"], row["region"], row["account"])),
        locator=row["locator"],
        sha256_tree=row["tree_hash"],
        sent_at=row["sent_at"],
        problems=row["problems"],
        changed_while_read=row["changed_while_read"],
        damage=row["damage"],
    )
