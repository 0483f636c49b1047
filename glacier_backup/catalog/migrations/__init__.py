"""How a catalog comes from any released schema to the newest: numbered steps, forward only.

A step, together with its row in the table ``migrations``, is one transaction: a catalog is at one number or the
next, whatever dies when. A released step is never edited; ``tests/catalog/released/`` keeps a database of each.
"""

from __future__ import annotations

from typing import NamedTuple

from sqlalchemy import Connection, func, insert, inspect, select

from glacier_backup.catalog import schema
from glacier_backup.catalog.migrations import m0001_initial
from glacier_backup.units import now


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


def applied(connection: Connection) -> int:
    """The schema that a catalog is at; 0 for a new, empty database."""
    if not inspect(connection).has_table(schema.migrations.name):
        return 0
    return connection.execute(select(func.max(schema.migrations.c.number))).scalar_one() or 0


def step_up(connection: Connection) -> bool:
    """Take the next step, if there is one, inside the caller's transaction."""
    due = [migration for migration in MIGRATIONS if migration.number > applied(connection)]
    if not due:
        return False
    step = due[0]
    connection.exec_driver_sql(RECORD)
    for statement in step.statements:
        connection.exec_driver_sql(statement)
    connection.execute(insert(schema.migrations).values(number=step.number, name=step.name, applied_at=now()))
    return True
