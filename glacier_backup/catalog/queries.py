"""Reading what was sent. Each answers in full, so that no result stays open while others write."""

from __future__ import annotations

from sqlalchemy import BindParameter, ColumnElement, Connection, and_, select

from glacier_backup.catalog.schema import archives, volumes

BEFORE_ALL = -(2**63)
"""Below every id."""

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


def holds_archives(connection: Connection, destination: int) -> bool:
    """Whether any archive is stored at one destination."""
    return connection.execute(select(archives.c.id).where(is_stored_at(destination)).limit(1)).first() is not None


def is_stored_at(destination: int | BindParameter[int]) -> ColumnElement[bool]:
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
