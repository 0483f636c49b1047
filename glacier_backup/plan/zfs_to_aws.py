"""Folders of a bucket that zfs-to-aws has filled: which are whole, how they hang together, and which archives they are
from now on. Pure decisions.

That program checks nothing on its way: a folder may have been left half-way, or hold what ``openssl`` makes of nothing.
So it counts as whole when its parts run from ``aaaaaa`` without a gap, each with its parity, all but the last are of
one size, and the last is smaller.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import NamedTuple

from glacier_backup.model.archive import Label
from glacier_backup.model.increment import MOST, Link
from glacier_backup.model.naming import archive_name
from glacier_backup.model.recipe import PARTS, Recipe, Step, compact
from glacier_backup.model.snapshot import Span, stream_step
from glacier_backup.model.stored import Rebuilt, StoredVolume
from glacier_backup.model.suffixes import OF_STEPS, Suffix, letters_of, parse_suffix
from glacier_backup.model.thaw import Stored
from glacier_backup.model.zfs_to_aws import LAYOUT, Stream, moment_of
from glacier_backup.units import format_size

ORIGIN = LAYOUT
"""Of the archives."""

REDUNDANCY = 5
"""Per cent, of its parity."""

_CELL = 16
"""Bytes: what ``openssl enc`` makes with AES is a multiple of it."""
_SALTED = 16
"""Bytes in front of that: ``Salted__`` and the salt."""
_LEAST = 2 * 312
"""Bytes that a stream has at least: its first and its last record (OpenZFS, ``zfs_ioctl.h``,
``dmu_replay_record_t``)."""

_NAMED = 3
"""Parts that are named of many."""


@dataclass(frozen=True, slots=True)
class Dataset:
    """The section that a dataset of the bucket belongs to."""

    path: str
    """``zfs:pool/a/ds``."""
    tag: str
    """What the names of its snapshots begin with."""
    volume_size: int
    """Bytes of a full part, where there is one alone and nothing else tells."""


class Doubt(NamedTuple):
    """What speaks against a folder."""

    what: str
    may_be_taken: bool = False
    """Whether somebody who knows better may have it taken over all the same."""


class Folder(NamedTuple):
    """One, with the objects in it."""

    stream: Stream
    objects: Mapping[str, Stored]
    """By their suffixes; the mark of a folder, and whatever else lies there, has an empty one."""

    @property
    def has_manifest(self) -> bool:
        """Whether this program has sent it."""
        return any(told.role == "manifest" for _, told in self._told())

    @property
    def parts(self) -> dict[int, Stored]:
        """By their numbers, in order."""
        return {told.volume: stored for _, stored, told in self.in_order() if told.role == "data"}

    @property
    def first_stored(self) -> datetime:
        return min(one.stored_at for one in self.objects.values())

    def parity(self) -> tuple[set[int], set[int]]:
        """The numbers of parts that have the file without recovery blocks, and of those that have one with some."""
        index, blocks = set[int](), set[int]()
        for suffix, stored, told in self.in_order():
            if told.role == "parity" and stored.size:
                (blocks if ".vol" in suffix else index).add(told.volume)
        return index, blocks

    def in_order(self) -> Iterator[tuple[str, Stored, Suffix]]:
        """Parts and their parity: suffix, object, and what that tells."""
        for suffix, told in sorted(self._told(), key=lambda one: (one[1].volume, one[1].role != "data", one[0])):
            if told.role != "manifest":
                yield suffix, self.objects[suffix], told

    def _told(self) -> Iterator[tuple[str, Suffix]]:
        for suffix in self.objects:
            told = parse_suffix(suffix) if suffix else None
            if told is not None:
                yield suffix, told


def doubts(folder: Folder, dataset: Dataset) -> tuple[Doubt, ...]:
    """All that speaks against its being whole; nothing for one that is."""
    return tuple(_doubts(folder, dataset))


def _doubts(folder: Folder, dataset: Dataset) -> Iterator[Doubt]:
    stream, parts = folder.stream, folder.parts
    if stream.base and stream.base >= stream.day:
        yield Doubt(f"it begins with {stream.base}, which is no earlier day than {stream.day}")
    index, blocks = folder.parity()
    if not parts:
        yield Doubt("there is no part in it")
        return
    missing = sorted(set(range(1, max(parts.keys() | index | blocks) + 1)) - parts.keys())
    if missing:
        yield Doubt(f"{_listed(missing)} {'is' if len(missing) == 1 else 'are'} missing: the upload broke off")
        return
    if wrong := _wrong_sizes([one.size for one in parts.values()]):
        yield Doubt(wrong)
        return
    yield from _doubtful_end([one.size for one in parts.values()], dataset.volume_size)
    bare = sorted(parts.keys() - (index & blocks))
    if bare:
        yield Doubt(f"{_listed(bare)} {'has' if len(bare) == 1 else 'have'} no parity, or not all of it", True)


def _wrong_sizes(sizes: Sequence[int]) -> str:
    """Why these can't be parts of what openssl has made of a stream; empty where they can."""
    first, *_, last = sizes[0], sizes[-1]
    total = sum(sizes)
    odd = next((number for number, size in enumerate(sizes[:-1], 1) if size != first), None)
    if odd is not None:
        return f"{letters_of(odd)} has {sizes[odd - 1]:,} bytes, and parts before the last should have {first:,} each"
    if last > first:
        return f"the last part, {letters_of(len(sizes))}, is larger than those before it"
    if total < _SALTED + _LEAST:
        return f"it has {total} bytes, and so no stream: zfs send had failed, and openssl has encrypted nothing"
    if total % _CELL:
        return f"it ends too soon: openssl makes a multiple of {_CELL} bytes, and these are {total:,}"
    return ""


def _doubtful_end(sizes: Sequence[int], volume_size: int) -> Iterator[Doubt]:
    last, full = sizes[-1], sizes[0] if len(sizes) > 1 else volume_size
    if last == full:
        yield Doubt(
            f"the last part, {letters_of(len(sizes))}, is a full one of {format_size(full)}, so more may be missing",
            True,
        )


def _listed(numbers: Sequence[int]) -> str:
    named = ", ".join(map(letters_of, numbers[:_NAMED]))
    return named if len(numbers) <= _NAMED else f"{named} and {len(numbers) - _NAMED} more"


# How they hang together.


class Known(NamedTuple):
    """An archive of the dataset that leads to a snapshot."""

    to: str
    time: datetime
    link: Link


class Linked(NamedTuple):
    """A folder that is taken over."""

    folder: Folder
    span: Span
    time: datetime
    link: Link


class Gap(NamedTuple):
    """A folder that nothing leads to."""

    folder: Folder
    missing: str
    """The name of the snapshot that it begins with."""


def linked(folders: Iterable[Folder], dataset: Dataset, known: Iterable[Known]) -> Iterator[Linked | Gap]:
    """Folders of that dataset, which are whole, each in its place in a chain, the oldest first: behind the newest
    archive that leads to the snapshot that it begins with. ``known`` are archives of it that are recorded."""
    leading: dict[str, list[Known]] = {}
    for one in known:
        leading.setdefault(one.to, []).append(one)
    for time, folder in sorted(((_time(one), one) for one in folders), key=lambda pair: pair[0]):
        span = folder.stream.span(dataset.tag)
        link = Link(0) if not span.base else _behind(leading.get(span.base, ()), time)
        if link is None:
            yield Gap(folder, span.base)
            continue
        leading.setdefault(span.to, []).append(Known(span.to, time, link))
        yield Linked(folder, span, time, link)


def _behind(before: Iterable[Known], time: datetime) -> Link | None:
    """Behind the newest of these that is older than ``time``."""
    fit = [one for one in before if one.time < time and one.link.number < MOST and _full(one) is not None]
    last = max(fit, key=lambda one: one.time, default=None)
    return None if last is None else Link(last.link.number + 1, _full(last), last.time)


def _full(known: Known) -> datetime | None:
    """When its chain began; None where nothing tells."""
    return known.link.full if known.link.number else known.time


def _time(folder: Folder) -> datetime:
    """What stands for its time, for keys tell no more than a day: the beginning of that, UTC, or when its first object
    was stored, for days begin earlier in other parts of the world. Of what leads to one snapshot a baseline is the
    newest, and then what begins with the newest one."""
    stream = folder.stream
    begins = min(moment_of(stream.day), folder.first_stored)
    if not stream.base:
        return begins + timedelta(seconds=1)
    return begins + timedelta(microseconds=moment_of(stream.base).toordinal())


# What they are.


def taken_over(one: Linked, dataset: Dataset, host: str) -> Rebuilt:
    """The archive."""
    recipe = Recipe((stream_step("zfs", one.span, one.link), *_seal(one.folder, dataset)))
    label = Label(
        archive_name(dataset.path, "zfs", "dataset"),
        dataset.path,
        host,
        "dataset",
        "zfs",
        one.time,
        recipe.id,
        fixed_key=one.folder.stream.key,
        suffix=OF_STEPS["openssl"],
        seal=compact(recipe),
        link=str(one.link),
        span=str(one.span),
    )
    volumes = (_volume(number, *found) for number, found in enumerate(one.folder.in_order(), 1))
    return Rebuilt(label, tuple(volumes), recipe=recipe, origin=ORIGIN)


def _seal(folder: Folder, dataset: Dataset) -> tuple[Step, ...]:
    sizes = [one.size for one in folder.parts.values()]
    full = sizes[0] if len(sizes) > 1 else max(sizes[0], dataset.volume_size)
    return (
        Step("openssl", {"cipher": "aes-256-cbc", "digest": "sha512", "iterations": 250_000}),
        Step("split", {"volume_size": full, PARTS: True}),
        Step("par2", {"redundancy": REDUNDANCY}),
    )


def _volume(number: int, suffix: str, stored: Stored, told: Suffix) -> StoredVolume:
    return StoredVolume(
        number,
        stored.locator,
        stored.size,
        stored.tree_hash,
        stored.stored_at,
        sha256=stored.sha256,
        crc64nvme=stored.crc64nvme,
        storage_class=stored.storage_class,
        role=told.role,
        volume=told.volume,
        suffix=suffix,
    )
