"""Groups of which nobody knows what is in them, as after a catalog was made anew, until somebody has read them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from sqlalchemy import Connection, exists, func, select, update

from glacier_backup.catalog import grouping, recording
from glacier_backup.catalog.copies import note_change
from glacier_backup.catalog.queries import is_stored_at
from glacier_backup.catalog.schema import archives, members, volumes
from glacier_backup.model.archive import Checksums, Member

_IS_UNKNOWN = ~exists().where(members.c.archive == archives.c.id)


def unknown(connection: Connection, destination: int) -> list[int]:
    """The ids of those that are stored there, in order of intent. What others have packed is none of them."""
    query = select(archives.c.id).where(
        is_stored_at(destination), archives.c.kind == "group", archives.c.origin.is_(None), _IS_UNKNOWN
    )
    return [*connection.execute(query.order_by(archives.c.id)).scalars()]


def learn(connection: Connection, archive: int, listed: Iterable[Member], sums: Mapping[int, Checksums]) -> None:
    """Note all that is in one, and what its volumes add up to, by their numbers, as far as that isn't known. One that
    is gone meanwhile, or known by now, stays so."""
    its = (archives.c.id == archive, archives.c.sent_at.is_not(None), _IS_UNKNOWN)
    if connection.execute(select(archives.c.id).where(*its)).first() is None:
        return
    recording.add_members(connection, archive, listed)
    for number, one in sums.items():
        found = {
            "tree_hash": func.coalesce(volumes.c.tree_hash, one.tree_hash),
            "leaves": func.coalesce(volumes.c.leaves, one.leaves),
        }
        connection.execute(
            update(volumes).where(volumes.c.archive == archive, volumes.c.number == number).values(found)
        )
    grouping.add(connection, [archive])
    note_change(connection)
