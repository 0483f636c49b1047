"""What happens while things are brought back or verified, as listeners are told it.

A listener is any callable that takes one event. It is called from the thread that does the work, must be quick
and must not raise. Besides these it is told :class:`~glacier_backup.model.event.Warned` and
:class:`~glacier_backup.model.event.Waiting`, as in a backup.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime

from glacier_backup.model.event import Waiting, Warned
from glacier_backup.model.restore import ItemState, Purpose, RestoreRecord
from glacier_backup.model.thaw import Thaw, Tier


@dataclass(frozen=True, slots=True)
class RestoreBegun:
    """What is to be brought back is written down."""

    restore: RestoreRecord
    resumed: bool
    """Whether an earlier run began it."""
    items: int
    """How many it has, those that are back already included."""


@dataclass(frozen=True, slots=True)
class ThawRequested:
    """Bytes of a volume were asked for. Where nothing is cold nobody is told."""

    path: str
    """Of the archive; with the member where only that is wanted."""
    place: str
    thaw: Thaw
    tier: Tier


@dataclass(frozen=True, slots=True)
class Awaiting:
    """All that can be done now is done; the rest is being made readable."""

    items: int
    expected: datetime | None
    """When all of it should be, as a rule; None where nobody can tell."""
    next_look: datetime | None
    """None: this run doesn't wait."""


@dataclass(frozen=True, slots=True)
class ItemStarted:
    """One of the things begins to be fetched."""

    number: int
    path: str
    """As in :class:`ThawRequested`."""
    bytes: int | None
    """That will be fetched; None where that isn't known."""


@dataclass(frozen=True, slots=True)
class BytesFetched:
    """Bytes have come, and are right as far as that can be told of a piece."""

    number: int
    bytes: int


@dataclass(frozen=True, slots=True)
class ItemEnded:
    """One of the things is dealt with, for this run at least."""

    number: int
    path: str
    to: str
    """Relative to the target; the snapshot that it becomes, where it is received; empty for a verification."""
    state: ItemState
    """``restored``, ``verified``, ``kept``, ``failed`` or ``damaged``; or an earlier one, when the next run goes on."""
    cause: str | None = None
    hint: str | None = None
    left_out: tuple[str, ...] = ()
    """What could not be given back as it was, in plain words."""
    purpose: Purpose = "restore"


@dataclass(frozen=True, slots=True)
class RestoreSummary:
    """How far it is when a run ends."""

    restore: int
    """Its id in the catalog."""
    purpose: Purpose
    counts: Mapping[ItemState, int] = field(default_factory=dict)
    """Of all items, those that earlier runs dealt with included."""
    fetched: int = 0
    """Bytes that this run has fetched."""
    expected: datetime | None = None
    """When what is being made readable should be, as a rule."""
    exit_code: int = 0
    """0 all is back; 75 something is being made readable; 5 damage; 4 nothing could be done; 1 some failed or were
    kept; 130 interrupted (DESIGN, section 4)."""
    ended_early: bool = False
    """Whether something kept it from trying everything."""

    def count(self, *states: ItemState) -> int:
        """How many items are in any of these states."""
        return sum(self.counts.get(state, 0) for state in states)


@dataclass(frozen=True, slots=True)
class RestoreEnded:
    summary: RestoreSummary


ReadingEvent = (
    RestoreBegun | ThawRequested | Awaiting | ItemStarted | BytesFetched | ItemEnded | RestoreEnded | Warned | Waiting
)

ReadingListener = Callable[[ReadingEvent], None]
