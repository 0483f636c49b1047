"""Making stored volumes readable: what is asked of a destination, and how that stands."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Literal

Tier = Literal["bulk", "standard", "expedited"]
"""How soon: within two days or half of one, within hours, within minutes. Sooner costs more."""

ThawState = Literal["thawing", "ready", "failed"]


@dataclass(frozen=True, slots=True)
class ThawRequest:
    """Bytes that are to become readable."""

    locator: str | None
    """Of the volume; None for the inventory: the list of all that is stored."""
    start: int = 0
    """The first byte, on a boundary of 1 MiB."""
    end: int | None = None
    """Behind the last byte, on a boundary of 1 MiB or the volume's end; None: to its end."""
    tier: Tier = "bulk"
    days: int = 7
    """How long a thawed copy is to be kept, where that can be chosen."""

    def is_covered_by(self, start: int, end: int | None) -> bool:
        """Whether the bytes from ``start`` to ``end`` (None: the volume's end) are all that is asked for."""
        return start <= self.start and (end is None or (self.end is not None and self.end <= end))


@dataclass(frozen=True, slots=True)
class Thaw:
    """One request for bytes to become readable, and how it stands."""

    locator: str | None
    """None for the inventory."""
    id: str
    """What the destination calls it; empty where it has no name for it."""
    state: ThawState
    start: int = 0
    end: int | None = None
    """As :class:`ThawRequest` has them; it may make more readable than was asked for."""
    until: datetime | None = None
    """Of one that is ready: how long; None for good, or as long as nobody can tell."""
    cause: str | None = None
    """Why it failed."""


@dataclass(frozen=True, slots=True)
class Stored:
    """One object in an inventory."""

    locator: str
    size: int
    """Bytes."""
    stored_at: datetime
    description: str | None = None
    """Where the destination keeps one: as :func:`~glacier_backup.model.description.describe` makes it, or whatever else
    another system has written there."""
    tree_hash: str | None = None
    """Hex; where the listing says it."""
    storage_class: str | None = None
    sha256: str | None = None
    """Linear, hex; where asking about this one tells it."""
    crc64nvme: str | None = None
    """Of the whole, base64; likewise."""
    manifest: str | None = None
    """The text beside it; likewise."""
    metadata: Mapping[str, str] = field(default_factory=dict, hash=False)
    """What else it says of itself, names in small letters; likewise."""
    hidden_at: datetime | None = None
    """Since when a mark of deletion stands in front of it, of the newest version of what is deleted; None: there is
    none, or it isn't listed."""


@dataclass(frozen=True, slots=True)
class ThawRecord:
    """One request for bytes to become readable, as the catalog keeps it."""

    place_id: int
    thaw: Thaw
    tier: Tier
    requested_at: datetime
    storage_class: str | None = None
