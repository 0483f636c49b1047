from __future__ import annotations

from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from glacier_backup.model.restore import WHOLE, RestoreItem
from glacier_backup.model.stored import StoredArchive, StoredVolume
from glacier_backup.plan.sample import PIECE, everything, sample
from glacier_backup.units import MIB

NOW = datetime(2026, 3, 21, tzinfo=UTC)


def archive(id: int, *sizes: int | None, leaves: bool = True) -> StoredArchive:
    volumes = tuple(
        StoredVolume(number, f"{id}.{number}", size, "0" * 64, NOW, has_leaves=leaves)
        for number, size in enumerate(sizes, 1)
    )
    return StoredArchive(id, 1, f"/data/{id}", "x", NOW, NOW, volumes)


def bytes_of(items: list[RestoreItem]) -> int:
    return sum((one.end or 0) - one.start for item in items for one in item.ranges)


SIZES = st.lists(st.integers(0, 10 * PIECE), min_size=1, max_size=8)


@given(SIZES, st.floats(0.01, 100), st.text(max_size=8))
def test_a_sample_is_at_least_so_much_and_at_most_a_piece_more(sizes: list[int], percent: float, seed: str) -> None:
    archives = [archive(number, size) for number, size in enumerate(sizes)]

    drawn = list(sample(archives, percent, seed))

    total = sum(sizes)
    assert drawn
    if all(one.ranges != (WHOLE,) for one in drawn):
        assert total * percent / 100 - 1 <= bytes_of(drawn) <= total * percent / 100 + PIECE + 1


@given(SIZES, st.floats(0.01, 100), st.text(max_size=8))
def test_pieces_lie_on_the_grid_apart_from_each_other_and_inside(sizes: list[int], percent: float, seed: str) -> None:
    archives = [archive(number, size) for number, size in enumerate(sizes)]

    drawn = list(sample(archives, percent, seed))

    assert [item.archive for item in drawn] == sorted({item.archive for item in drawn})
    for item in drawn:
        last = -1
        for start, end in item.ranges:
            if end is None:
                assert sizes[item.archive] == 0
                continue
            assert start % MIB == 0
            assert last < start < end <= sizes[item.archive]
            assert end % MIB == 0 or end == sizes[item.archive]
            last = end


@given(SIZES, st.text(max_size=8))
def test_the_same_seed_draws_the_same(sizes: list[int], seed: str) -> None:
    archives = [archive(number, size) for number, size in enumerate(sizes)]

    assert list(sample(archives, 5, seed)) == list(sample(reversed(archives), 5, seed))


def test_a_hundred_per_cent_is_everything() -> None:
    archives = [archive(-3, 5 * PIECE + 1), archive(1, 10), archive(2, MIB, 3)]

    drawn = list(sample(archives, 100, "seed"))

    assert [item.ranges for item in drawn] == [((0, 5 * PIECE + 1),), ((0, 10),), ((0, MIB + 3),)]


def test_each_piece_is_as_likely_as_any_other() -> None:
    archives = [archive(1, 10 * PIECE), archive(2, 10 * PIECE)]
    counts = [0] * 20

    for seed in range(2_000):
        (item,) = sample(archives, 0.001, str(seed))
        counts[(item.archive - 1) * 10 + item.ranges[0].start // PIECE] += 1

    assert min(counts) > 60
    assert max(counts) < 140


@pytest.mark.parametrize("odd", [archive(7, None), archive(7, 100 * MIB, leaves=False)], ids=["no_size", "no_leaves"])
def test_what_has_no_leaves_is_read_as_a_whole(odd: StoredArchive) -> None:
    assert list(sample([odd], 1, "seed")) == [RestoreItem(7, "")]


def test_nothing_is_drawn_from_nothing() -> None:
    assert list(sample([], 50, "seed")) == []


@pytest.mark.parametrize("percent", [0.0, -1.0, 100.5])
def test_a_share_that_is_none_is_refused(percent: float) -> None:
    with pytest.raises(ValueError, match="can't be drawn"):
        list(sample([], percent, "seed"))


def test_everything_is_each_archive_once() -> None:
    assert list(everything([archive(1, 5), archive(2, 0)])) == [RestoreItem(1, ""), RestoreItem(2, "")]
