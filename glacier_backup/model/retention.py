"""How long archives are kept, and what is to be removed."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, fields
from datetime import datetime
from typing import NamedTuple

from glacier_backup.model.event import Waiting, Warned
from glacier_backup.model.period import Period
from glacier_backup.model.place import Place


@dataclass(frozen=True, slots=True)
class Policy:
    """Which archives of one path at one place are kept: those that any of the rules keeps. None: no such rule.

    The fields have the names of the options.
    """

    keep_last: int | None = None
    """So many of the newest."""
    keep_within: Period | None = None
    """What the path was at any moment since then."""
    keep_daily: int | None = None
    """The newest of each of the last so many days that have one, in UTC."""
    keep_weekly: int | None = None
    """Likewise of weeks, which begin on Monday (ISO 8601)."""
    keep_monthly: int | None = None
    keep_yearly: int | None = None

    @property
    def is_set(self) -> bool:
        """Whether there is any rule. Without one everything is kept."""
        return any(getattr(self, field.name) is not None for field in fields(self))

    def __str__(self) -> str:
        """``keep_last 3, keep_within 6 months``."""
        rules = ((field.name, getattr(self, field.name)) for field in fields(self))
        return ", ".join(f"{name} {value}" for name, value in rules if value is not None)


class Charge(NamedTuple):
    """What deleting before the least term is over costs."""

    amount: float | None
    """In the currency of the price table; None where the term isn't over and nobody knows the price."""
    until: datetime | None = None
    """From when on it would cost nothing; None where it costs nothing now."""


NO_CHARGE = Charge(0.0)


@dataclass(frozen=True, slots=True)
class Removal:
    """One archive that is to be removed."""

    id: int
    """In the catalog."""
    place_id: int
    path: str
    name: str
    time: datetime
    locators: tuple[str, ...]
    """Of its volumes."""
    bytes: int | None
    """That this frees; 0 where nothing of it is left, None where nobody knows."""
    why: str
    charge: Charge = NO_CHARGE


@dataclass(frozen=True, slots=True)
class Retained:
    """One archive that stays, and why."""

    id: int
    place_id: int
    path: str
    name: str
    time: datetime
    bytes: int | None
    why: str


@dataclass(frozen=True, slots=True)
class RemovalShare:
    """What of a plan concerns one place."""

    place: Place
    count: int = 0
    bytes: int = 0
    """As far as known."""
    versions: int = 0
    """How many archives of a bucket are named with their version: removing these leaves nothing behind."""


@dataclass(frozen=True, slots=True)
class RemovalPlan:
    """What is to be removed, before anything is done. There may be millions."""

    removals: Collection[Removal]
    """In order of path, then place, then age, as they were named; groups that go for the sake of their files
    come last."""
    places: Mapping[int, Place]
    """All that the catalog knows, by their ids there."""
    shares: Mapping[int, RemovalShare]
    """By the place's id; those that something is removed from."""
    charge: float
    """Of all together, as far as known."""
    unpriced: int
    """For how many of them more is charged, and nobody knows how much."""
    charged_until: datetime | None
    """From when on none of them would be charged."""
    kept: int = 0
    """Archives that were looked at, and stay."""
    unruled: int = 0
    """Of these: how many belong to no section that says how long."""
    elsewhere: int = 0
    """Of these: how many other machines have sent."""
    deferred: int = 0
    """Of these: how many will go when deleting them costs nothing."""
    mixed: int = 0
    """Of these: how many groups also hold files that no rule keeps."""
    history: int = 0
    """Bytes of those files, before packing: what stays with the others only."""
    retained: Collection[Retained] = ()
    """Those that stay, if they were asked for."""
    mark: str = ""
    """Two plans to remove the same archives have the same one."""

    @property
    def bytes(self) -> int:
        """That this frees, as far as known."""
        return sum(share.bytes for share in self.shares.values())

    @property
    def is_charged(self) -> bool:
        return self.charge > 0 or self.unpriced > 0


@dataclass(frozen=True, slots=True)
class Removed:
    """An archive is gone, in its destination and in the catalog."""

    removal: Removal


@dataclass(frozen=True, slots=True)
class NotRemoved:
    """An archive could not be removed; the catalog still has it."""

    removal: Removal
    error: str
    hint: str | None = None


@dataclass(frozen=True, slots=True)
class PlaceFailed:
    """Nothing can be removed from a place, or nothing more."""

    place: Place
    error: str
    hint: str | None
    left: int
    """How many archives were to be."""


RemovalEvent = Removed | NotRemoved | PlaceFailed | Waiting | Warned

RemovalListener = Callable[[RemovalEvent], None]
"""Called with one event after the other; must be quick and must not raise."""


@dataclass(frozen=True, slots=True)
class RemovalSummary:
    """How it went."""

    plan: RemovalPlan
    results: Collection[Removed | NotRemoved]
    """One for each that was tried or could not be, place by place."""
    removed: int
    failed: int
    bytes: int
    """That are free now, as far as known."""
    exit_code: int
    """0 all is done; 1 some failed; 4 nothing could be done, for a destination can't be used; 130 interrupted."""
