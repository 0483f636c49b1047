"""What storing and reading cost, as far as decisions depend on it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from glacier_backup.model.thaw import Tier
from glacier_backup.units import GIB

DAYS_A_MONTH = 365 / 12

VAULT = "VAULT"
"""What the table calls the storage of a vault, which has no class."""


@dataclass(frozen=True, slots=True)
class ThawPrices:
    """Those of making archived objects readable in one tier; None where they aren't known."""

    request: float | None = None
    """For each volume, or range of one."""
    gb: float | None = None
    """For each GiB."""


@dataclass(frozen=True, slots=True)
class ClassPrices:
    """Those of one storage class, in the currency of its table; None where they aren't known."""

    storage_gb_month: float | None
    """For 1 GiB, as Amazon counts."""
    put: float | None
    """For one request that stores an object."""
    least_billed_bytes: int
    """Smaller objects cost as much as one of these."""
    least_days: int
    """What is deleted earlier is paid until then."""
    overhead: bool
    """Whether each object takes the overhead of an archived one on top."""
    get: float | None = None
    """For one request that reads."""
    read_gb: float | None = 0.0
    """For each GiB that is read, in classes that need no thaw."""
    thaw: Mapping[Tier, ThawPrices] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class TransferPrices:
    """Those of what leaves the provider for the internet."""

    free_gb: float
    """GiB in a month that cost nothing, those of everything else in the account included."""
    steps: tuple[tuple[float, float], ...]
    """GiB in a month, and what one costs up to there; the last price holds beyond."""

    def cost(self, size: int) -> float:
        """Of ``size`` bytes, if they are all that leaves in a month."""
        left, amount, below = size / GIB - self.free_gb, 0.0, self.free_gb
        for number, (limit, price) in enumerate(self.steps):
            last = number == len(self.steps) - 1
            taken = max(left if last else min(left, limit - below), 0.0)
            amount += taken * price
            left, below = left - taken, limit
        return amount


@dataclass(frozen=True, slots=True)
class Prices:
    """One dated table."""

    date: str
    """``2026-11-21``."""
    source: str
    currency: str
    region: str
    overhead_hot_bytes: int
    """Of the overhead, those at the rate of the hot class."""
    overhead_cold_bytes: int
    """Those at the rate of the archive's own."""
    classes: Mapping[str, ClassPrices]
    """By the names that S3 gives them; that of a vault is :data:`VAULT`."""
    transfer: TransferPrices | None = None
    shipped: bool = False
    """Whether it is the one that comes with the program: Amazon's, which says nothing about other providers."""

    def cost(self, size: int, storage_class: str, hot: str, months: float) -> float:
        """Of storing one object of ``size`` bytes once and keeping it for so many months; ``hot`` is the class at
        whose rate a part of the overhead goes. Raises KeyError for a class whose price isn't known."""
        own = self.classes[storage_class]
        if own.put is None:
            raise KeyError(storage_class)
        return own.put + self.a_month(size, storage_class, hot) * max(months, own.least_days / DAYS_A_MONTH)

    def a_month(self, size: int, storage_class: str, hot: str) -> float:
        """Of keeping one object of ``size`` bytes for a month; else as :meth:`cost`."""
        own = self.classes[storage_class]
        billed = max(size, own.least_billed_bytes)
        if not own.overhead:
            return billed * self._rate(storage_class) / GIB
        billed += self.overhead_cold_bytes
        return (billed * self._rate(storage_class) + self.overhead_hot_bytes * self._rate(hot)) / GIB

    def _rate(self, storage_class: str) -> float:
        rate = self.classes[storage_class].storage_gb_month
        if rate is None:
            raise KeyError(storage_class)
        return rate

    def say(self, amount: float) -> str:
        """``0.02 USD``; what is less than half a cent but not nothing is ``< 0.01 USD``."""
        if 0 < amount < 0.005:
            return f"< 0.01 {self.currency}"
        return f"{amount:,.2f} {self.currency}"
