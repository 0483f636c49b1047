"""What has come of rebuilding a catalog."""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple


class Refused(NamedTuple):
    """An archive that could be ours, and is left out, for it contradicts itself or can't be looked at."""

    locator: str
    why: str


@dataclass(frozen=True, slots=True)
class RebuiltPlace:
    """What was found at one place."""

    place: str
    listed: int = 0
    """Objects, catalog copies and the like left out."""
    known: int = 0
    """That the catalog had already."""
    added: int = 0
    """Archives that it has now."""
    of_other_hosts: int = 0
    """Archives that were not asked for."""
    refused: int = 0
    foreign: int = 0
    """Objects of others."""
    foreign_bytes: int = 0
    journaled_only: int = 0
    """Archives that the journal has, and the place hasn't."""
    thawing: int = 0
    """Archives with hidden names whose manifest is being made readable: it was asked for."""
    waiting: bool = False
    """Whether the inventory isn't there yet: it was asked for."""
    error: str | None = None
    """Why it can't be read."""
    hint: str | None = None
    exit_code: int = 0
    """Of that error."""
