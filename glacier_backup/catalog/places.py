"""Which row of ``destinations`` a place is: account ``-`` and the account's own number are the same.

A row is flagged ``own`` where ``-`` stands for its account; its number may still be unknown (``-``) when uploads
were taken over offline.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple, cast

from sqlalchemy import Connection, delete, insert, select, update

from glacier_backup.catalog.schema import archives, destinations
from glacier_backup.errors import CatalogError
from glacier_backup.model.place import DestinationKind, Place

OWN = "-"


class _Row(NamedTuple):
    id: int
    account: str
    own: bool


def find(connection: Connection, place: Place) -> int | None:
    """The row of ``place`` without asking it: account ``-`` is the account that it stood for last. Where the region
    isn't known, the only row that can be meant; None if there is none, or more than one."""
    own = place.account == OWN
    rows = [row.id for row in _rows(connection, place) if (row.own if own else row.account == place.account)]
    return rows[0] if len(rows) == 1 else None


def register(connection: Connection, place: Place, identified: Place) -> int:
    """The row of ``place``, made if there is none; ``identified`` is the same place with the account's number.

    Raises CatalogError when ``-`` stood for another account until now.
    """
    own = place.account == OWN
    rows = _rows(connection, identified)
    if own and identified.account != OWN:
        _check_same_account(rows, identified)
    same = [row.id for row in rows if row.account == identified.account or (own and row.own)]
    if not same:
        return _add(connection, identified, own)
    kept = _merge(connection, same)
    if own and identified.account != OWN:
        found = update(destinations).where(destinations.c.id == kept)
        connection.execute(found.values(account=identified.account, own=True))
    return kept


def place_of(kind: str, name: str, region: str, account: str) -> Place:
    """The place that a row stands for."""
    return Place(cast(DestinationKind, kind), name, region, account)


def _rows(connection: Connection, place: Place) -> list[_Row]:
    """All rows that differ from ``place`` at most in the account, and in the region if that is unknown."""
    table = destinations.c
    query = select(table.id, table.account, table.own).where(table.kind == place.kind, table.name == place.name)
    if place.region or place.kind == "local":
        query = query.where(table.region == place.region)
    return [_Row(*row) for row in connection.execute(query.order_by(table.id))]


def _add(connection: Connection, place: Place, own: bool) -> int:
    row = {"kind": place.kind, "name": place.name, "region": place.region, "account": place.account, "own": own}
    return connection.execute(insert(destinations).values(row)).lastrowid


def _merge(connection: Connection, same: Sequence[int]) -> int:
    """Make one row of those that turned out to be one place; their archives move to it."""
    kept, *merged = same
    if not merged:
        return kept
    connection.execute(update(archives).where(archives.c.destination.in_(merged)).values(destination=kept))
    connection.execute(delete(destinations).where(destinations.c.id.in_(merged)))
    return kept


def _check_same_account(rows: Sequence[_Row], identified: Place) -> None:
    until_now = [row.account for row in rows if row.own and row.account not in (OWN, identified.account)]
    if until_now:
        raise CatalogError(
            f"account_id = - now stands for {identified.account}, but stood for {until_now[0]} when the vault "
            f"{identified.name} ({identified.region}) was last used",
            hint=f"set account_id = {until_now[0]} or account_id = {identified.account} in the INI file, whichever "
            "is meant, or use the credentials of before",
        )
