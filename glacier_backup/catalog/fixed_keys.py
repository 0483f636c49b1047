"""Which keys are taken, of those that aren't made of host, path and time."""

from __future__ import annotations

from functools import cache
from typing import Any

from sqlalchemy import BindParameter, Connection, Select, and_, bindparam, or_, select

from glacier_backup.catalog.queries import is_stored_at
from glacier_backup.catalog.schema import archives, volumes


def has_key(connection: Connection, destination: int, key: str, suffix: str) -> bool:
    """Whether any stored archive has that fixed key, and that suffix behind it."""
    its = {"destination": destination, "key": key, "suffix": suffix}
    return connection.execute(_with_key(), its).first() is not None


def key_of_another(connection: Connection, destination: int, whole: str, path: str) -> bool:
    """Whether ``whole`` is the key of an archive of another path than ``path``, or of an object of it, however it is
    made of fixed key and suffix there. What is on its way counts; of ``path`` itself the objects of that which are
    stored: they may have to be removed."""
    ways = _ways(whole)
    keys, suffixes = [key for key, _ in ways], [suffix for _, suffix in ways]
    its = {"destination": destination, "keys": keys, "suffixes": suffixes, "path": path}
    return any((key, suffix) in ways for query in _in_the_way() for key, suffix in connection.execute(query, its))


@cache
def _with_key() -> Select[tuple[int]]:
    """Made once, as below: that takes ten times as long as asking."""
    there = is_stored_at(bindparam("destination"))
    wanted = and_(there, archives.c.fixed_key == bindparam("key"), archives.c.suffix == bindparam("suffix"))
    return select(archives.c.id).where(wanted).limit(1)


@cache
def _in_the_way() -> tuple[Select[Any], ...]:
    """Archives and objects that may have one of some keys."""
    is_there = archives.c.destination == bindparam("destination")
    there = and_(is_there, archives.c.fixed_key.in_(bindparam("keys", expanding=True)))
    suffixes: BindParameter[str] = bindparam("suffixes", expanding=True)
    is_of_another, is_unfinished = archives.c.path != bindparam("path"), archives.c.sent_at.is_(None)
    of_archives = select(archives.c.fixed_key, archives.c.suffix).where(there, archives.c.suffix.in_(suffixes))
    of_objects = select(archives.c.fixed_key, volumes.c.suffix).join_from(archives, volumes)
    of_objects = of_objects.where(there, volumes.c.suffix.in_(suffixes))
    return of_archives.where(is_of_another), of_objects.where(or_(is_of_another, is_unfinished))


def _ways(whole: str) -> list[tuple[str, str]]:
    """Of which fixed key and suffix it may be made: a suffix is empty, or begins with a dot, and has no slash."""
    name = whole.rfind("/") + 1
    ends = [*(at for at in range(name + 1, len(whole)) if whole[at] == "."), len(whole)]
    return [(whole[:at], whole[at:]) for at in ends]
