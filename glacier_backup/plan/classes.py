"""Which storage class an archive gets: small ones cost more in the cold than they save there."""

from __future__ import annotations

from collections.abc import Callable

from glacier_backup.model.plan import ClassChoice
from glacier_backup.model.prices import Prices
from glacier_backup.units import GIB, format_size

HOT = "STANDARD"

MONTHS = 12
"""How long an archive is taken to be kept."""


def break_even(prices: Prices, storage_class: str) -> int:
    """Bytes below which an object is cheaper in the hot class, when it is kept for :data:`MONTHS`; 0 if none is.

    Raises KeyError for a class that the table doesn't have.
    """

    def hot_is_cheaper(size: int) -> bool:
        return prices.cost(size, HOT, HOT, MONTHS) < prices.cost(size, storage_class, HOT, MONTHS)

    # What the cold saves grows with the size: either none is cheaper hot, or all up to some size are.
    below, at_least = -1, GIB
    while at_least - below > 1:
        middle = (below + at_least) // 2
        below, at_least = (middle, at_least) if hot_is_cheaper(middle) else (below, middle)
    return at_least


def classifier(storage_class: str, below: int, why: str) -> Callable[[int], ClassChoice]:
    """A function that gives an archive of so many bytes the hot class where it has less than ``below``.

    ``why`` says where that limit comes from.
    """

    def classify(estimate: int) -> ClassChoice:
        if estimate >= below:
            return ClassChoice(storage_class, None)
        return ClassChoice(HOT, f"{HOT}, for it is smaller than {format_size(below)}, {why}")

    return classify
