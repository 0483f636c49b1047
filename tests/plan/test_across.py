"""Which bytes of which volumes a range takes."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from glacier_backup.model.restore import WHOLE, ByteRange
from glacier_backup.plan.across import PLAIN, Layout, across, all_across

sizes = st.lists(st.integers(0, 50), min_size=1, max_size=6)
ranges = st.tuples(st.integers(0, 200), st.one_of(st.none(), st.integers(0, 200))).map(lambda pair: ByteRange(*pair))


@given(sizes, ranges)
def test_of_plain_volumes_just_the_bytes_of_the_range(sizes: list[int], wanted: ByteRange) -> None:
    data = bytes(index % 251 for index in range(sum(sizes)))
    if len(sizes) == 1:
        return

    found, base = b"", 0
    for size, own in zip(sizes, across(wanted, sizes, PLAIN), strict=True):
        if own is not None:
            found += data[base : base + size][own.start : own.end]
        base += size

    assert found == data[wanted.start : wanted.end]


@given(st.integers(1, 20), st.integers(1, 6), ranges)
def test_of_what_opens_apart_the_volumes_that_the_range_touches(slice: int, count: int, wanted: ByteRange) -> None:
    end = slice * count if wanted.end is None else min(wanted.end, slice * count)
    touched = {byte // slice for byte in range(wanted.start, end)}

    found = across(wanted, [None] * count, Layout(plain=False, slice_size=slice))

    assert {number for number, own in enumerate(found) if own is not None} == touched | (
        set(range(count)) if wanted == WHOLE else set()
    )
    assert all(own in (None, WHOLE) for own in found)


def test_of_what_opens_only_together_all() -> None:
    assert across(ByteRange(5, 6), [1, 2, 3], Layout(plain=False)) == [WHOLE] * 3


def test_where_nobody_knows_the_sizes_it_is_everything() -> None:
    assert across(ByteRange(5, 6), [1, None], PLAIN) == [WHOLE] * 2


def test_volumes_that_several_ranges_take_are_named_once() -> None:
    taken = all_across([ByteRange(0, 5), ByteRange(6, 7), ByteRange(25, 31)], [9] * 4, Layout(False, 10))

    assert taken == [(WHOLE,), (), (WHOLE,), (WHOLE,)]
