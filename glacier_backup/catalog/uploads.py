"""Archives on their way: what is written down before each step of sending, so that the next run knows what was begun.

::

    intend → opened → completing → stored      the row in ``uploads`` is gone, the archive has its volume
       └─────────┴─────────┴─→ give_up         nothing is left of it
                           └─→ doubt           both rows stay until somebody finds out: stored, or give_up

Each is called inside a transaction of its own.
"""

from __future__ import annotations

from collections.abc import Iterable

from sqlalchemy import Connection, RowMapping, delete, insert, select, update

from glacier_backup.catalog import recording
from glacier_backup.catalog.copies import note_change
from glacier_backup.catalog.schema import archives, problems, uploads
from glacier_backup.errors import CatalogError
from glacier_backup.model.archive import ArchiveRecord, Checksums, Label, Member, ReadProblem, Receipt
from glacier_backup.model.candidate import Fingerprint
from glacier_backup.model.recipe import Recipe, parse_recipe
from glacier_backup.model.upload import Unfinished
from glacier_backup.units import now


def intend(connection: Connection, run: int | None, destination: int, record: ArchiveRecord, part_size: int) -> int:
    archive = recording.add_archive(connection, run, destination, record)
    row = {"archive": archive, "begun_at": now(), "part_size": part_size, "doubtful": False}
    connection.execute(insert(uploads).values(row))
    return archive


def opened(connection: Connection, archive: int, upload_id: str) -> None:
    _note(connection, archive, {"upload_id": upload_id, "begun_at": now()})


def completing(
    connection: Connection, archive: int, record: ArchiveRecord, checksums: Checksums, members: Iterable[Member]
) -> None:
    sums = {
        "bytes": checksums.size,
        "tree_hash": checksums.tree_hash,
        "sha256": checksums.sha256,
        "crc64nvme": checksums.crc64nvme,
        "leaves": checksums.leaves,
    }
    _note(connection, archive, sums)
    recording.set_contents(connection, archive, record, members)


def stored(connection: Connection, archive: int, receipt: Receipt) -> None:
    if not connection.execute(delete(uploads).where(uploads.c.archive == archive)).rowcount:
        raise _unknown(archive)
    recording.add_volume(connection, archive, receipt)
    note_change(connection)


def give_up(connection: Connection, archive: int) -> None:
    """All that belongs to it goes with its row (``ON DELETE CASCADE``); one that is stored stays."""
    connection.execute(delete(archives).where(archives.c.id == archive, archives.c.sent_at.is_(None)))


def doubt(connection: Connection, archive: int) -> None:
    _note(connection, archive, {"doubtful": True})


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


def _note(connection: Connection, archive: int, values: dict[str, object]) -> None:
    if not connection.execute(update(uploads).where(uploads.c.archive == archive).values(values)).rowcount:
        raise _unknown(archive)


def _unknown(archive: int) -> CatalogError:
    return CatalogError(
        f"the catalog has no upload of archive {archive} under way: another run has ended it",
        hint="let no two runs work with one catalog at a time",
    )


def _unfinished(connection: Connection, row: RowMapping) -> Unfinished:
    return Unfinished(
        archive=row["id"],
        record=_record(connection, row),
        part_size=row["part_size"],
        upload_id=row["upload_id"],
        begun=row["begun_at"],
        checksums=_checksums(row),
    )


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
    )


def _problems(connection: Connection, archive: int) -> tuple[ReadProblem, ...]:
    query = select(problems.c.path, problems.c.cause).where(problems.c.archive == archive).order_by(problems.c.number)
    return tuple(ReadProblem(path, cause) for path, cause in connection.execute(query))


def _checksums(row: RowMapping) -> Checksums | None:
    if row["tree_hash"] is None:
        return None
    return Checksums(row["bytes"], row["tree_hash"], row["leaves"], row["sha256"], row["crc64nvme"])
