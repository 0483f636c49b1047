"""Which bytes of a volume to ask for, given those that are needed. All numbers are bytes from its beginning."""

from __future__ import annotations

from collections.abc import Iterable

from glacier_backup.model.restore import ByteRange
from glacier_backup.units import MIB


def aligned(wanted: ByteRange, size: int | None) -> ByteRange:
    """The smallest range around ``wanted`` that begins and ends on a boundary of 1 MiB, or at the volume's end.

    Vault jobs take no other ranges (InitiateJob, RetrievalByteRange), leaves are of 1 MiB, and so a tree hash can be
    made of what comes. ``size`` is that of the volume, None where it isn't known. All of a volume is always
    :data:`~glacier_backup.model.restore.WHOLE`, however it was asked for; else an end is named where it is known.
    """
    start = wanted.start // MIB * MIB
    end = size if wanted.end is None else -(-wanted.end // MIB) * MIB
    if end is not None and size is not None:
        end = min(end, size)
    return ByteRange(start, None if start == 0 and end == size else end)


def merged(ranges: Iterable[ByteRange], gap: int = 0) -> tuple[ByteRange, ...]:
    """``ranges`` in order, those that overlap, touch or lie at most ``gap`` bytes apart made one."""
    result: list[ByteRange] = []
    for one in sorted(ranges, key=lambda one: one.start):
        if result and (result[-1].end is None or one.start <= result[-1].end + gap):
            result[-1] = ByteRange(result[-1].start, _later(result[-1].end, one.end))
        else:
            result.append(one)
    return tuple(result)


def to_ask_for(ranges: Iterable[ByteRange], size: int | None, gap: int = 0) -> tuple[ByteRange, ...]:
    """What to ask of a volume of ``size`` bytes so that ``ranges`` can be read, each a request of its own."""
    return tuple(aligned(one, size) for one in merged((aligned(one, size) for one in ranges), gap))


def length(ranges: Iterable[ByteRange], size: int) -> int:
    """How many bytes of a volume of ``size`` bytes ``ranges``, which don't overlap, are."""
    return sum(min(size if one.end is None else one.end, size) - min(one.start, size) for one in ranges)


def _later(one: int | None, other: int | None) -> int | None:
    return None if one is None or other is None else max(one, other)
