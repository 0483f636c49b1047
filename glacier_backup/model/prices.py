"""What storing costs, as far as decisions depend on it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from glacier_backup.units import GIB

DAYS_A_MONTH = 365 / 12


@dataclass(frozen=True, slots=True)
class ClassPrices:
    """Those of one storage class, in the currency of its table."""

    storage_gb_month: float
    """For 1 GiB, as Amazon counts."""
    put: float
    """For one request that stores an object."""
    least_billed_bytes: int
    """Smaller objects cost as much as one of these."""
    least_days: int
    """What is deleted earlier is paid until then."""
    overhead: bool
    """Whether each object takes the overhead of an archived one on top."""


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
    """By the names that S3 gives them."""

    def cost(self, size: int, storage_class: str, hot: str, months: float) -> float:
        """Of storing one object of ``size`` bytes once and keeping it for so many months; ``hot`` is the class at
        whose rate a part of the overhead goes."""
        own = self.classes[storage_class]
        billed = max(size, own.least_billed_bytes)
        at_hot = 0
        if own.overhead:
            billed += self.overhead_cold_bytes
            at_hot = self.overhead_hot_bytes
        a_month = (billed * own.storage_gb_month + at_hot * self.classes[hot].storage_gb_month) / GIB
        return own.put + a_month * max(months, own.least_days / DAYS_A_MONTH)
