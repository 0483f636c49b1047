"""Which copies of the catalog are behind: how often what is stored has changed, and at which count each was made.

Runs, restores and thaws don't count: a copy tells what there is and how to open it. A copy is noted before it is sent,
too, so that what a run leaves behind that dies meanwhile is known.
"""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import ColumnElement, Connection, delete, insert, select, update

from glacier_backup.catalog.schema import changes, copies
from glacier_backup.model.record import CatalogCopy

_COUNT_CHANGE = "INSERT INTO changes (id, count) VALUES (0, 1) ON CONFLICT (id) DO UPDATE SET count = count + 1"


def note_change(connection: Connection) -> None:
    """In the transaction of the change itself."""
    connection.exec_driver_sql(_COUNT_CHANGE)


def count(connection: Connection) -> int:
    return connection.execute(select(changes.c.count)).scalar() or 0


def begin(connection: Connection, place: str, locator: str, when: datetime) -> None:
    connection.execute(insert(copies).values(place=place, locator=locator, copied_at=when))


def note_copied(connection: Connection, place: str, locator: str, counted: int) -> None:
    connection.execute(update(copies).where(*_is(place, locator)).values(changes=counted))


def at(connection: Connection, place: str) -> tuple[CatalogCopy, ...]:
    columns = (copies.c.locator, copies.c.changes, copies.c.copied_at)
    found = select(*columns).where(copies.c.place == place).order_by(copies.c.copied_at.desc(), copies.c.locator)
    return tuple(CatalogCopy(*row) for row in connection.execute(found))


def forget(connection: Connection, place: str, locator: str) -> None:
    connection.execute(delete(copies).where(*_is(place, locator)))


def is_behind(connection: Connection, place: str) -> bool:
    """Whether the newest copy there lacks anything; without a copy, whether there is anything to copy."""
    held = next((one.changes for one in at(connection, place) if one.changes is not None), 0)
    return count(connection) != held


def _is(place: str, locator: str) -> tuple[ColumnElement[bool], ...]:
    return copies.c.place == place, copies.c.locator == locator
