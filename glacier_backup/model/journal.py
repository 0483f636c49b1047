"""The journal of mt-aws-glacier: what it has in a vault, by its own record (its Journal.pm and FileVersions.pm).

One record a line, fields between tabs, versions ``A``, ``B`` and ``C``::

    B <time> CREATED <archive id> <size> <mtime or NONE> <tree hash> <path>
    B <time> DELETED <archive id> <path>
    B <time> RETRIEVE_JOB <archive id> <job id>

Version ``0`` has blanks between the fields, no letter in front, no mtime and no job id. Times are seconds since 1970.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from datetime import UTC, datetime
from itertools import groupby
from typing import Literal, NamedTuple, get_args

from glacier_backup.model.foreign import is_safe
from glacier_backup.ordering import Ordering
from glacier_backup.spool import Spool

JournalKind = Literal["CREATED", "DELETED", "RETRIEVE_JOB"]


class JournalEntry(NamedTuple):
    """One line."""

    line: int
    """From 1."""
    kind: JournalKind
    time: datetime
    archive_id: str
    path: str | None = None
    """As it was written, below the directory that was looked after; None of a job."""
    size: int | None = None
    """Bytes; of what was created, as are the next two."""
    tree_hash: str | None = None
    """Hex."""
    mtime_ns: int | None = None
    """None where it isn't known."""
    job_id: str | None = None

    @property
    def safe_path(self) -> str | None:
        """The path, where it is one below wherever it is put; else None, and the archive's id has to do."""
        return self.path if self.path is not None and is_safe(self.path) else None


def read_journal(lines: Iterable[str]) -> Iterator[JournalEntry]:
    """Every record, in order. ``lines`` may have LF or CRLF at their ends, or nothing.

    Raises ValueError, naming the line, for one that is no record, is of a version to come, or was torn off.
    """
    ended = False
    for number, line in enumerate(lines, 1):
        if ended and not line.endswith("\n"):
            raise ValueError(f"line {number}: it has no end; the journal was cut there")
        ended = line.endswith("\n")
        yield _entry(number, line.removesuffix("\n").removesuffix("\r"))


def live(entries: Iterable[JournalEntry]) -> Iterator[JournalEntry]:
    """What was created and not deleted, in the order of the journal. Memory doesn't go with their number.

    Raises ValueError, naming the line, for an archive that was created twice, or deleted and never created.
    """
    created: Spool[JournalEntry] = Spool()
    fates = Ordering()
    for entry in entries:
        if entry.kind != "RETRIEVE_JOB":
            fates.add(f"{entry.archive_id}\0{entry.line:0{_DIGITS}}{entry.kind[0]}".encode())
        if entry.kind == "CREATED":
            created.append(entry)
    alive = (int(line) for line in _alive(fates))
    wanted = next(alive, None)
    for entry in created:
        if entry.line == wanted:
            yield entry
            wanted = next(alive, None)


_KINDS: dict[str, JournalKind] = {kind: kind for kind in get_args(JournalKind)}

_DIGITS = 12
"""Of the number of a line."""


def _alive(fates: Ordering) -> Ordering:
    """The lines that created what wasn't deleted after."""
    alive = Ordering()
    for archive_id, steps in groupby(fates, lambda fate: fate.partition(b"\0")[0]):
        created = None
        for step in steps:
            line, kind = step[-_DIGITS - 1 : -1], step[-1:]
            if (created is None) == (kind == b"D"):
                what = "is deleted, and isn't there" if kind == b"D" else "was created before"
                raise ValueError(f"line {int(line)}: archive {archive_id.decode()} {what}")
            created = line if kind == b"C" else None
        if created is not None:
            alive.add(created)
    return alive


def _entry(number: int, line: str) -> JournalEntry:
    match = next((match for form in _FORMS if (match := form.fullmatch(line))), None)
    if match is None:
        what = "of a version to come" if _LATER.match(line) else "no record of mt-aws-glacier"
        raise ValueError(f"line {number}: {what}: {line[:60]!r}")
    said = match.groupdict()
    if said["kind"] == "CREATED" and said.get("version") == "A" and said["path"] == said["id"]:
        said["mtime"] = None  # it stood for nothing
    return JournalEntry(
        number,
        _KINDS[said["kind"]],
        _moment(number, said["time"]),
        said["id"],
        said.get("path"),
        int(said["size"]) if "size" in said else None,
        said["hash"].lower() if "hash" in said else None,
        _nanoseconds(said.get("mtime")),
        said.get("job"),
    )


def _moment(number: int, seconds: str) -> datetime:
    try:
        return datetime.fromtimestamp(int(seconds), UTC)
    except (ValueError, OverflowError, OSError):
        raise ValueError(f"line {number}: there is no such time as {seconds}") from None


def _nanoseconds(seconds: str | None) -> int | None:
    """None also for a time that no database holds."""
    found = 0 if seconds in (None, "NONE") else int(seconds or 0) * 10**9
    return None if seconds in (None, "NONE") or abs(found) >= 2**63 else found


def _forms(start: str, gap: str, mtime: str, job: str) -> tuple[re.Pattern[str], ...]:
    head = rf"{start}(?P<time>[0-9]{{1,20}}){gap}"
    archive = rf"{gap}(?P<id>[A-Za-z0-9_-]+)"
    facts = rf"{gap}(?P<size>[0-9]{{1,20}}){gap}{mtime}(?P<hash>[0-9A-Fa-f]{{64}})"
    return (
        re.compile(rf"{head}(?P<kind>CREATED){archive}{facts}{gap}(?P<path>.+)"),
        re.compile(rf"{head}(?P<kind>DELETED){archive}{gap}(?P<path>.+)"),
        re.compile(rf"{head}(?P<kind>RETRIEVE_JOB){archive}{job}"),
    )


_FORMS = (
    *_forms(r"(?P<version>[ABC])\t", r"\t", r"(?P<mtime>[+-]?[0-9]{1,20}|NONE)\t", r"\t(?P<job>\S+)"),
    *_forms("", " ", "", ""),
)
_LATER = re.compile(r"[D-Z]\t")
