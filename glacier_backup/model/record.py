"""What the catalog answers."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import NamedTuple

from glacier_backup.model.candidate import Fingerprint, Kind
from glacier_backup.model.tree_digest import SizeAndTime


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
    group: str = ""
    """Path of the group that it is in; empty for an archive of its own."""


class KnownMember(NamedTuple):
    """One file of a group, as it was when it was sent, or was found to look since."""

    name: bytes
    """Below the section, where it lies; not what filters have made of it."""
    look: SizeAndTime
    sha256: bytes | None
    """Of its content, of a link its target; None where nobody has hashed it."""
    stored: bytes = b""
    """What filters have made of its name, which is what it is called in the archive; empty: the name itself."""


class Current(NamedTuple):
    """The newest version of one file that is stored at one place, and wasn't deleted since."""

    path: str
    archive: int
    """The id of its own, or of the group."""
    kind: Kind
    size: int
    """Bytes of content."""
    group: str
    """Path of the group that it is in; empty for an archive of its own."""
    fixed: bool
    """Whether the archive has a key that stays the same, as files of a whole tree and groups that go by a prefix do."""
    own: int | None = None
    """Of a file that is in a group: an earlier archive of its own that has such a key, and wasn't put away."""


class CurrentGroup(NamedTuple):
    """The newest archive of a group that goes by a prefix."""

    path: str
    archive: int
    name: str
    """The archive's."""
    size: int
    """Bytes of its files, as they were."""
    digest: str | None
    """Of its contents."""


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
