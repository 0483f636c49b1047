"""What was asked to become readable, and how that stands."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator
from functools import partial
from typing import get_args

from sqlalchemy import Connection, bindparam, delete, insert, select, tuple_

from glacier_backup.catalog.database import Database
from glacier_backup.catalog.packed import CHUNK
from glacier_backup.catalog.paging import VARIABLES, AnyRow, AnySelect, in_pages
from glacier_backup.catalog.schema import INVENTORY, TO_ITS_END, thaws
from glacier_backup.chunks import in_chunks
from glacier_backup.model.thaw import Thaw, ThawRecord, ThawState

_KEY = (thaws.c.destination, thaws.c.locator, thaws.c.start, thaws.c.stop)


def note(connection: Connection, records: Iterable[ThawRecord]) -> None:
    """Of the same bytes at the same place the last one counts."""
    statement = insert(thaws).prefix_with("OR REPLACE", dialect="sqlite")
    for chunk in in_chunks(map(_row, records), CHUNK):
        connection.execute(statement, chunk)


def forget(connection: Connection, records: Iterable[ThawRecord]) -> None:
    names = ("destination", "locator", "start", "stop")
    statement = delete(thaws).where(*[thaws.c[name] == bindparam(f"its_{name}") for name in names])
    rows = ({f"its_{name}": row[name] for name in names} for row in map(_row, records))
    for chunk in in_chunks(rows, CHUNK):
        connection.execute(statement, chunk)


def listed(
    database: Database,
    place: int | None,
    states: Collection[ThawState] | None,
    locators: Collection[str] | None,
) -> Iterator[ThawRecord]:
    """By place, locator and bytes. What is noted meanwhile may be left out."""
    query = select(thaws).order_by(*_KEY)
    if place is not None:
        query = query.where(thaws.c.destination == place)
    if states is not None and set(states) != {*get_args(ThawState)}:
        query = query.where(thaws.c.state.in_(set(states)))
    if locators is None:
        return _records(database, query)
    chunks = in_chunks(sorted(set(locators)), VARIABLES)
    return (one for chunk in chunks for one in _records(database, query.where(thaws.c.locator.in_(chunk))))


def _records(database: Database, query: AnySelect) -> Iterator[ThawRecord]:
    return map(_record, in_pages(database, partial(_behind, query)))


def _behind(query: AnySelect, last: AnyRow | None) -> AnySelect:
    return query if last is None else query.where(tuple_(*_KEY) > tuple(last[:4]))


def _row(record: ThawRecord) -> dict[str, object]:
    thaw = record.thaw
    return {
        "destination": record.place_id,
        "locator": INVENTORY if thaw.locator is None else thaw.locator,
        "start": thaw.start,
        "stop": TO_ITS_END if thaw.end is None else thaw.end,
        "id": thaw.id,
        "state": thaw.state,
        "until": thaw.until,
        "cause": thaw.cause,
        "tier": record.tier,
        "requested_at": record.requested_at,
        "storage_class": record.storage_class,
    }


def _record(row: AnyRow) -> ThawRecord:
    thaw = Thaw(
        locator=None if row.locator == INVENTORY else row.locator,
        id=row.id,
        state=row.state,
        start=row.start,
        end=None if row.stop == TO_ITS_END else row.stop,
        until=row.until,
        cause=row.cause,
    )
    return ThawRecord(row.destination, thaw, row.tier, row.requested_at, row.storage_class)
