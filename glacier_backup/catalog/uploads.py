"""Archives on their way: what is written down before each step of sending, so that the next run knows what was begun.

::

    intend → opened → completing → stored      the row in ``uploads`` is gone, the archive has its volume
       └─────────┴─────────┴─→ give_up         nothing is left of it
                           └─→ doubt           both rows stay until somebody finds out: stored, or give_up

An archive of several objects goes through :mod:`glacier_backup.catalog.objects` in between. Each is called inside a
transaction of its own.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from functools import cache
from typing import Any

from sqlalchemy import (
    ColumnElement,
    Connection,
    RowMapping,
    Select,
    Update,
    and_,
    bindparam,
    delete,
    exists,
    insert,
    select,
    update,
)

from glacier_backup.catalog import grouping, recording
from glacier_backup.catalog.copies import note_change
from glacier_backup.catalog.loading import volumes_of
from glacier_backup.catalog.schema import archives, problems, uploads, volumes
from glacier_backup.errors import CatalogError
from glacier_backup.model.archive import ArchiveRecord, Checksums, Label, Member, ReadProblem, Receipt
from glacier_backup.model.candidate import Fingerprint
from glacier_backup.model.dataset_label import span_text
from glacier_backup.model.increment import link_of
from glacier_backup.model.prefix_group import below
from glacier_backup.model.recipe import Recipe, parse_recipe
from glacier_backup.model.upload import Unfinished
from glacier_backup.units import now

_IS_ONE_OBJECT = and_(uploads.c.role.is_(None), ~exists().where(volumes.c.archive == uploads.c.archive))
"""Of one of several objects can't be said what is said of the whole."""


def intend(connection: Connection, run: int | None, destination: int, record: ArchiveRecord, part_size: int) -> int:
    archive = recording.add_archive(connection, run, destination, record)
    row = {"archive": archive, "begun_at": now(), "part_size": part_size, "doubtful": False}
    connection.execute(insert(uploads), row)
    return archive


def opened(connection: Connection, archive: int, upload_id: str) -> None:
    note(connection, archive, {"upload_id": upload_id, "begun_at": now()})


def completing(
    connection: Connection, archive: int, record: ArchiveRecord, checksums: Checksums, members: Iterable[Member]
) -> None:
    note(connection, archive, sums(checksums), _IS_ONE_OBJECT)
    recording.set_contents(connection, archive, record, members)


def stored(connection: Connection, archive: int, receipt: Receipt) -> None:
    row = connection.execute(_one_object(), {"of_archive": archive}).mappings().first()
    if row is None:
        raise unknown(archive)
    connection.exec_driver_sql("DELETE FROM uploads WHERE archive = ?", (archive,))
    recording.add_volume(connection, archive, 1, receipt, {**row})
    recording.note_sent(connection, archive, receipt.size, receipt.stored_at)
    note_change(connection)


def give_up(connection: Connection, archive: int) -> None:
    """All that belongs to it goes with its row (``ON DELETE CASCADE``); one that is stored stays."""
    its = (archives.c.id == archive, archives.c.sent_at.is_(None))
    if connection.execute(select(archives.c.id).where(*its)).first() is not None:
        grouping.remove(connection, [archive])
        connection.execute(delete(archives).where(*its))


def doubt(connection: Connection, archive: int) -> None:
    note(connection, archive, {"doubtful": True}, _IS_ONE_OBJECT)


def unfinished(connection: Connection, destination: int) -> tuple[Unfinished, ...]:
    """Those that nobody doubts, in order of intent."""
    query = select(archives, uploads).join_from(archives, uploads).order_by(archives.c.id)
    rows = connection.execute(query.where(archives.c.destination == destination, uploads.c.doubtful.is_(False)))
    return tuple(_unfinished(connection, row) for row in rows.mappings().all())


def doubtful(connection: Connection, destination: int, after: int) -> Unfinished | None:
    """The first of those that somebody doubts with an id behind ``after``; one at a time, for leaves may be large."""
    query = select(archives, uploads).join_from(archives, uploads).order_by(archives.c.id).limit(1)
    wanted = query.where(archives.c.destination == destination, uploads.c.doubtful.is_(True), archives.c.id > after)
    row = connection.execute(wanted).mappings().first()
    return None if row is None else _unfinished(connection, row)


def note(connection: Connection, archive: int, values: dict[str, object], *conditions: ColumnElement[bool]) -> None:
    """Change what is known of an upload. Raises CatalogError where there is none for which ``conditions`` hold."""
    if not connection.execute(_change(conditions), {**values, "of_archive": archive}).rowcount:
        raise unknown(archive)


@cache
def _change(conditions: tuple[ColumnElement[bool], ...]) -> Update:
    """Made once, as below: that takes several times as long as carrying it out."""
    return update(uploads).where(uploads.c.archive == bindparam("of_archive"), *conditions)


@cache
def _one_object() -> Select[Any]:
    query = select(uploads.c.hmac_sha256, archives.c.suffix).join_from(uploads, archives)
    return query.where(uploads.c.archive == bindparam("of_archive"), _IS_ONE_OBJECT)


def sums(checksums: Checksums) -> dict[str, object]:
    """As the table has them."""
    return {
        "bytes": checksums.size,
        "tree_hash": checksums.tree_hash,
        "sha256": checksums.sha256,
        "crc64nvme": checksums.crc64nvme,
        "hmac_sha256": checksums.hmac_sha256,
        "leaves": checksums.leaves,
    }


def unknown(archive: int) -> CatalogError:
    return CatalogError(
        f"the catalog has no upload of archive {archive} under way: another run has ended it",
        hint="let no two runs work with one catalog at a time",
    )


def _unfinished(connection: Connection, row: RowMapping) -> Unfinished:
    id, record = row["id"], _record(connection, row)
    return Unfinished(
        archive=id,
        record=record,
        part_size=row["part_size"],
        upload_id=row["upload_id"],
        begun=row["begun_at"],
        checksums=_checksums(row),
        object=_object(row, record.label),
        stored=tuple(volumes_of(connection.exec_driver_sql, [id]).get(id, ())),
    )


def _object(row: RowMapping, whole: Label) -> Label | None:
    if row["role"] is None:
        return None
    return replace(whole, role=row["role"], volume=row["volume"], suffix=row[uploads.c.suffix])


def _record(connection: Connection, row: RowMapping) -> ArchiveRecord:
    recipe = _recipe(row)
    fingerprint = Fingerprint(row["digest"], row["source_bytes"], row["entries"], row["newest_mtime_ns"], row["mode"])
    return ArchiveRecord(
        label=_label(row, fingerprint, recipe),
        description=row["description"],
        recipe=recipe,
        fingerprint=fingerprint,
        problems=_problems(connection, row["id"]),
        changed_while_read=row["changed_while_read"],
        sha256=row[archives.c.sha256],
    )


def _recipe(row: RowMapping) -> Recipe:
    try:
        return parse_recipe(row["recipe"])
    except ValueError as error:
        raise CatalogError(
            f"{row['path']}: how its upload was begun can't be read: {error}",
            hint="was it begun by a newer glacier-backup? Then use that one again",
        ) from error


def _label(row: RowMapping, fingerprint: Fingerprint, recipe: Recipe) -> Label:
    is_raw = row["container"] == "raw"
    return Label(
        name=row["name"],
        path=row["path"],
        host=row["host"],
        kind=row["kind"],
        container=row["container"],
        time=row["label_time"],
        recipe_id=recipe.id,
        mtime_ns=fingerprint.newest_mtime_ns if is_raw else None,
        mode=fingerprint.mode if is_raw else None,
        fixed_key=row["fixed_key"],
        suffix=row[archives.c.suffix],
        seal=row["seal"],
        alias=row["alias"],
        below=below(recipe),
        told=row["told"] or "",
        link=str(link_of(recipe) or ""),
        span=span_text(recipe),
    )


def _problems(connection: Connection, archive: int) -> tuple[ReadProblem, ...]:
    query = select(problems.c.path, problems.c.cause).where(problems.c.archive == archive).order_by(problems.c.number)
    return tuple(ReadProblem(path, cause) for path, cause in connection.execute(query))


def _checksums(row: RowMapping) -> Checksums | None:
    if row["tree_hash"] is None:
        return None
    its = uploads.c
    rest = [row[one] for one in (its.leaves, its.sha256, its.crc64nvme, its.hmac_sha256)]
    return Checksums(row["bytes"], row["tree_hash"], *rest)
