"""What the catalog answers."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import NamedTuple

from glacier_backup.model.candidate import Fingerprint


@dataclass(frozen=True, slots=True)
class LastSent:
    """The newest archive of one path at one place, as the change test needs it."""

    id: int
    sent_at: datetime
    bytes: int
    """Of the source."""
    digest: str | None
    """Of the fingerprint; None for what was taken over from a system that kept none."""
    problems: int = 0
    """How many files inside could not be read."""
    changed_while_read: bool = False
    damage: str | None = None
    """What is known to be wrong with it where it is stored, in plain words; None for nothing."""
    sha256: str | None = None
    """Hex, of the content of a file of a tree; None where nobody has hashed it."""


@dataclass(frozen=True, slots=True)
class Listed:
    """One archive as ``list`` shows it."""

    id: int
    path: str
    name: str
    bytes: int
    """Of the source."""
    stored_bytes: int
    destination: str
    locator: str
    sha256_tree: str | None
    """None for what was taken over from a system that kept none."""
    sent_at: datetime
    problems: int
    """How many files could not be read: the archive is incomplete when there is one."""
    changed_while_read: bool
    damage: str | None
    """What is known to be wrong with it where it is stored; None for nothing."""


@dataclass(frozen=True, slots=True)
class ForeignUpload:
    """One row of another system's record of what it has sent."""

    path: str
    name: str
    locator: str
    sent_at: datetime
    as_is: AsIs | None = None
    """Of a file whose bytes are stored as they are; None where nothing more is known."""


@dataclass(frozen=True, slots=True)
class AsIs:
    """What another system knew of a file that it stored as it was, under a key that stays the same."""

    fingerprint: Fingerprint
    fixed_key: str
    """As a :class:`~glacier_backup.model.archive.Label` has it: below the prefix."""
    storage_class: str | None = None
    """None where that isn't known."""


class CatalogCopy(NamedTuple):
    """A copy of the catalog that was put at some place."""

    locator: str
    changes: int | None
    """How many changes it holds, as :meth:`~glacier_backup.catalog.catalog.Catalog.changes` counts them; None where it
    isn't known whether it was stored."""
    begun: datetime
    """The time in its name."""
