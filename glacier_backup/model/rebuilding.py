"""What has come of rebuilding a catalog."""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple


class Refused(NamedTuple):
    """An archive that could be ours, and is left out, for it contradicts itself or can't be looked at."""

    locator: str
    why: str


class UnreadPack(NamedTuple):
    """A group that could not be read, so that nobody knows what is in it."""

    archive: int
    """Its id in the catalog."""
    path: str
    locator: str
    """Of its first volume."""
    why: str
    cure: str
    thawing: bool = False
    """Whether it can be read later."""


@dataclass(frozen=True, slots=True)
class PacksRead:
    """What has come of learning what is in the groups of one place."""

    read: int = 0
    files: int = 0
    """In those, by their paths."""
    failed: int = 0
    """That could not be read."""
    thawing: int = 0
    """Among those, such as can be later."""
    dear: int = 0
    """That were left alone, for reading them costs money."""
    dear_bytes: int = 0
    """As stored."""
    cold: int = 0
    """That would have to be thawed."""
    cold_bytes: int = 0
    cold_words: tuple[str, ...] = ()
    """What means those where something is to be thawed; not all, where there are very many."""


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
    packs: PacksRead = PacksRead()
    waiting: bool = False
    """Whether the inventory isn't there yet: it was asked for."""
    error: str | None = None
    """Why it can't be read."""
    hint: str | None = None
    exit_code: int = 0
    """Of that error."""
