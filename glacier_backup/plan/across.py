"""Which bytes of which volumes a range of an archive's stream takes."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import NamedTuple

from glacier_backup.model.restore import WHOLE, ByteRange
from glacier_backup.model.slices import is_plain, slice_size
from glacier_backup.model.stored import StoredArchive


class Layout(NamedTuple):
    """How a stream lies in the volumes of its archive."""

    plain: bool = True
    """Whether the volumes, one behind the other, are the stream."""
    slice_size: int | None = None
    """Of one that has to be opened: bytes of the stream in each volume, where some of them can be opened alone."""

    @property
    def takes_all(self) -> bool:
        """Whether any bytes of the stream take all volumes."""
        return not self.plain and self.slice_size is None


PLAIN = Layout()


def layout_of(archive: StoredArchive) -> Layout:
    """By its recipe."""
    if is_plain(archive.recipe):
        return PLAIN
    return Layout(plain=False, slice_size=slice_size(archive.recipe))


def across(wanted: ByteRange, sizes: Sequence[int | None], layout: Layout) -> list[ByteRange | None]:
    """What ``wanted`` takes of each volume of these sizes, in their order; None where it doesn't touch one.

    A volume that has to be opened is taken whole. Where it can't be told what is where, for the sizes of several
    volumes aren't known, it is everything.
    """
    if wanted == WHOLE or layout.takes_all:
        return [WHOLE] * len(sizes)
    if not layout.plain:
        return [WHOLE if one is not None else None for one in _cut(wanted, [layout.slice_size] * len(sizes))]
    if len(sizes) == 1:
        return [wanted]
    return [WHOLE] * len(sizes) if None in sizes else _cut(wanted, sizes)


def all_across(ranges: Iterable[ByteRange], sizes: Sequence[int | None], layout: Layout) -> list[tuple[ByteRange, ...]]:
    """The same of several ranges."""
    each = [across(one, sizes, layout) for one in ranges]
    found = [[one[number] for one in each] for number in range(len(sizes))]
    return [tuple(dict.fromkeys(one for one in own if one is not None)) for own in found]


def _cut(wanted: ByteRange, sizes: Sequence[int | None]) -> list[ByteRange | None]:
    result: list[ByteRange | None] = []
    base = 0
    for size in sizes:
        behind = base + (size or 0)
        start, end = max(wanted.start, base), behind if wanted.end is None else min(wanted.end, behind)
        result.append(ByteRange(start - base, end - base) if start < end else None)
        base = behind
    return result
