"""Which keys are taken, of those that aren't made of host, path and time."""

from __future__ import annotations

from sqlalchemy import Connection, and_, or_, select

from glacier_backup.catalog.queries import is_stored_at
from glacier_backup.catalog.schema import archives, volumes


def has_key(connection: Connection, destination: int, key: str, suffix: str) -> bool:
    """Whether any stored archive has that fixed key, and that suffix behind it."""
    wanted = and_(is_stored_at(destination), archives.c.fixed_key == key, archives.c.suffix == suffix)
    return connection.execute(select(archives.c.id).where(wanted).limit(1)).first() is not None


def key_of_another(connection: Connection, destination: int, whole: str, path: str) -> bool:
    """Whether ``whole`` is the key of an archive of another path than ``path``, or of an object of it, however it is
    made of fixed key and suffix there. What is on its way counts; of ``path`` itself the objects of that which are
    stored: they may have to be removed."""
    ways = _ways(whole)
    there = and_(archives.c.destination == destination, archives.c.fixed_key.in_([key for key, _ in ways]))
    suffixes = [suffix for _, suffix in ways]
    is_of_another, is_unfinished = archives.c.path != path, archives.c.sent_at.is_(None)
    of_archives = select(archives.c.fixed_key, archives.c.suffix).where(there, archives.c.suffix.in_(suffixes))
    of_objects = select(archives.c.fixed_key, volumes.c.suffix).join_from(archives, volumes)
    of_objects = of_objects.where(there, volumes.c.suffix.in_(suffixes))
    asked = (of_archives.where(is_of_another), of_objects.where(or_(is_of_another, is_unfinished)))
    return any((key, suffix) in ways for query in asked for key, suffix in connection.execute(query))


def _ways(whole: str) -> list[tuple[str, str]]:
    """Of which fixed key and suffix it may be made: a suffix is empty, or begins with a dot, and has no slash."""
    name = whole.rfind("/") + 1
    ends = [*(at for at in range(name + 1, len(whole)) if whole[at] == "."), len(whole)]
    return [(whole[:at], whole[at:]) for at in ends]
