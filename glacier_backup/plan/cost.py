"""What reading costs, in money and hours, for each tier; and what is due for deleting too soon.

Volumes are added one after the other, and only sums are kept: there may be millions.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from types import MappingProxyType

from glacier_backup.errors import UsageError
from glacier_backup.model.prices import DAYS_A_MONTH, VAULT, Prices
from glacier_backup.model.restore import WHOLE, ByteRange
from glacier_backup.model.thaw import Tier
from glacier_backup.plan.classes import HOT
from glacier_backup.plan.ranges import length, to_ask_for
from glacier_backup.plan.thawing import TIERS, Hours, Shelf
from glacier_backup.units import GIB, MIB

PIECE = 8 * MIB
"""How much one request is taken to fetch."""

LEAST_DAYS: Mapping[str, int] = MappingProxyType(
    {"STANDARD_IA": 30, "ONEZONE_IA": 30, "GLACIER_IR": 90, "GLACIER": 90, "DEEP_ARCHIVE": 180, VAULT: 90}
)
"""Amazon's least terms (S3 pricing page; of a vault as in prices.ini). They hold for classes that the price table
leaves out, too: then there is something to pay, and nobody knows how much."""


@dataclass(frozen=True, slots=True)
class Load:
    """What is to be read off one shelf."""

    volumes: int = 0
    thawed: int = 0
    """Bytes that have to become readable: of a bucket whole objects, of a vault ranges on the grid of 1 MiB."""
    requests: int = 0
    """That ask for it."""
    read: int = 0
    """Bytes that are fetched."""
    gets: int = 0
    """Requests that fetch."""

    def __add__(self, other: Load) -> Load:
        return Load(
            self.volumes + other.volumes,
            self.thawed + other.thawed,
            self.requests + other.requests,
            self.read + other.read,
            self.gets + other.gets,
        )


def load_of(shelf: Shelf, size: int, ranges: tuple[ByteRange, ...] = (WHOLE,)) -> Load:
    """What reading ``ranges`` of one volume of ``size`` bytes is."""
    asked: tuple[ByteRange, ...] = (WHOLE,)
    read, gets = size, max(-(-size // PIECE), 1)
    if ranges != asked:
        asked = to_ask_for(ranges, size)
        read = length(asked, size)
        gets = sum(max(-(-length((one,), size) // PIECE), 1) for one in asked)
    if not shelf.is_cold:
        return Load(volumes=1, read=read, gets=gets)
    if shelf.kind == "s3":
        return Load(1, size, 1, read, gets)
    return Load(1, read, len(asked), read, gets)


@dataclass(slots=True)
class Loads:
    """The sum of many."""

    by_shelf: dict[Shelf, Load] = field(default_factory=dict)

    def add(self, shelf: Shelf, load: Load) -> None:
        self.by_shelf[shelf] = self.by_shelf.get(shelf, Load()) + load

    @property
    def cold(self) -> Load:
        """What has to be thawed."""
        return sum((load for shelf, load in self.by_shelf.items() if shelf.is_cold), Load())

    @property
    def hot(self) -> Load:
        """What is readable at once."""
        return sum((load for shelf, load in self.by_shelf.items() if not shelf.is_cold), Load())


@dataclass(frozen=True, slots=True)
class TierCost:
    """What reading everything costs when what is cold is thawed in one tier. Amounts are in the table's currency, and
    sums of what is known."""

    tier: Tier
    volumes: int
    """That are thawed."""
    bytes: int
    """That are thawed."""
    requests: int
    """That ask for it."""
    hours: Hours | None
    """Until all is readable; None where nothing is cold."""
    retrieval: float = 0.0
    """By the GiB, thawed or read."""
    asking: float = 0.0
    """All requests."""
    copy: float = 0.0
    """Of thawed copies, for the days that they are kept."""
    transfer: float = 0.0
    """What leaves the provider for the internet, if it is all that does in this month."""
    unknown: tuple[str, ...] = ()
    """What there is no price of."""
    not_offered_by: tuple[Shelf, ...] = ()
    """Where this tier isn't to be had: then nothing can be read so."""

    @property
    def total(self) -> float:
        return self.retrieval + self.asking + self.copy + self.transfer


def costs(loads: Loads, prices: Prices, days: int) -> tuple[TierCost, ...]:
    """For each of :data:`~glacier_backup.plan.thawing.TIERS`, when thawed copies are kept for so many days."""
    return tuple(_Counting(loads, prices, days, tier).cost() for tier in TIERS)


class _Counting:
    def __init__(self, loads: Loads, prices: Prices, days: int, tier: Tier) -> None:
        self._loads = loads
        self._prices = prices
        self._days = days
        self._tier = tier
        self._unknown: dict[str, None] = {}

    def cost(self) -> TierCost:
        shelves = self._loads.by_shelf
        cold = self._loads.cold
        hours = [shelf.offers[self._tier] for shelf in shelves if self._tier in shelf.offers]
        return TierCost(
            self._tier,
            cold.volumes,
            cold.thawed,
            cold.requests,
            Hours(max(one.least for one in hours), max(one.most for one in hours)) if hours else None,
            retrieval=self._sum(self._retrieval),
            asking=self._sum(self._asking),
            copy=self._sum(self._copy),
            transfer=self._transfer(),
            unknown=tuple(self._unknown),
            not_offered_by=tuple(one for one in shelves if one.is_cold and self._tier not in one.offers),
        )

    def _sum(self, part: Callable[[Shelf, Load], float]) -> float:
        paid = ((shelf, load) for shelf, load in self._loads.by_shelf.items() if shelf.price_class is not None)
        return sum(part(shelf, load) for shelf, load in paid if self._has_prices(shelf))

    def _has_prices(self, shelf: Shelf) -> bool:
        """A table of Amazon's says nothing about other providers."""
        known = shelf.price_class in self._prices.classes and not (shelf.endpoint and self._prices.shipped)
        if not known:
            self._unknown[f"reading from {shelf}"] = None
        return known

    def _retrieval(self, shelf: Shelf, load: Load) -> float:
        own = self._prices.classes[shelf.price_class or ""]
        if not shelf.is_cold:
            return load.read / GIB * self._known(own.read_gb, f"reading from {shelf}")
        price = own.thaw[self._tier].gb if self._tier in own.thaw else None
        return load.thawed / GIB * self._known(price, f"thawing from {shelf}")

    def _asking(self, shelf: Shelf, load: Load) -> float:
        own = self._prices.classes[shelf.price_class or ""]
        amount = load.gets * self._known(own.get, f"requests to {shelf}")
        if not shelf.is_cold:
            return amount
        price = own.thaw[self._tier].request if self._tier in own.thaw else None
        return amount + load.requests * self._known(price, f"requests to {shelf}")

    def _copy(self, shelf: Shelf, load: Load) -> float:
        """In a bucket it is kept beside the archive, at the rate of the hot class; in a vault a day, for nothing."""
        if shelf.kind != "s3" or not shelf.is_cold:
            return 0.0
        hot = self._prices.classes.get(HOT)
        rate = self._known(hot.storage_gb_month if hot else None, f"copies in {HOT}")
        return load.thawed / GIB * rate * self._days / DAYS_A_MONTH

    def _transfer(self) -> float:
        leaving = sum(load.read for shelf, load in self._loads.by_shelf.items() if self._is_amazon(shelf))
        if leaving and self._prices.transfer is None:
            self._unknown["transfer to the internet"] = None
        return self._prices.transfer.cost(leaving) if self._prices.transfer is not None else 0.0

    def _is_amazon(self, shelf: Shelf) -> bool:
        return shelf.price_class is not None and not (shelf.endpoint and self._prices.shipped)

    def _known(self, price: float | None, what: str) -> float:
        if price is None:
            # A tier that isn't offered has no price either.
            self._unknown[what] = None
        return price or 0.0


def check_offered(cost: TierCost) -> None:
    """Raises UsageError where its tier isn't to be had for some of what is to be read."""
    if cost.not_offered_by:
        where = ", ".join(map(str, cost.not_offered_by))
        tiers = [tier for tier in TIERS if all(tier in one.offers for one in cost.not_offered_by)]
        raise UsageError(f"--tier {cost.tier} is not offered for {where}", hint=f"expected {' or '.join(tiers)}")


def check_affordable(cost: TierCost, most: float | None, prices: Prices) -> None:
    """Raises UsageError where reading costs more than ``most``, or where that can't be told for want of prices."""
    if most is None:
        return
    if cost.total > most:
        raise UsageError(
            f"reading this costs {prices.say(cost.total)} with --tier {cost.tier}, more than --max-cost {most:g}",
            hint=f"nothing was asked for; --plan shows what each tier costs (prices of {prices.date})",
        )
    if cost.unknown:
        raise UsageError(
            f"whether this costs more than --max-cost {most:g} can't be told: there is no price of "
            f"{', '.join(cost.unknown)}",
            hint="the option prices names a table that has them; without --max-cost nothing is compared",
        )


def remaining_days(prices: Prices, shelf: Shelf, stored_at: datetime, now: datetime) -> int:
    """Days, begun ones included, for which what was stored then is paid even if it is deleted now; 0 where the least
    term is over, or there is none that is known."""
    return max(-((now - stored_at - timedelta(days=_least_days(prices, shelf))) // timedelta(days=1)), 0)


def _least_days(prices: Prices, shelf: Shelf) -> int:
    own = prices.classes.get(shelf.price_class or "")
    if shelf.endpoint and (own is None or prices.shipped):
        return 0
    return LEAST_DAYS.get(shelf.price_class or "", 0) if own is None else own.least_days


def early_deletion(prices: Prices, shelf: Shelf, size: int, stored_at: datetime, now: datetime) -> float | None:
    """What deleting a volume of ``size`` bytes now costs: its storage for the rest of the least term (S3 pricing page:
    pro-rated). 0 where that is over; None where the term isn't over and there is no price."""
    days = remaining_days(prices, shelf, stored_at, now)
    if days == 0:
        return 0.0
    try:
        return prices.a_month(size, shelf.price_class or "", HOT) * days / DAYS_A_MONTH
    except KeyError:
        return None
