"""Cutting what is too much for one group."""

from __future__ import annotations

import random
import zlib

from hypothesis import given
from hypothesis import strategies as st

from glacier_backup.plan.group_parts import Most, parts


def cut(sizes: list[int], most: Most, marks: list[int] | None = None) -> list[list[int]]:
    """The sizes in each part."""
    found: list[list[int]] = []
    rest = iter(sizes)
    for count in parts(sizes, marks or [zlib.crc32(b"%d" % number) for number in range(len(sizes))], most):
        found.append([next(rest) for _ in range(count)])
    assert next(rest, None) is None
    return found


def test_what_fits_stays_whole() -> None:
    assert cut([5, 5, 10], Most(20, 4)) == [[5, 5, 10]]
    assert cut([], Most(20, 4)) == [[]]


@given(st.lists(st.integers(0, 4), max_size=60), st.integers(16, 40))
def test_no_part_has_too_many_bytes_and_none_too_few(sizes: list[int], most: int) -> None:
    found = cut(sizes, Most(most))

    assert all(sum(part) <= most for part in found)
    assert len(found) == 1 or all(4 * sum(part) >= most for part in found)


@given(st.integers(0, 100), st.integers(4, 20))
def test_no_part_has_too_many_files_and_none_too_few(count: int, most: int) -> None:
    found = cut([0] * count, Most(1000, most))

    assert all(len(part) <= most for part in found)
    assert len(found) == 1 or all(4 * len(part) >= most for part in found)


def test_a_file_more_changes_few_parts() -> None:
    """Each part that changes is sent again."""
    source = random.Random(3)
    names = sorted(f"{source.getrandbits(40):010x}" for _ in range(4000))
    before = of_names(names)
    changed = [len(before ^ of_names(sorted([*names, f"{source.getrandbits(40):010x}"]))) for _ in range(20)]

    assert len(before) > 20
    assert sum(changed) / len(changed) < 6


def of_names(names: list[str]) -> set[tuple[str, ...]]:
    rest = iter(names)
    counts = parts([100] * len(names), [zlib.crc32(name.encode()) for name in names], Most(20_000))
    return {tuple(next(rest) for _ in range(count)) for count in counts}
