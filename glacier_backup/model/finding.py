"""What a verification brings to light."""

from __future__ import annotations

from collections.abc import Callable, Collection
from dataclasses import dataclass, field
from datetime import datetime
from typing import Literal

Rung = Literal["catalog", "inventory", "sample", "full"]
"""How deep is looked: into the catalog alone, at what destinations list, into some of the bytes, into all of them."""

FindingKind = Literal[
    "catalog",
    "missing",
    "other_size",
    "other_checksum",
    "damaged",
    "manifest",
    "unsure",
    "unknown",
    "duplicate",
    "stored_after_all",
    "given_up",
    "in_doubt",
    "mended",
]
"""``catalog``: it contradicts itself. ``missing``, ``other_size``, ``other_checksum``: by what the destination says.
``damaged``: what came back isn't what was sent. ``manifest``: the text beside an archive isn't the one that was
written. ``unsure``: it could not be looked at. ``unknown``: ours, and in no catalog. ``duplicate``: it is there twice.
The next three are about archives of which nobody knew whether they had been stored. ``mended``: it was damaged, and its
parity has put it right where it is stored."""

DAMAGE: frozenset[FindingKind] = frozenset({"catalog", "missing", "other_size", "other_checksum", "damaged"})
"""What isn't as it was, and can't be had back as it should be."""


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that a person should know."""

    kind: FindingKind
    what: str
    """In plain words, without the path."""
    place: str = ""
    path: str | None = None
    locator: str | None = None
    archive: int | None = None
    """Its id in the catalog."""
    time: datetime | None = None
    """Of the archive."""
    cure: str | None = None
    """What to do about it."""
    members: tuple[str, ...] = ()
    """Those that are hit, where it is known."""
    sent_again: bool = False
    """Whether the next run sends it again, as long as its source is there."""

    @property
    def is_damage(self) -> bool:
        return self.kind in DAMAGE


@dataclass(frozen=True, slots=True)
class PlaceReport:
    """What was found at one place."""

    place: str
    volumes: int = 0
    """That the catalog knows, and that were looked for."""
    bytes: int = 0
    """Of those, as far as known."""
    right: int = 0
    """Volumes that are there with their size, and with their checksum where the destination tells it."""
    proven: int = 0
    """Volumes among them whose checksum the destination keeps, and which is right."""
    recent: int = 0
    """Volumes that an inventory need not know yet."""
    replaced: int = 0
    """Volumes whose key was used again: what they were isn't there any more, as was asked for."""
    unknown: int = 0
    """Archives of ours that the catalog doesn't know."""
    foreign: int = 0
    """Objects of others."""
    foreign_bytes: int = 0
    waiting: bool = False
    """Whether the inventory isn't there yet: it was asked for."""
    error: str | None = None
    """Why nothing could be looked at."""
    exit_code: int = 0
    """Of that error."""


@dataclass(frozen=True, slots=True)
class VerifyReport:
    """What a verification has come to."""

    places: tuple[PlaceReport, ...] = ()
    findings: Collection[Finding] = field(default=())
    """There may be many: they are read one after the other."""
    exit_code: int = 0


@dataclass(frozen=True, slots=True)
class Looked:
    """So much of a place has been looked at: a sign of life."""

    place: str
    count: int
    """Objects listed, archives examined or recorded, or packs read."""
    doing: Literal["listed", "examined", "added", "packs read"] = "listed"


LookListener = Callable[[Looked], None]
