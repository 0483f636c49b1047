"""Lists of so many."""

from __future__ import annotations

from collections.abc import Iterator

from hypothesis import given
from hypothesis import strategies as st

from glacier_backup.chunks import in_chunks


@given(st.lists(st.integers()), st.integers(1, 7))
def test_all_come_in_order_and_only_the_last_list_may_be_shorter(values: list[int], size: int) -> None:
    chunks = list(in_chunks(values, size))
    assert [one for chunk in chunks for one in chunk] == values
    assert all(len(chunk) == size for chunk in chunks[:-1])
    assert all(chunks)


def test_no_more_is_taken_than_was_asked_for() -> None:
    taken: list[int] = []

    def values() -> Iterator[int]:
        for number in range(10):
            taken.append(number)
            yield number

    assert next(in_chunks(values(), 3)) == [0, 1, 2]
    assert taken == [0, 1, 2]
