"""What it saves to put small files together: objects, what each of them takes and costs besides its bytes, and how
small is small for a tree at hand.

Of other thresholds than the one that is in force only the sizes of the files are known: how many groups there would be
is a guess, by how many there are now.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import NamedTuple

from glacier_backup.model.prices import Prices
from glacier_backup.model.tree_sizes import Sized, TreeSizes
from glacier_backup.plan.classes import HOT, MONTHS
from glacier_backup.units import KIB, MIB

LEAST, MOST = 16 * KIB, 64 * MIB
"""What is suggested lies between. What changes in a group is sent with all of it: more saves little, and costs then."""

ENOUGH = 0.9
"""A threshold that saves so much of the most that any would is preferred to larger ones."""

WORTH_SAYING = 1000
"""Objects less, at least."""

_MANIFEST = 2048
"""Bytes, about, of what lies beside each archive, in the hot class."""
_FULL = 2.0
"""How many times the threshold a group has where there are none to tell; it may be many times, of a flat directory."""


class Tariff(NamedTuple):
    """What one destination charges for objects."""

    prices: Prices
    storage_class: str

    @property
    def overhead(self) -> int:
        """Bytes that each object takes besides its own."""
        own = self.prices.classes.get(self.storage_class)
        of_cold = own is not None and own.overhead
        return self.prices.overhead_hot_bytes + self.prices.overhead_cold_bytes if of_cold else 0

    def month(self, sized: Iterable[Sized]) -> float:
        """Of keeping them for a month, each by itself, with what lies beside it. Raises KeyError for what has no
        price."""
        beside = self.prices.a_month(_MANIFEST, HOT, HOT)
        return sum(
            one.files * (beside + self.prices.a_month(one.bytes // one.files, self.storage_class, HOT))
            for one in sized
            if one.files
        )

    def once(self, files: int) -> float:
        """Of the requests that store so many. Raises KeyError likewise."""
        return files * (self._put(self.storage_class) + self._put(HOT))

    def _put(self, storage_class: str) -> float:
        price = self.prices.classes[storage_class].put
        if price is None:
            raise KeyError(storage_class)
        return price


@dataclass(frozen=True, slots=True)
class Saving:
    """What one threshold saves at one destination; money in the currency of the prices, None where there are none."""

    below: int
    """Bytes: files that are smaller are put together."""
    files: int
    """So many are."""
    groups: int
    """In so many archives."""
    overhead: int
    """Bytes less that objects take besides their own."""
    month: float | None
    once: float | None
    """Of requests."""

    @property
    def objects(self) -> int:
        """How many less there are."""
        return self.files - self.groups

    @property
    def worth(self) -> float:
        """What is saved while they are kept for a year; of what has no price, objects."""
        return self.objects if self.month is None or self.once is None else self.month * MONTHS + self.once


def saved(sizes: TreeSizes, tariff: Tariff | None) -> Saving | None:
    """What the threshold in force saves; None where there is none. Without a ``tariff`` nothing is paid for."""
    if sizes.below is None:
        return None
    return _saving(sizes.below, _small(sizes, sizes.below), sizes.small, sizes.groups, tariff)


def suggested(sizes: TreeSizes, tariff: Tariff | None) -> Saving | None:
    """The smallest power of two that saves about as much as any; None where none saves anything to speak of, or no more
    than what is in force does."""
    found = [one for one in _others(sizes, tariff) if one.objects >= WORTH_SAYING]
    most = max((one.worth for one in found), default=0.0)
    best = next((one for one in found if one.worth >= ENOUGH * most), None)
    now = saved(sizes, tariff)
    if best is None or (now is not None and now.worth >= ENOUGH * best.worth):
        return None
    return best


def _others(sizes: TreeSizes, tariff: Tariff | None) -> Iterator[Saving]:
    below = LEAST
    while below <= MOST:
        small = _small(sizes, below)
        total = Sized(sum(one.files for one in small), sum(one.bytes for one in small))
        yield _saving(below, small, total, min(total.files, _groups(sizes, total, below)), tariff)
        below *= 2


def _small(sizes: TreeSizes, below: int) -> list[Sized]:
    """Those that are smaller, or for a size between two powers of two about those."""
    return list(sizes.sizes[: (below - 1).bit_length() + 1])


def _groups(sizes: TreeSizes, small: Sized, below: int) -> int:
    full = _FULL
    if sizes.below is not None and sizes.groups > 1:
        full = min(max(sizes.small.bytes / sizes.groups / sizes.below, 1.0), 8.0)
    return max(round(small.bytes / (full * below)), 1) if small.files else 0


def _saving(below: int, small: list[Sized], total: Sized, groups: int, tariff: Tariff | None) -> Saving:
    less = total.files - groups
    if tariff is None:
        return Saving(below, total.files, groups, 0, None, None)
    try:
        month = tariff.month(small) - tariff.month([Sized(groups, total.bytes)])
        return Saving(below, total.files, groups, less * tariff.overhead, month, tariff.once(less))
    except KeyError:
        return Saving(below, total.files, groups, less * tariff.overhead, None, None)
