"""How a catalog comes from any released schema to the newest: numbered steps, forward only.

A step, together with its row in the table ``migrations``, is one transaction: a catalog is at one number or the
next, whatever dies when. A released step is never edited; ``tests/catalog/released/`` keeps a database of each.
"""

from __future__ import annotations

from typing import NamedTuple

from glacier_backup.catalog.database import Execute
from glacier_backup.catalog.migrations import m0001_initial
from glacier_backup.units import now, rfc3339


class Migration(NamedTuple):
    """One step: carries a catalog from schema ``number - 1`` to schema ``number``."""

    number: int
    name: str
    statements: tuple[str, ...]


MIGRATIONS = (Migration(1, "initial", m0001_initial.STATEMENTS),)

RECORD = """
    CREATE TABLE IF NOT EXISTS migrations (
        number INTEGER NOT NULL PRIMARY KEY,
        name TEXT NOT NULL,
        applied_at TEXT NOT NULL
    )
"""


def newest() -> int:
    """The schema that this program reads and writes."""
    return MIGRATIONS[-1].number


def has_table(execute: Execute, name: str) -> bool:
    """Whether a database has a table of that name."""
    return [*execute("SELECT 1 FROM sqlite_master WHERE type = 'table' AND name = ?", (name,))] != []


def applied(execute: Execute) -> int:
    """The schema that a catalog is at; 0 for a new, empty database."""
    if not has_table(execute, "migrations"):
        return 0
    ((number,),) = execute("SELECT max(number) FROM migrations")
    return number or 0


def step_up(execute: Execute) -> bool:
    """Take the next step, if there is one, inside the caller's transaction."""
    before = applied(execute)
    due = [migration for migration in MIGRATIONS if migration.number > before]
    if not due:
        return False
    step = due[0]
    for statement in (RECORD, *step.statements):
        execute(statement)
    execute("INSERT INTO migrations VALUES (?, ?, ?)", (step.number, step.name, rfc3339(now())))
    return True
