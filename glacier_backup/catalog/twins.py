"""What is in groups that were found again: the catalog may know it of the same ones at another place.

A disk that is mounted elsewhere and a server with another name are other places, and neither the key of a group nor its
manifest tells what it holds.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import NamedTuple

from sqlalchemy import Connection, insert, literal, select

from glacier_backup.catalog import names
from glacier_backup.catalog.frames import is_told
from glacier_backup.catalog.schema import archives, destinations, members
from glacier_backup.model.stored import Rebuilt

_INSIDE = [column.name for column in members.c if column.name != "archive"]


class _Sent(NamedTuple):
    """What no two groups have in common, unless they are the same; the path has the digest of what is in it."""

    path: str
    host: str | None
    time: datetime | None


def add_members(connection: Connection, placed: Sequence[tuple[int, Rebuilt]]) -> None:
    """Give the groups among ``placed``, which have rows and no members, those of the same ones at other places."""
    groups = {
        _Sent(one.label.path, one.label.host or None, one.label.time): id
        for id, one in placed
        if one.label.kind == "group"
    }
    for id, twin in (_twins(connection, groups) if groups else {}).items():
        inside = select(literal(id), *(members.c[name] for name in _INSIDE)).where(members.c.archive == twin)
        connection.execute(insert(members).from_select(["archive", *_INSIDE], inside))
        names.copy(connection, id, twin)


def _twins(connection: Connection, groups: Mapping[_Sent, int]) -> dict[int, int]:
    """By id of a group that of another one which is the same, and of which it is known what it holds."""
    table = archives.c
    query = select(table.id, table.digest, table.path, table.host, table.label_time).where(
        table.destination.in_(select(destinations.c.id)),  # the index begins with it
        table.path.in_([one.path for one in groups]),
        table.sent_at.is_not(None),
        table.kind == "group",
        select(members.c.number).where(members.c.archive == table.id).exists(),
    )
    rows = ((id, digest, _Sent(*sent)) for id, digest, *sent in connection.execute(query))
    return {groups[sent]: id for id, digest, sent in rows if sent in groups and is_told(digest)}
