from __future__ import annotations

from dataclasses import dataclass

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from glacier_backup.plan.parts import TooLarge, part_size
from glacier_backup.units import GIB, KIB, MIB, TIB


@dataclass(frozen=True)
class Limits:
    part: int = 16 * MIB
    least_part: int = MIB
    largest_part: int = 4 * GIB
    most_parts: int = 10_000


VAULT = Limits()
MOST = 40_000 * GIB
GRID = [MIB << power for power in range(13)]


@pytest.mark.parametrize(
    ("estimate", "expected"),
    [
        (0, 16 * MIB),
        (1, 16 * MIB),
        (128_000 * MIB, 16 * MIB),
        (128_000 * MIB + 1, 32 * MIB),
        (TIB, 256 * MIB),
        (32_000 * GIB, 4 * GIB),
        (MOST, 4 * GIB),
        (None, 128 * MIB),
    ],
)
def test_a_vault_s_parts_grow_with_the_estimate(estimate: int | None, expected: int) -> None:
    assert part_size(estimate, None, VAULT) == expected


def test_what_no_part_size_holds_is_said() -> None:
    found = part_size(MOST + 1, None, VAULT)
    assert found == TooLarge(MOST + 1, MOST)
    assert str(found) == "about 39.1 TiB, and the destination takes archives of 39.1 TiB"


@pytest.mark.parametrize(
    ("configured", "estimate", "expected"),
    [
        (4 * MIB, 1, 4 * MIB),
        (64 * MIB, 1, 64 * MIB),
        (4 * MIB, 128_000 * MIB + 1, 32 * MIB),
        (24 * MIB, 1, 32 * MIB),
        (512 * KIB, 1, MIB),
        (8 * GIB, 1, 4 * GIB),
        (4 * MIB, None, 128 * MIB),
        (256 * MIB, None, 256 * MIB),
    ],
)
def test_a_configured_size_is_a_lower_bound(configured: int, estimate: int | None, expected: int) -> None:
    assert part_size(estimate, configured, VAULT) == expected


SIZES = st.integers(0, MOST) | st.integers(0, 62).map(lambda power: min(1 << power, MOST))


@settings(deadline=None)
@given(SIZES, st.none() | st.integers(1, 8 * GIB))
@example(MOST, None)
def test_every_size_that_a_vault_takes_fits(estimate: int, configured: int | None) -> None:
    size = part_size(estimate, configured, VAULT)
    assert isinstance(size, int)
    assert size in GRID
    assert size * 10_000 >= estimate
    assert size == 4 * GIB or (4 * size * 10_000 >= 5 * estimate and size >= (configured or 16 * MIB))


@settings(deadline=None)
@given(SIZES, st.none() | st.integers(1, 4 * GIB))
def test_parts_are_no_larger_than_they_must_be(estimate: int, configured: int | None) -> None:
    size = part_size(estimate, configured, VAULT)
    assert isinstance(size, int)
    half = size // 2
    start = configured or 16 * MIB
    assert half < MIB or half < start or 4 * half * 10_000 < 5 * estimate


@settings(deadline=None)
@given(SIZES, SIZES)
def test_more_bytes_never_get_smaller_parts(one: int, other: int) -> None:
    small, large = (part_size(size, None, VAULT) for size in sorted((one, other)))
    assert isinstance(small, int)
    assert isinstance(large, int)
    assert small <= large
