"""Which bytes of which volumes something takes, and how far they can be read already."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import NamedTuple

from glacier_backup.model.restore import WHOLE, ByteRange, RestoreItem
from glacier_backup.model.stored import StoredArchive, StoredVolume
from glacier_backup.model.thaw import Thaw
from glacier_backup.plan.across import PLAIN, Layout, across, layout_of
from glacier_backup.plan.mending import can_replace, mendable, read_with_parity
from glacier_backup.plan.ranges import aligned, merged


class Need(NamedTuple):
    """What has to be readable of one volume."""

    volume: StoredVolume
    ranges: tuple[ByteRange, ...]
    """On the grid of 1 MiB, in order, apart from each other. Their ends are numbers wherever the size is known."""
    spare: bool = False
    """Whether it may turn out that there is nothing of it: mending, and a verification, take what there is."""


class Part(NamedTuple):
    """A range of an archive's stream that lies in one volume."""

    volume: StoredVolume
    wanted: ByteRange
    """Bytes of the volume."""


def is_repair(item: RestoreItem) -> bool:
    """Whether an item of a verification is to have mended what is damaged, instead of reading something."""
    return not item.ranges


def needs(item: RestoreItem, archive: StoredArchive) -> tuple[Need, ...]:
    """What ``item`` takes of each object of its archive; those that it doesn't touch are left out.

    The ranges of a verification are of what is stored, all objects one behind the other; those of a restore are of the
    stream, and what has to be opened is taken in whole volumes. What is known to be damaged and has parity is taken
    whole, with that; so is what has no checksum but its parity's.
    """
    if is_repair(item):
        # What an earlier process has mended, and could not store in its place, lies here.
        return tuple(need._replace(spare=True) for need in _for_mending(archive, mendable(archive)))
    if not item.to:
        stored = _merged(part for one in item.ranges for part in stored_parts(one, archive))
        return tuple(need._replace(spare=True) for need in stored)  # what else there is, is read all the same
    found = [part for one in item.ranges for part in parts(one, archive)]
    touched = {part.volume.number for part in found}
    hurt = [volume for volume in read_with_parity(archive) if volume.number in touched]
    sound = _merged(part for part in found if part.volume not in hurt)
    return (*sound, *_for_mending(archive, hurt))


def _merged(found: Iterable[Part]) -> Iterator[Need]:
    by_number: dict[int, list[Part]] = {}
    for part in found:
        by_number.setdefault(part.volume.number, []).append(part)
    for own in by_number.values():
        volume = own[0].volume
        ranges = merged(aligned(part.wanted, volume.size) for part in own)
        yield Need(volume, tuple(_with_end(one, volume.size) for one in ranges))


def _for_mending(archive: StoredArchive, hurt: Iterable[StoredVolume]) -> Iterator[Need]:
    for volume in hurt:
        yield Need(volume, (_with_end(WHOLE, volume.size),), spare=can_replace(archive, volume))
        for one in archive.parity_of(volume):
            yield Need(one, (_with_end(WHOLE, one.size),), spare=True)


def parts(wanted: ByteRange, archive: StoredArchive) -> list[Part]:
    """Which volumes the bytes of ``wanted``, of the stream, take, in order. Where that can't be told it is
    everything."""
    return _parts(wanted, archive.volumes, layout_of(archive))


def stored_parts(wanted: ByteRange, archive: StoredArchive) -> list[Part]:
    """Where the bytes of ``wanted`` lie, of all stored objects one behind the other."""
    return _parts(wanted, archive.objects, PLAIN)


def _parts(wanted: ByteRange, volumes: Sequence[StoredVolume], layout: Layout) -> list[Part]:
    taken = across(wanted, [volume.size for volume in volumes], layout)
    return [Part(volume, own) for volume, own in zip(volumes, taken, strict=True) if own is not None]


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
