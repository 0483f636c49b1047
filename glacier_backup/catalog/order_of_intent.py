"""Ids for archives that another system has stored, which tell what is newer: the highest of a path counts.

They are told in the order in which that system unpacks them, and may come to be known bit by bit, with archives of ours
sent in between. Each gets an id above those of its own kind that come before it and below those that come behind it;
above what is older of all else, and below what is newer.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime

from sqlalchemy import Connection, func, select, text

from glacier_backup.catalog.paging import VARIABLES
from glacier_backup.catalog.queries import is_stored_at
from glacier_backup.catalog.schema import archives, volumes
from glacier_backup.catalog.takeover import OUTDATED
from glacier_backup.chunks import in_chunks

Tar = tuple[str, datetime]
"""Locator, and when it was made."""


def known(connection: Connection, destination: int, locators: Sequence[str]) -> dict[str, int]:
    """The archives that are stored there under one of these names."""
    found: dict[str, int] = {}
    query = select(volumes.c.locator, archives.c.id).join_from(volumes, archives).where(is_stored_at(destination))
    for chunk in in_chunks(locators, VARIABLES):
        found.update((locator, id) for locator, id in connection.execute(query.where(volumes.c.locator.in_(chunk))))
    return found


def reserve(connection: Connection, destination: int, tars: Sequence[Tar], origin: str) -> dict[str, int]:
    """An id for each of ``tars`` that isn't recorded yet; they come in order, those that are recorded among them.

    Nobody else gets what is newer than all that is known there. Where two neighbours leave no room between them it is
    taken for the newest.
    """
    ids = known(connection, destination, [locator for locator, _ in tars])
    places = _Places(connection, destination, origin, tars, ids)
    found: dict[str, int] = {}
    newest: list[str] = []
    behind: int | None = None
    for number in range(len(tars) - 1, -1, -1):
        locator = tars[number][0]
        if locator in ids:
            behind = ids[locator]
        elif (id := places.of(number, behind)) is not None:
            found[locator] = behind = id
        else:
            newest.append(locator)
    first = _next(connection, len(newest))
    return found | {locator: first + place for place, locator in enumerate(reversed(newest))}


class _Places:
    """Where among all ids each of the archives belongs."""

    def __init__(
        self, connection: Connection, destination: int, origin: str, tars: Sequence[Tar], ids: Mapping[str, int]
    ) -> None:
        self._connection = connection
        self._tars = tars
        self._others = (is_stored_at(destination), archives.c.origin.is_distinct_from(origin))
        lowest = connection.execute(select(func.min(archives.c.id))).scalar() or 0
        self._lowest = min(lowest, OUTDATED)
        self._before: list[tuple[int, int] | None] = []
        """Of each the id of the last one before it that is recorded, and how many others lie between."""
        last: tuple[int, int] | None = None
        for locator, _ in tars:
            self._before.append(last)
            last = (ids[locator], 0) if locator in ids else last and (last[0], last[1] + 1)

    def of(self, number: int, behind: int | None) -> int | None:
        """The id of one, where ``behind`` is that of the one that follows; None: above all there are."""
        before = self._before[number]
        last = None if before is None else before[0]
        newer = self._first_newer(self._tars[number][1], last)
        bounds = [one for one in (behind, newer) if one is not None]
        if not bounds:
            return None
        found = self._last_free(min(bounds), last)
        if found is not None:
            return found
        if before is None:
            self._lowest -= 1
            return self._lowest
        below = before[0] + before[1] + 1
        return below if below < OUTDATED and self._is_free(below) else None

    def _last_free(self, upper: int, last: int | None) -> int | None:
        """The last id below ``upper`` that nothing has, above all else that lies below it; None: there is none."""
        table = archives.c
        older = self._connection.execute(select(func.max(table.id)).where(*self._others, table.id < upper)).scalar()
        floor = max((one for one in (last, older, 0 if upper > 0 else None) if one is not None), default=None)
        id = upper - 1 if upper > 0 else min(upper, OUTDATED) - 1
        while floor is None or id > floor:
            if self._is_free(id):
                return id
            id -= 1
        return None

    def _first_newer(self, time: datetime, before: int | None) -> int | None:
        table = archives.c
        wanted = [*self._others, func.coalesce(table.label_time, table.sent_at) > time]
        if before is not None:
            wanted.append(table.id > before)
        query = select(table.id).where(*wanted).order_by(table.id).limit(1)
        return self._connection.execute(query).scalar()

    def _is_free(self, id: int) -> bool:
        return self._connection.execute(select(archives.c.id).where(archives.c.id == id)).first() is None


def _next(connection: Connection, count: int) -> int:
    """The first of ``count`` ids above all that ever were, which nothing else gets (https://sqlite.org/autoinc.html)."""
    last = connection.execute(text("SELECT seq FROM sqlite_sequence WHERE name = 'archives'")).scalar()
    if last is None:
        connection.execute(text("INSERT INTO sqlite_sequence (name, seq) VALUES ('archives', :seq)"), {"seq": count})
    else:
        seq = {"seq": max(last, 0) + count}
        connection.execute(text("UPDATE sqlite_sequence SET seq = :seq WHERE name = 'archives'"), seq)
    return max(last or 0, 0) + 1
