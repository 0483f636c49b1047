"""What it saves to put small files together."""

from __future__ import annotations

from dataclasses import replace

import pytest

from glacier_backup.config.prices import read_prices
from glacier_backup.model.tree_sizes import Sized, TreeSizes
from glacier_backup.plan.saving import Tariff, saved, suggested
from glacier_backup.units import GIB, KIB, MIB

PRICES = read_prices()
COLD = Tariff(PRICES, "DEEP_ARCHIVE")


def sizes(files: dict[int, int], below: int | None = None, groups: int = 0) -> TreeSizes:
    """Of a tree with so many files of each size."""
    found = [Sized(0, 0)] * (max(files).bit_length() + 1)
    for size, count in files.items():
        found[size.bit_length()] = Sized(count, count * size)
    small = [(size, count) for size, count in files.items() if size < (below or 0)]
    together = Sized(sum(count for _, count in small), sum(size * count for size, count in small))
    return TreeSizes("/a", ("main",), tuple(found), below, together, groups)


def test_what_is_not_grouped_saves_nothing() -> None:
    assert saved(sizes({1000: 5}), COLD) is None


def test_a_million_small_files_save_what_each_object_takes_besides_its_bytes() -> None:
    saving = saved(sizes({1000: 1_000_000, 5 * MIB: 3}, MIB, 500), COLD)

    assert saving is not None
    assert (saving.files, saving.groups, saving.objects) == (1_000_000, 500, 999_500)
    assert saving.overhead == 999_500 * 40 * KIB
    # 32 KiB at the rate of DEEP_ARCHIVE, 8 KiB and the manifest's 2 KiB at that of STANDARD.
    assert saving.month == pytest.approx(999_500 * (32 * KIB * 0.00099 + 10 * KIB * 0.023) / GIB, rel=1e-3)
    assert saving.once == pytest.approx(999_500 * (0.05 + 0.005) / 1000)


def test_a_class_that_bills_a_least_size_saves_that() -> None:
    saving = saved(sizes({1024: 1_000_000}, MIB, 1000), Tariff(PRICES, "GLACIER_IR"))

    assert saving is not None
    assert saving.overhead == 0
    assert saving.month == pytest.approx(1_000_000 * 127 * KIB * 0.004 / GIB, rel=0.15)


def test_where_nothing_is_paid_for_only_objects_count() -> None:
    tree = sizes({1000: 50_000}, 4 * MIB, 7)

    saving = saved(tree, None)
    assert saving is not None
    assert (saving.objects, saving.overhead, saving.month, saving.once) == (49_993, 0, None, None)
    assert suggested(tree, None) is None


def test_without_a_price_there_is_no_amount() -> None:
    saving = saved(sizes({1000: 50_000}, MIB, 30), Tariff(PRICES, "SOME_CLASS"))

    assert saving is not None
    assert (saving.objects, saving.month, saving.once) == (49_970, None, None)


def test_the_smallest_size_is_suggested_that_saves_about_as_much_as_any() -> None:
    small = suggested(sizes({300: 1_000_000}), COLD)
    assert small is not None
    assert small.below == 16 * KIB

    larger = suggested(sizes({300: 1000, 100 * KIB: 1_000_000}), COLD)
    assert larger is not None
    assert 256 * KIB <= larger.below <= MIB


def test_nothing_is_suggested_that_saves_little() -> None:
    assert suggested(sizes({300: 900}), COLD) is None
    assert suggested(sizes({70 * MIB: 100_000}), COLD) is None
    assert suggested(TreeSizes("/a", ("main",), ()), COLD) is None


def test_nothing_is_suggested_where_what_is_in_force_is_good() -> None:
    grouped = sizes({300: 1_000_000}, MIB, 200)

    assert suggested(grouped, COLD) is None
    assert suggested(replace(grouped, below=256, small=Sized(0, 0), groups=0), COLD) is not None
