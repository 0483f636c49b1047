"""The objects of an archive that is sealed in volumes, each written down before the next step of its sending.

::

    intend → (begin → opened → sent → stored)* → set_contents … → finish     as many objects as it takes
                 └───────┴───────┴─→ drop                                    what is stored stays

The row in ``uploads`` is there from the intent to the finish, and has a role while an object is on its way; each object
that is stored has a row in ``volumes``. Each is called inside a transaction of its own.
"""

from __future__ import annotations

from collections.abc import Iterable

from sqlalchemy import Connection, delete, exists, func, select, update

from glacier_backup.catalog import recording
from glacier_backup.catalog.copies import note_change
from glacier_backup.catalog.schema import uploads, volumes
from glacier_backup.catalog.uploads import note, sums, unknown
from glacier_backup.model.archive import ArchiveRecord, Checksums, Label, Member, Receipt
from glacier_backup.units import now

_NOTHING_KNOWN: dict[str, object] = dict.fromkeys(
    ("upload_id", "bytes", "tree_hash", "sha256", "crc64nvme", "hmac_sha256", "slice_sha256", "leaves")
)
_NONE_ON_ITS_WAY = _NOTHING_KNOWN | dict.fromkeys(("role", "volume", "suffix"))

_IS_ON_ITS_WAY = uploads.c.role.is_not(None)


def begin(connection: Connection, archive: int, label: Label, part_size: int) -> None:
    which = {"role": label.role, "volume": label.volume, "suffix": label.suffix}
    note(connection, archive, _NOTHING_KNOWN | which | {"part_size": part_size, "begun_at": now()})


def sent(connection: Connection, archive: int, checksums: Checksums, slice_sha256: str | None) -> None:
    note(connection, archive, sums(checksums) | {"slice_sha256": slice_sha256}, _IS_ON_ITS_WAY)


def stored(connection: Connection, archive: int, receipt: Receipt) -> None:
    names = ("role", "volume", "suffix", "hmac_sha256", "slice_sha256")
    query = select(*[uploads.c[name] for name in names]).where(uploads.c.archive == archive, _IS_ON_ITS_WAY)
    row = connection.execute(query).mappings().first()
    if row is None:
        raise unknown(archive)
    recording.add_volume(connection, archive, _last(connection, archive) + 1, receipt, {**row})
    drop(connection, archive)


def drop(connection: Connection, archive: int) -> None:
    note(connection, archive, _NONE_ON_ITS_WAY)


def gone(connection: Connection, archive: int, number: int) -> None:
    """Of one that is stored, all of it, nothing is removed."""
    if not connection.execute(select(exists().where(uploads.c.archive == archive))).scalar():
        raise unknown(archive)
    connection.execute(delete(volumes).where(volumes.c.archive == archive, volumes.c.number == number))


def set_contents(connection: Connection, archive: int, record: ArchiveRecord, members: Iterable[Member]) -> None:
    note(connection, archive, {"begun_at": now()})
    recording.set_contents(connection, archive, record, members)


def finish(connection: Connection, archive: int) -> None:
    """It counts as sent when the last of them was stored."""
    its, ended = volumes.c.archive == archive, (uploads.c.archive == archive, uploads.c.role.is_(None))
    size, when = connection.execute(select(func.sum(volumes.c.bytes), func.max(volumes.c.stored_at)).where(its)).one()
    if when is None or not connection.execute(delete(uploads).where(*ended)).rowcount:
        raise unknown(archive)
    connection.execute(update(volumes).where(its).values(slice_sha256=None))
    recording.note_sent(connection, archive, size, when)
    note_change(connection)


def _last(connection: Connection, archive: int) -> int:
    """The highest number so far; 0 before the first."""
    query = select(func.max(volumes.c.number)).where(volumes.c.archive == archive)
    return connection.execute(query).scalar() or 0
