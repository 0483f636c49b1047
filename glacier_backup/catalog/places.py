"""Which row of ``destinations`` a place is: account ``-`` and the account's own number are the same.

A row is flagged ``own`` where ``-`` stands for its account; its number may still be unknown (``-``) when uploads
were taken over offline. How the account is reached is kept with the flag: other credentials may belong to another
account, so what the row holds isn't believed before the destination was asked again.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from sqlalchemy import Connection, delete, insert, select, update

from glacier_backup.catalog.schema import archives, destinations, gone, grouped, looks, thaws
from glacier_backup.errors import CatalogError
from glacier_backup.model.place import Place

OWN = "-"

_MARKER = "marker"
"""How a directory is reached that bears one."""


class _Row(NamedTuple):
    id: int
    account: str
    own: bool
    reached_by: str


def find(connection: Connection, place: Place, *, trusting: bool) -> int | None:
    """The row of ``place`` without asking it.

    Account ``-`` is the account that it stood for last, if it is reached in the same way, or in whatever way when
    ``trusting``. Where the region isn't known, the only row that can be meant; None if there is none, or more than one.
    """
    found = _rows(connection, place)
    rows = [row.id for row in found if _is_meant(row, place)]
    if not rows and trusting and place.account == OWN:
        rows = [row.id for row in found if row.own]
    return rows[0] if len(rows) == 1 else None


def register(connection: Connection, place: Place, identified: Place) -> int:
    """The row of ``place``, made if there is none; ``identified`` is the same place with the account's number.

    Raises CatalogError when ``-`` stood for another account until now though it is reached in the same way.
    """
    rows = _rows(connection, identified)
    if place.account != OWN:
        named = [row.id for row in rows if row.account == identified.account]
        return named[0] if named else _add(connection, identified, own=False)
    if identified.account != OWN:
        _leave_others(connection, rows, identified, place.reached_by)
        same = _same_account(rows, identified.account, place.reached_by)
    else:
        same = _unasked(rows, place)
    kept = _merge(connection, same) if same else _add(connection, identified, own=True)
    _note_reached(connection, kept, identified.account, place.reached_by)
    return kept


def mark(connection: Connection, id: int) -> None:
    """Note that a directory bears our marker."""
    connection.execute(update(destinations).where(destinations.c.id == id).values(reached_by=_MARKER))


def is_marked(connection: Connection, id: int) -> bool:
    """Whether that was noted."""
    found = connection.execute(select(destinations.c.reached_by).where(destinations.c.id == id)).scalar()
    return bool(found == _MARKER)


def _rows(connection: Connection, place: Place) -> list[_Row]:
    """All rows that differ from ``place`` at most in the account, and in the region if that is unknown."""
    table = destinations.c
    query = select(table.id, table.account, table.own, table.reached_by)
    query = query.where(table.kind == place.kind, table.name == place.name)
    if place.region or place.kind != "glacier":
        query = query.where(table.region == place.region)
    return [_Row(*row) for row in connection.execute(query.order_by(table.id))]


def _is_meant(row: _Row, place: Place) -> bool:
    if place.account != OWN:
        return row.account == place.account
    return row.own and row.reached_by == place.reached_by


def _unasked(rows: Sequence[_Row], place: Place) -> list[int]:
    """The row of ``-`` where nobody was asked: never one whose account is known to be reached otherwise."""
    meant = [row.id for row in rows if _is_meant(row, place)]
    return meant or [row.id for row in rows if row.account == OWN]


def _same_account(rows: Sequence[_Row], number: str, reached_by: str) -> list[int]:
    """The rows of ``-`` now that its number is known.

    One whose account nobody could ask is among them, for it is most likely this one, unless ``-`` stood for this
    account already and that row was made while it was reached otherwise.
    """
    already = any(row.own and row.account == number for row in rows)

    def is_same(row: _Row) -> bool:
        return row.account == number or (row.account == OWN and (row.reached_by == reached_by or not already))

    return [row.id for row in rows if is_same(row)]


def _add(connection: Connection, place: Place, own: bool) -> int:
    row = {"kind": place.kind, "name": place.name, "region": place.region, "account": place.account, "own": own}
    return connection.execute(insert(destinations).values({**row, "reached_by": ""})).lastrowid


def _note_reached(connection: Connection, id: int, account: str, reached_by: str) -> None:
    """Where nobody was asked (``account`` is ``-``) a number that is known stays."""
    values = {"own": True, "reached_by": reached_by} | ({} if account == OWN else {"account": account})
    connection.execute(update(destinations).where(destinations.c.id == id).values(values))


def _merge(connection: Connection, same: Sequence[int]) -> int:
    """Make one row of those that turned out to be one place; their archives and thaws move to it."""
    kept, *merged = same
    if not merged:
        return kept
    for table in (archives, grouped, looks):
        connection.execute(update(table).where(table.c.destination.in_(merged)).values(destination=kept))
    for table in (thaws, gone):
        moving = update(table).prefix_with("OR REPLACE", dialect="sqlite")
        connection.execute(moving.where(table.c.destination.in_(merged)).values(destination=kept))
    connection.execute(delete(destinations).where(destinations.c.id.in_(merged)))
    return kept


def _leave_others(connection: Connection, rows: Sequence[_Row], identified: Place, reached_by: str) -> None:
    """``-`` no longer stands for any other account; they keep their numbers and their archives."""
    others = [row for row in rows if row.own and row.account not in (OWN, identified.account)]
    for other in others:
        if other.reached_by == reached_by:
            raise _another_account(other.account, identified)
    left = destinations.c.id.in_([other.id for other in others])
    connection.execute(update(destinations).where(left).values(own=False, reached_by=""))


def _another_account(until_now: str, identified: Place) -> CatalogError:
    return CatalogError(
        f"account_id = - now stands for {identified.account}, but stood for {until_now} when the vault "
        f"{identified.name} ({identified.region}) was last used",
        hint=f"set account_id = {until_now} or account_id = {identified.account} in the INI file, whichever "
        "is meant, or use the credentials of before",
    )
