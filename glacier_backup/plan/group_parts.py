"""Cutting what is too much for one group into several, so that a change here or there moves few of the cuts.

Each cut is before the file with the smallest checksum of its key, among those where the part before has at least a
quarter of what one may have, and at most three quarters: neighbours may come and go, and the cut stays where it is.
Whatever is left behind a cut then has at least a quarter, too.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

MOST_FILES = 100_000
"""In one group: more make its list, and the way to one of them, too long."""


class Most(NamedTuple):
    """What one part may have."""

    bytes: int
    """At least four times what any file has."""
    files: int = MOST_FILES
    """Four at least."""


def parts(sizes: Sequence[int], marks: Sequence[int], most: Most) -> list[int]:
    """How many files each part has, one behind the other; ``marks`` are checksums of their keys.

    No part has more than it may; of several each has at least a quarter of the most bytes, or of the most files.
    """
    found: list[int] = []
    start, bytes_left = 0, sum(sizes)
    while bytes_left > most.bytes or len(sizes) - start > most.files:
        end = _cut(sizes, marks, start, most)
        found.append(end - start)
        bytes_left -= sum(sizes[start:end])
        start = end
    return [*found, len(sizes) - start]


def _cut(sizes: Sequence[int], marks: Sequence[int], start: int, most: Most) -> int:
    """The number of the file that the next part begins with; there is more than goes into one."""
    best, before = start, 0
    for files, number in enumerate(range(start, len(sizes))):
        if 4 * before > 3 * most.bytes or 4 * files > 3 * most.files:
            break
        is_enough = 4 * before >= most.bytes or 4 * files >= most.files
        if is_enough and (best == start or marks[number] < marks[best]):
            best = number
        before += sizes[number]
    return best
