"""Which bytes are needed, and which of them are still to be asked for."""

from __future__ import annotations

from datetime import UTC, datetime

from hypothesis import given
from hypothesis import strategies as st

from glacier_backup.model.restore import WHOLE, ByteRange, RestoreItem
from glacier_backup.model.stored import StoredArchive, StoredVolume
from glacier_backup.model.thaw import Thaw
from glacier_backup.units import MIB
from glacier_backup.workflow.restoring.coverage import needs, parts, reaching, without

TIME = datetime(2026, 3, 21, tzinfo=UTC)

END = 60
ranges = st.tuples(st.integers(0, END), st.one_of(st.none(), st.integers(0, END))).map(lambda pair: ByteRange(*pair))


def archive(*sizes: int | None) -> StoredArchive:
    volumes = tuple(StoredVolume(number, f"v{number}", size, None, TIME) for number, size in enumerate(sizes, 1))
    return StoredArchive(1, 1, "/data/a", "a", TIME, TIME, volumes)


def points(some: ByteRange) -> set[int]:
    return set(range(some.start, END + 10 if some.end is None else some.end))


@given(st.lists(ranges, max_size=5), st.lists(ranges, max_size=5))
def test_what_is_missing_is_what_is_wanted_and_not_there(wanted: list[ByteRange], have: list[ByteRange]) -> None:
    left = without(wanted, have)

    expected = set().union(*map(points, wanted)) - set().union(*map(points, have))
    assert set().union(*map(points, left)) == expected
    assert all(one.end is None or one.start < one.end for one in left)


@given(
    st.lists(st.integers(0, 5 * MIB), min_size=1, max_size=4),
    st.integers(0, 20 * MIB),
    st.one_of(st.none(), st.integers(0, 20 * MIB)),
)
def test_a_range_is_cut_into_those_of_the_volumes(sizes: list[int], start: int, end: int | None) -> None:
    total = sum(sizes)
    if len(sizes) == 1 or (start, end) == (0, None):
        return
    found = parts(ByteRange(start, end), archive(*sizes))

    stop = total if end is None else min(end, total)
    assert sum((one.wanted.end or 0) - one.wanted.start for one in found) == max(0, stop - start)
    assert all((one.wanted.end or 0) <= (one.volume.size or 0) for one in found)


def test_what_is_needed_lies_on_the_grid_and_is_named_once() -> None:
    item = RestoreItem(1, "a", "m", (ByteRange(5, 10), ByteRange(MIB - 1, MIB + 1), ByteRange(9 * MIB, 9 * MIB + 5)))

    (need,) = needs(item, archive(9 * MIB + 7))

    assert need.ranges == (ByteRange(0, 2 * MIB), ByteRange(9 * MIB, 9 * MIB + 7))


def test_all_of_an_empty_volume_is_nothing() -> None:
    (need,) = needs(RestoreItem(1, "a"), archive(0))
    assert without(need.ranges, ()) == ()


def test_where_sizes_are_unknown_everything_is_needed() -> None:
    assert [one.wanted for one in parts(ByteRange(3, 5), archive(10, None))] == [WHOLE, WHOLE]


def test_of_several_thaws_the_one_that_reaches_furthest_is_read() -> None:
    thaws = [Thaw("v", "1", "ready", 0, 5), Thaw("v", "2", "ready", 2, 9), Thaw("v", "3", "ready", 8, None)]
    assert [one and one.id for one in (reaching(thaws, at) for at in (0, 2, 8, 9))] == ["1", "2", "3", "3"]
    assert reaching(thaws[:2], 9) is None
