"""Getting back what is stored: what was asked for, the plan, and how far it is."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Literal, NamedTuple

from glacier_backup.model.thaw import Tier

Purpose = Literal["restore", "verify", "receive"]
"""``receive``: datasets are brought back as such, and nothing goes into a directory."""

ItemState = Literal[
    "planned", "requested", "thawing", "ready", "fetched", "verified", "restored", "kept", "failed", "damaged"
]
"""``kept``: something is at its place already and stays. ``failed`` is tried again by the next run; ``damaged`` isn't,
for the same bytes would come. Of a verification the last good one is ``verified``."""

ENDED: frozenset[ItemState] = frozenset({"restored", "kept", "damaged"})
"""States of a restore's items that no later run changes; of a verification ``verified`` is one of them, too."""


class ByteRange(NamedTuple):
    """Bytes of an archive's stored stream."""

    start: int
    end: int | None
    """Behind the last byte; None: to the end of the stream."""


WHOLE = ByteRange(0, None)


@dataclass(frozen=True, slots=True)
class Wish:
    """What was asked for. The same wish again is the same restore, and goes on with it."""

    purpose: Purpose
    target: str
    """Absolute path of the directory that all goes into, or the dataset, ``zfs:pool/name``, that it is received into;
    empty for a verification."""
    what: tuple[str, ...]
    """As given: paths, globs, archives; empty: everything. Of a verification what is to be read."""
    at: str = ""
    """As of when: RFC 3339, or empty for the newest. Where that is another time tomorrow ("3 weeks ago", "now") it is
    kept as it was said, so that the same command stays the same wish."""
    tier: Tier = "bulk"
    days: int = 7
    overwrite: bool = False
    place: str = ""
    """The only one that it is to come from; empty: whichever is best."""

    @property
    def key(self) -> tuple[str, str, tuple[str, ...], str, str]:
        """What makes two wishes the same one."""
        return (self.purpose, self.target, self.what, self.at, self.place)


@dataclass(frozen=True, slots=True)
class RestoreItem:
    """One thing to bring back: an archive, or what lies at and below one member of it."""

    archive: int
    """Its id in the catalog."""
    to: str
    """Where it goes, relative to the target; the snapshot that it becomes, ``zfs:pool/name@snapshot``; empty for a
    verification."""
    member: str | None = None
    """As the archive stores it: that, with all below it; None: everything."""
    ranges: tuple[ByteRange, ...] = (WHOLE,)
    """The bytes that it takes, in order, each of whole members. Where the container can't be taken apart, all."""
    numbers: tuple[tuple[int, int], ...] = ()
    """Of a group: the files that are wanted, as runs of the numbers of their members, first and last, in order. Each
    gets its name by itself then, among what is there already: what is ``a/b`` below ``member`` (below the top of the
    container where that is None) becomes ``a/b`` below ``to``, which is ``.`` for the target itself. Empty: this is one
    thing."""
    chain: tuple[int, ...] = ()
    """Of a link of a chain that is wanted as a whole: the ids of all archives that are laid over each other, in order;
    their items have the same ``to`` and ``member``, and follow each other so. Empty: it comes back by itself."""


@dataclass(frozen=True, slots=True)
class ItemRecord:
    """An item, and how far it is."""

    number: int
    """In the plan, from 0."""
    item: RestoreItem
    state: ItemState
    cause: str | None = None
    """Why it is kept, failed or damaged."""


@dataclass(frozen=True, slots=True)
class RestoreRecord:
    """A restore as the catalog keeps it."""

    id: int
    wish: Wish
    created_at: datetime
    ended_at: datetime | None = None
    """When everything was in a state that no later run changes."""
