"""What is wrong with a catalog itself, in plain words."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import chain

from sqlalchemy import ColumnElement, Connection, and_, case, exists, func, select, tuple_
from sqlalchemy.exc import OperationalError

from glacier_backup.catalog.database import Database
from glacier_backup.catalog.paging import VARIABLES, AnyRow, AnySelect, in_pages, read_page
from glacier_backup.catalog.schema import archives, grouped, looks, members, uploads, volumes
from glacier_backup.digest import DIGEST_BYTES, LEAF, tree_hash
from glacier_backup.errors import CatalogError
from glacier_backup.model.archive import Role
from glacier_backup.model.recipe import parse_recipe
from glacier_backup.units import MIB

_MOST = 100
"""Messages about the file itself; more would say no more."""

_TOGETHER = 8 * MIB
"""Bytes of leaves that are read at a time, if it isn't more for a single volume."""

_Key = tuple[int, int]

_ARCHIVE = (archives.c.id, archives.c.path)


def check(database: Database) -> Iterator[str]:
    """Each finding as it comes. What a damaged file holds can't be judged, so then nothing else is looked at."""
    broken = _damage(database)
    yield from broken
    if not broken:
        yield from chain(_unsupported(database), _sums(database), _gaps(database), _leaves(database), _order(database))
        yield from chain(_recipes(database), _lost_files(database))


def _damage(database: Database) -> list[str]:
    try:
        return database.read(_file)
    except CatalogError as error:
        # Not even that can be asked. Of one that is locked or can't be read now SQLite says an OperationalError.
        if isinstance(error.__cause__, OperationalError):
            raise
        return [str(error)]


def _file(connection: Connection) -> list[str]:
    """As SQLite finds it (https://www.sqlite.org/pragma.html#pragma_integrity_check)."""
    found = connection.exec_driver_sql(f"PRAGMA integrity_check({_MOST})").scalars().all()
    if broken := [f"the file is damaged: {one}" for one in found if one != "ok"]:
        return broken
    lost = connection.exec_driver_sql("PRAGMA foreign_key_check").fetchmany(_MOST)
    return [f"table {table}, row {row}: its {parent} is missing" for table, row, parent, _ in lost]


def _unsupported(database: Database) -> Iterator[str]:
    """Archives without what they need."""
    has_volume = exists().where(volumes.c.archive == archives.c.id)
    is_under_way = exists().where(uploads.c.archive == archives.c.id)
    for condition, what in (
        (and_(archives.c.sent_at.is_not(None), ~has_volume), "it counts as stored, but nothing says where"),
        (and_(archives.c.sent_at.is_(None), ~is_under_way), "it is neither stored nor on its way"),
    ):
        query = select(*_ARCHIVE).where(condition).order_by(archives.c.id)
        for id, path in _by_archive(database, query):
            yield f"{_name(id, path)}: {what}"


def _sums(database: Database) -> Iterator[str]:
    total = select(func.sum(volumes.c.bytes)).where(volumes.c.archive == archives.c.id).scalar_subquery()
    unknown = exists().where(volumes.c.archive == archives.c.id, volumes.c.bytes.is_(None))
    query = select(*_ARCHIVE, archives.c.stored_bytes, total).order_by(archives.c.id)
    wrong = query.where(archives.c.sent_at.is_not(None), ~unknown, archives.c.stored_bytes != total)
    for id, path, stored, summed in _by_archive(database, wrong):
        yield f"{_name(id, path)}: it is said to have {stored} bytes, but its volumes have {summed}"


def _gaps(database: Database) -> Iterator[str]:
    """Archives in volumes, which are numbered from 1, that lack one or have one twice. Our own have a manifest, too."""
    data, manifest = _volume_of("data"), _volume_of("manifest")
    counts = (func.count(data), func.count(data.distinct()), func.max(volumes.c.volume), func.max(manifest))
    query = select(*_ARCHIVE, archives.c.origin, *counts).join_from(archives, volumes).group_by(archives.c.id)
    sealed = query.where(archives.c.sent_at.is_not(None), volumes.c.volume > 0).order_by(archives.c.id)
    for id, path, origin, *row in _by_archive(database, sealed):
        if wrong := _gap(*row, is_ours=origin is None):
            yield f"{_name(id, path)}: {wrong}"


def _volume_of(role: Role) -> ColumnElement[int]:
    return case((volumes.c.role == role, volumes.c.volume))


def _gap(count: int, different: int, last: int, told: int | None, *, is_ours: bool) -> str | None:
    if different < last:
        return f"of its {last} volumes {last - different} are missing"
    if count > different:
        return "it has a volume twice"
    if is_ours and told is None:
        return "its manifest is missing"
    if told is not None and told != last:
        return f"its manifest tells of {told} volumes, but it has {last}"
    return None


def _leaves(database: Database) -> Iterator[str]:
    """Of a volume they may be many MiB, and there may be millions of volumes: as many together as are little."""
    batch: list[_Key] = []
    room = _TOGETHER
    for archive, number, size in _sizes(database):
        if batch and (size > room or len(batch) >= VARIABLES):
            yield from _misfits(database, batch)
            batch, room = [], _TOGETHER
        batch.append((archive, number))
        room -= size
    if batch:
        yield from _misfits(database, batch)


def _sizes(database: Database) -> Iterator[AnyRow]:
    """Of the leaves of each volume that has any, without reading them."""
    key = (volumes.c.archive, volumes.c.number)
    query = select(*key, func.length(volumes.c.leaves)).where(volumes.c.leaves.is_not(None)).order_by(*key)
    return in_pages(database, lambda last: query if last is None else query.where(tuple_(*key) > (last[0], last[1])))


def _misfits(database: Database, batch: list[_Key]) -> Iterator[str]:
    key = (volumes.c.archive, volumes.c.number)
    columns = (*key, archives.c.path, volumes.c.locator, volumes.c.bytes, volumes.c.tree_hash, volumes.c.leaves)
    query = select(*columns).join_from(volumes, archives).order_by(*key)
    these = and_(volumes.c.leaves.is_not(None), tuple_(*key) >= batch[0], tuple_(*key) <= batch[-1])
    for archive, number, path, locator, *sums in read_page(database, query.where(these)):
        if wrong := _misfit(*sums):
            yield f"{_name(archive, path)}: of its volume {number} ({locator}) {wrong}"


def _misfit(size: int | None, root: str | None, leaves: bytes) -> str | None:
    if size is not None and len(leaves) != -(-size // LEAF) * DIGEST_BYTES:
        return f"the checksums are not those of {size} bytes"
    if root is not None and tree_hash(leaves) != root:
        return "the checksums do not add up to its tree hash"
    return None


def _order(database: Database) -> Iterator[str]:
    """Members that begin in front of the one before them."""
    before = members.alias()
    query = (
        select(members.c.archive, members.c.number, members.c.path.label("member"), archives.c.path)
        .join_from(
            members, before, and_(before.c.archive == members.c.archive, before.c.number == members.c.number - 1)
        )
        .join(archives, archives.c.id == members.c.archive)
        .where(before.c.offset > members.c.offset)
        .order_by(members.c.archive, members.c.number)
    )
    place = tuple_(members.c.archive, members.c.number)
    rows = in_pages(database, lambda last: query if last is None else query.where(place > (last[0], last[1])))
    for archive, _, member, path in rows:
        yield f"{_name(archive, path)}: its member {member} begins in front of the one before it"


def _recipes(database: Database) -> Iterator[str]:
    """Each recipe once; many archives have the same."""
    table = archives.c
    query = select(table.recipe, func.count(), func.min(table.id)).where(table.recipe.is_not(None))
    for text, count, id in database.read(lambda connection: connection.execute(query.group_by(table.recipe)).all()):
        try:
            parse_recipe(text)
        except (ValueError, KeyError, TypeError) as error:
            yield f"{count} archives, the first of them {id}: how they were made can't be read: {error}"


def _lost_files(database: Database) -> Iterator[str]:
    """Rows by which files are found, of what isn't there: by those nothing is found, so how many tells enough."""
    its = archives.alias()
    is_member = exists().where(members.c.archive == grouped.c.archive, members.c.number == grouped.c.number)
    group = exists().where(its.c.id == grouped.c.archive, its.c.destination == grouped.c.destination)
    archive = exists().where(its.c.id == looks.c.archive, its.c.destination == looks.c.destination)
    for table, is_sound, what in (
        (grouped, and_(is_member, group.where(its.c.kind == "group")), "paths are said to be in groups that lack them"),
        (looks, archive, "files are said to look like others, but are in no archive"),
    ):
        ((count,),) = read_page(database, select(func.count()).select_from(table).where(~is_sound))
        if count:
            yield f"{count} {what}"


def _by_archive(database: Database, query: AnySelect) -> Iterator[AnyRow]:
    return in_pages(database, lambda last: query if last is None else query.where(archives.c.id > last[0]))


def _name(id: int, path: str) -> str:
    return f"{path} (archive {id})"
