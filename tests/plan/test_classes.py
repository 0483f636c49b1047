"""Small archives stay hot: break-even sizes against the worked numbers of the price table's source."""

from __future__ import annotations

from dataclasses import replace

import pytest

from glacier_backup.config.prices import read_prices
from glacier_backup.plan import classes
from glacier_backup.plan.classes import break_even, classifier
from glacier_backup.units import KIB

PRICES = read_prices()


@pytest.mark.parametrize(("months", "kib"), [(6, 367), (12, 188), (36, 69)])
def test_the_break_even_size_of_deep_archive_is_that_of_the_worked_numbers(
    monkeypatch: pytest.MonkeyPatch, months: int, kib: int
) -> None:
    monkeypatch.setattr(classes, "MONTHS", months)

    assert break_even(PRICES, "DEEP_ARCHIVE") // KIB == kib


@pytest.mark.parametrize("storage_class", ["GLACIER", "GLACIER_IR", "DEEP_ARCHIVE"])
def test_a_byte_below_the_break_even_size_is_cheaper_hot_and_one_of_it_is_not(storage_class: str) -> None:
    size = break_even(PRICES, storage_class)

    def cost(size: int, name: str) -> float:
        return PRICES.cost(size, name, "STANDARD", classes.MONTHS)

    assert size > 0
    assert cost(size - 1, "STANDARD") < cost(size - 1, storage_class)
    assert cost(size, "STANDARD") >= cost(size, storage_class)


def test_nothing_is_cheaper_in_the_hot_class_than_in_itself() -> None:
    assert break_even(PRICES, "STANDARD") == 0


def test_where_the_cold_costs_nothing_to_put_and_has_no_overhead_nothing_stays_hot() -> None:
    cold = replace(PRICES.classes["DEEP_ARCHIVE"], put=0.0, overhead=False)
    prices = replace(PRICES, classes={**PRICES.classes, "DEEP_ARCHIVE": cold})

    assert break_even(prices, "DEEP_ARCHIVE") == 0


def test_what_is_deleted_early_is_paid_for_the_least_term() -> None:
    month, term = (PRICES.cost(10**9, "DEEP_ARCHIVE", "STANDARD", months) for months in (1, 180 * 12 / 365))

    assert month == term < PRICES.cost(10**9, "DEEP_ARCHIVE", "STANDARD", 7)


def test_a_small_archive_gets_the_hot_class_with_a_reason_and_a_large_one_its_own_without() -> None:
    classify = classifier("DEEP_ARCHIVE", 1000, "as hot_below says")

    small, large = classify(999), classify(1000)

    assert (small.storage_class, large.storage_class) == ("STANDARD", "DEEP_ARCHIVE")
    assert small.reason == "STANDARD, for it is smaller than 1.0 KiB, as hot_below says"
    assert large.reason is None


def test_a_class_without_a_price_is_no_class_to_compare_with() -> None:
    with pytest.raises(KeyError):
        break_even(PRICES, "ONEZONE_IA")
