"""Which bytes of a volume are asked for."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from glacier_backup.model.restore import WHOLE, ByteRange
from glacier_backup.plan.ranges import aligned, length, merged, to_ask_for
from glacier_backup.units import MIB

SIZES = st.integers(0, 12 * MIB) | st.sampled_from([0, 1, MIB - 1, MIB, MIB + 1, 5 * MIB])


def range_of(ends: tuple[int, int], to_the_end: bool) -> ByteRange:
    return ByteRange(min(ends), None if to_the_end else max(ends))


RANGES = st.builds(range_of, st.tuples(SIZES, SIZES), st.booleans())


def test_a_range_grows_to_the_grid_and_ends_with_the_volume() -> None:
    size = 5 * MIB + 7

    assert aligned(ByteRange(MIB + 1, MIB + 2), size) == ByteRange(MIB, 2 * MIB)
    assert aligned(ByteRange(5 * MIB + 1, 5 * MIB + 2), size) == ByteRange(5 * MIB, size)
    assert aligned(ByteRange(3 * MIB, None), size) == ByteRange(3 * MIB, size)
    assert aligned(ByteRange(3 * MIB, None), None) == ByteRange(3 * MIB, None)


def test_all_of_a_volume_is_always_called_the_same() -> None:
    for wanted in (WHOLE, ByteRange(0, 7), ByteRange(3, None), ByteRange(1, 100)):
        assert aligned(wanted, 7) == WHOLE


def test_ranges_that_touch_overlap_or_are_near_become_one() -> None:
    apart = [ByteRange(10, 20), ByteRange(0, 5)]

    assert merged(apart) == (ByteRange(0, 5), ByteRange(10, 20))
    assert merged(apart, gap=4) == (ByteRange(0, 5), ByteRange(10, 20))
    assert merged(apart, gap=5) == (ByteRange(0, 20),)
    assert merged([ByteRange(0, None), ByteRange(3, 4)]) == (WHOLE,)
    assert merged([ByteRange(0, 9), ByteRange(3, 4)]) == (ByteRange(0, 9),)


@given(st.lists(RANGES, max_size=6), SIZES, st.sampled_from([0, MIB, 3 * MIB]))
def test_what_is_asked_for_holds_all_that_is_wanted_in_order_on_the_grid(
    ranges: list[ByteRange], size: int, gap: int
) -> None:
    asked = to_ask_for(ranges, size, gap)

    ends = [size if one.end is None else one.end for one in asked]
    for wanted in ranges:
        end = size if wanted.end is None else min(wanted.end, size)
        assert end <= wanted.start or any(
            one.start <= wanted.start and end <= last for one, last in zip(asked, ends, strict=True)
        )
    for one, end in zip(asked, ends, strict=True):
        assert one.start % MIB == 0
        assert end % MIB == 0 or end == size
    for before, one in zip(ends, asked[1:], strict=False):
        assert before + gap < one.start
    assert length(asked, size) <= size
