"""Forgetting archives that are stored no more."""

from __future__ import annotations

from collections.abc import Sequence

from sqlalchemy import Connection, delete, exists, select, tuple_

from glacier_backup.catalog import grouping
from glacier_backup.catalog.copies import note_change
from glacier_backup.catalog.schema import archives, thaws, volumes


def forget(connection: Connection, ids: Sequence[int]) -> None:
    """No more than half of what a statement takes. Their volumes, members and problems go with them (``ON DELETE
    CASCADE``), and so do thaws of what is nowhere any more."""
    located = select(archives.c.destination, volumes.c.locator).join_from(archives, volumes)
    theirs = located.where(archives.c.id.in_(ids))
    # What was stored under the same locator since is there, and may be needed.
    other, its = archives.alias(), volumes.alias()
    stays = exists().where(
        its.c.locator == volumes.c.locator,
        its.c.archive == other.c.id,
        other.c.destination == archives.c.destination,
        other.c.id.not_in(ids),
    )
    grouping.remove(connection, ids)
    connection.execute(delete(thaws).where(tuple_(thaws.c.destination, thaws.c.locator).in_(theirs.where(~stays))))
    if connection.execute(delete(archives).where(archives.c.id.in_(ids))).rowcount:
        note_change(connection)
