"""Writing down runs, archives, volumes, members and problems."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from datetime import datetime
from functools import cache

from sqlalchemy import Connection, Update, bindparam, insert, update

from glacier_backup.catalog import grouping, names
from glacier_backup.catalog.codes import MEMBER_TYPES
from glacier_backup.catalog.exact import pack_integer, pack_text
from glacier_backup.catalog.packed import CHUNK, Packed, add_tuples, each
from glacier_backup.catalog.schema import archives, members, problems, runs, volumes
from glacier_backup.chunks import in_chunks
from glacier_backup.model.archive import ArchiveRecord, Member, ReadProblem, Receipt
from glacier_backup.model.event import Summary
from glacier_backup.units import now, rfc3339

_TYPE_CODES = {name: code for code, name in enumerate(MEMBER_TYPES)}


def begin_run(connection: Connection, host: str, pid: int, program: str) -> int:
    row = {"host": host, "pid": pid, "program": program, "started": now()}
    return connection.execute(insert(runs).values(row)).lastrowid


def end_run(connection: Connection, run: int, summary: Summary) -> None:
    outcome = {
        "ended": now(),
        "exit_code": summary.exit_code,
        "sent": summary.sent,
        "failed": summary.failed,
        "skipped": summary.skipped,
        "bytes": summary.bytes,
    }
    connection.execute(update(runs).where(runs.c.id == run).values(outcome))


def add_archive(
    connection: Connection, run: int | None, destination: int, record: ArchiveRecord, id: int | None = None
) -> int:
    """An archive that isn't stored yet; returns its id, which is higher than any before, unless one is given."""
    row = _named(record) | _as_read(record) | {"run": run, "destination": destination}
    if id is not None:
        row["id"] = id
    archive = connection.execute(insert(archives), row).lastrowid
    _add_problems(connection, archive, record.problems)
    return archive


def set_contents(connection: Connection, archive: int, record: ArchiveRecord, listed: Iterable[Member]) -> None:
    """What reading it has brought to light, with every member, in place of what was known before."""
    grouping.remove(connection, [archive])
    connection.execute(_change(), {**_as_read(record), "of_archive": archive})
    connection.exec_driver_sql("DELETE FROM problems WHERE archive = ?", (archive,))
    _add_problems(connection, archive, record.problems)
    connection.exec_driver_sql("DELETE FROM members WHERE archive = ?", (archive,))
    names.remove(connection, archive)
    adding = grouping.Adding(connection, archive)
    add_members(connection, archive, listed, adding.take)
    adding.end()


def add_volume(
    connection: Connection, archive: int, number: int, receipt: Receipt, known: Mapping[str, object]
) -> None:
    """An object that is stored, with what else is ``known`` of it, by the names of columns."""
    connection.execute(insert(volumes), _volume_row(archive, number, receipt) | dict(known))


def replace_volume(connection: Connection, archive: int, number: int, receipt: Receipt) -> bool:
    """The same bytes were stored once more, and nothing is known against those; whether there is such a volume."""
    fresh = dict.fromkeys(("verified_at", "damaged_at", "damage", "damage_read"))
    its = (volumes.c.archive == archive, volumes.c.number == number)
    return bool(
        connection.execute(update(volumes).where(*its).values(_volume_row(archive, number, receipt) | fresh)).rowcount
    )


def note_sent(connection: Connection, archive: int, size: int, when: datetime) -> None:
    """Note that all of it is stored: so many bytes, and when the last of them were."""
    outcome = {"stored_bytes": size, "sent_at": when}
    connection.execute(_change(), {**outcome, "of_archive": archive})


@cache
def _change() -> Update:
    """Of an archive whatever is given; made once, for that takes several times as long as carrying it out."""
    return update(archives).where(archives.c.id == bindparam("of_archive"))


_VERIFIED = "UPDATE volumes SET verified_at = ? WHERE archive = ? AND number = ?"

_DAMAGED = "UPDATE volumes SET damaged_at = ?, damage = ?, damage_read = ? WHERE archive = ? AND number = ?"
_DAMAGED_BY_LIST = f"{_DAMAGED} AND NOT COALESCE(damage_read, 0)"

_CLEAR = (
    "UPDATE volumes SET damaged_at = NULL, damage = NULL, damage_read = NULL "
    "WHERE archive = ? AND number = ? AND damaged_at <= ?"
)
_CLEAR_BY_LIST = f"{_CLEAR} AND NOT damage_read"


def note_verified(connection: Connection, found: Iterable[tuple[int, int]], when: datetime) -> None:
    """Volumes, by archive and number."""
    each(connection, _VERIFIED, ((rfc3339(when), archive, number) for archive, number in found))


def note_damaged(
    connection: Connection, found: Iterable[tuple[int, int, str]], when: datetime, *, listed: bool
) -> None:
    """Volumes, and what is wrong with them. What a list says takes nothing from what reading has found."""
    rows = ((rfc3339(when), pack_text(why), not listed, archive, number) for archive, number, why in found)
    each(connection, _DAMAGED_BY_LIST if listed else _DAMAGED, rows)


def clear_damage(connection: Connection, found: Iterable[tuple[int, int]], until: datetime, *, listed: bool) -> None:
    """Of these volumes what was noted up to then; if they were only ``listed``, not what reading has found."""
    rows = ((archive, number, rfc3339(until)) for archive, number in found)
    each(connection, _CLEAR_BY_LIST if listed else _CLEAR, rows)


def _add_problems(connection: Connection, archive: int, found: tuple[ReadProblem, ...]) -> None:
    if found:
        connection.execute(insert(problems), [_problem_row(archive, *item) for item in enumerate(found)])


def add_members(
    connection: Connection,
    archive: int,
    listed: Iterable[Member],
    take: Callable[[Sequence[tuple[Packed, ...]]], None] = lambda _: None,
) -> None:
    """Every member, in the order given; ``take`` gets them too, as rows of their table."""
    for chunk in in_chunks(_member_rows(archive, listed), CHUNK):
        add_tuples(connection, members, chunk)
        names.add(connection, archive, chunk)
        take(chunk)


def _named(record: ArchiveRecord) -> dict[str, object]:
    """What is fixed with the intent to send."""
    label = record.label
    return {
        "path": label.path,
        "name": label.name,
        "host": label.host,
        "kind": label.kind,
        "container": label.container,
        "recipe": record.recipe.to_json(),
        "description": record.description,
        "label_time": label.time,
        "fixed_key": label.fixed_key,
        "suffix": label.suffix,
        "seal": label.seal,
        "alias": label.alias,
        "told": label.told or None,
    }


def _as_read(record: ArchiveRecord) -> dict[str, object]:
    """What is only sure once all of it was read."""
    fingerprint = record.fingerprint
    return {
        "source_bytes": fingerprint.bytes,
        "entries": fingerprint.entries,
        "digest": fingerprint.digest,
        "newest_mtime_ns": fingerprint.newest_mtime_ns,
        "mode": fingerprint.mode,
        "problems": len(record.problems),
        "changed_while_read": record.changed_while_read,
        "sha256": record.sha256,
    }


def _volume_row(archive: int, number: int, receipt: Receipt) -> dict[str, object]:
    return {
        "archive": archive,
        "number": number,
        "locator": receipt.locator,
        "bytes": receipt.size,
        "tree_hash": receipt.tree_hash,
        "sha256": receipt.sha256,
        "crc64nvme": receipt.crc64nvme,
        "storage_class": receipt.storage_class,
        "leaves": receipt.leaves,
        "stored_at": receipt.stored_at,
    }


def _problem_row(archive: int, number: int, problem: ReadProblem) -> dict[str, object]:
    return {"archive": archive, "number": number, "path": problem.path, "cause": problem.cause}


def _member_rows(archive: int, listed: Iterable[Member]) -> Iterator[tuple[Packed, ...]]:
    return (_member_row(archive, number, member) for number, member in enumerate(listed))


def _member_row(archive: int, number: int, member: Member) -> tuple[Packed, ...]:
    """In the order of the table's columns."""
    return (
        archive,
        number,
        pack_text(member.path),
        _TYPE_CODES[member.type],
        member.size,
        pack_integer(member.mtime_ns),
        member.mode,
        member.offset,
        None if member.target is None else pack_text(member.target),
        member.sha256,
        None if member.source is None else pack_text(member.source),
    )
