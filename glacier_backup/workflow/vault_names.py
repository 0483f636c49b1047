"""What the archives of a vault are called: by our description, by another program's, or by its journal."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable
from contextlib import closing
from dataclasses import replace
from typing import NamedTuple

from glacier_backup.model.description import PrivateLabel, ShortenedLabel, parse_description
from glacier_backup.model.foreign import parse_foreign
from glacier_backup.model.journal import JournalEntry, live
from glacier_backup.model.thaw import Stored

OURS = "glacier-backup"
JOURNAL = "mt-aws-glacier's journal"


class Name(NamedTuple):
    """What is known of one archive."""

    path: str | None
    """Of ours absolute, of others relative; None: nothing tells, and its id has to do."""
    system: str | None
    """What tells it."""
    host: str | None = None
    mtime_ns: int | None = None


NAMELESS = Name(None, None)


class Journal:
    """The names that a journal of mt-aws-glacier has for archives. A context manager; what there is lies on disk."""

    def __init__(self, entries: Iterable[JournalEntry] = ()) -> None:
        """Raises ValueError, naming the line, for a journal that can't be read."""
        self._database = sqlite3.connect("", isolation_level=None)
        self._database.execute("CREATE TABLE names (id TEXT PRIMARY KEY, path TEXT, mtime INTEGER) WITHOUT ROWID")
        self._database.execute("BEGIN")
        rows = ((one.archive_id, one.safe_path, one.mtime_ns) for one in live(entries) if one.safe_path is not None)
        self._database.executemany("INSERT OR REPLACE INTO names VALUES (?, ?, ?)", rows)
        self._database.execute("COMMIT")

    def __enter__(self) -> Journal:
        return self

    def __exit__(self, *_: object) -> None:
        self._database.close()

    def name(self, archive: str) -> Name | None:
        """None where it knows of no such archive, or of none that is still there."""
        with closing(self._database.execute("SELECT path, mtime FROM names WHERE id = ?", (archive,))) as found:
            row: tuple[str, int | None] | None = found.fetchone()
        return None if row is None else Name(row[0], JOURNAL, mtime_ns=row[1])


def name_of(stored: Stored, journal: Journal | None = None) -> Name:
    """What an archive of an inventory is called. The journal is asked where the description says nothing."""
    match parse_description(stored.description or ""):
        case None:
            pass
        case ShortenedLabel(beginning, _):
            return Name(f"{beginning.path}…", OURS, beginning.host, beginning.mtime_ns)
        case PrivateLabel(alias, suffix):
            return Name(f"(hidden name {alias}{suffix})", OURS)
        case label:
            return Name(label.path + (label.suffix if label.volume else ""), OURS, label.host, label.mtime_ns)
    foreign = parse_foreign(stored.description or "")
    if foreign is not None:
        return Name(foreign.path, foreign.system, mtime_ns=foreign.mtime_ns)
    return (journal.name(stored.locator) if journal is not None else None) or NAMELESS


def with_name(stored: Stored, journal: Journal | None) -> Stored:
    """The archive with the journal's name for its description, where its own says nothing."""
    name = name_of(stored, journal)
    return replace(stored, description=name.path) if name.system == JOURNAL else stored
