"""Which bytes of which volumes something takes, and how far they can be read already."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import NamedTuple

from glacier_backup.model.restore import WHOLE, ByteRange, RestoreItem
from glacier_backup.model.stored import StoredArchive, StoredVolume
from glacier_backup.model.thaw import Thaw
from glacier_backup.plan.ranges import aligned, merged


class Need(NamedTuple):
    """What has to be readable of one volume."""

    volume: StoredVolume
    ranges: tuple[ByteRange, ...]
    """On the grid of 1 MiB, in order, apart from each other. Their ends are numbers wherever the size is known."""


class Part(NamedTuple):
    """A range of an archive's stream that lies in one volume."""

    volume: StoredVolume
    wanted: ByteRange
    """Bytes of the volume."""


def needs(item: RestoreItem, archive: StoredArchive) -> tuple[Need, ...]:
    """What ``item`` takes of each volume of its archive; volumes that it doesn't touch are left out."""
    found = [part for one in item.ranges for part in parts(one, archive)]
    result = []
    for volume in archive.volumes:
        own = [aligned(part.wanted, volume.size) for part in found if part.volume is volume]
        if own:
            result.append(Need(volume, tuple(_with_end(one, volume.size) for one in merged(own))))
    return tuple(result)


def parts(wanted: ByteRange, archive: StoredArchive) -> list[Part]:
    """Where the bytes of ``wanted`` lie, in order. Where that can't be told, for the sizes of several volumes aren't
    known, it is everything."""
    if wanted == WHOLE or (len(archive.volumes) > 1 and archive.size is None):
        return [Part(volume, WHOLE) for volume in archive.volumes]
    if len(archive.volumes) == 1:
        return [Part(archive.volumes[0], wanted)]
    result, base = [], 0
    for volume in archive.volumes:
        behind = base + (volume.size or 0)
        start, end = max(wanted.start, base), behind if wanted.end is None else min(wanted.end, behind)
        if start < end:
            result.append(Part(volume, ByteRange(start - base, end - base)))
        base = behind
    return result


def without(wanted: Iterable[ByteRange], have: Iterable[ByteRange]) -> tuple[ByteRange, ...]:
    """What of ``wanted`` isn't in ``have``."""
    left = [one for one in wanted if one.end is None or one.start < one.end]
    for one in have:
        left = [rest for range_ in left for rest in _minus(range_, one)]
    return tuple(left)


def made_readable(thaw: Thaw) -> ByteRange:
    """The bytes that a thaw is about."""
    return ByteRange(thaw.start, thaw.end)


def reaching(thaws: Sequence[Thaw], position: int) -> Thaw | None:
    """Of several thaws the one that makes most readable from ``position`` on; None where none does."""
    there = [thaw for thaw in thaws if thaw.start <= position and (thaw.end is None or position < thaw.end)]
    return max(there, key=lambda thaw: float("inf") if thaw.end is None else thaw.end, default=None)


def count(ranges: Iterable[ByteRange]) -> int | None:
    """How many bytes they are; None where one has no known end."""
    ends = [(one.start, one.end) for one in ranges]
    return None if any(end is None for _, end in ends) else sum((end or 0) - start for start, end in ends)


def _with_end(one: ByteRange, size: int | None) -> ByteRange:
    return ByteRange(one.start, size) if one.end is None and size is not None else one


def _minus(one: ByteRange, other: ByteRange) -> list[ByteRange]:
    left: list[ByteRange] = []
    if one.start < other.start:
        left.append(ByteRange(one.start, other.start if one.end is None else min(one.end, other.start)))
    if other.end is not None and (one.end is None or one.end > other.end):
        left.append(ByteRange(max(one.start, other.end), one.end))
    return left
