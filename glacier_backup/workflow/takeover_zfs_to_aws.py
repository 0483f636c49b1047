"""Taking over a bucket that zfs-to-aws has filled: each folder that is whole becomes an archive of its dataset, in its
place in the chain.

The bucket is listed, and nothing in it is read or changed. A folder that isn't whole is left where it is, unless
whoever knows better has it taken over, and so is what nothing leads to; both may be taken over by a later time. There
are three objects for each 4 GiB, so that all of them fit in memory.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Literal, NamedTuple

from glacier_backup.catalog.catalog import Catalog
from glacier_backup.chunks import in_chunks
from glacier_backup.destination.destination import Check, Destination
from glacier_backup.model.stored import ArchiveFilter, StoredArchive
from glacier_backup.model.suffixes import parse_suffix
from glacier_backup.model.thaw import Stored, ThawRequest
from glacier_backup.model.zfs_to_aws import Stream, parse_key, stream_of_folder
from glacier_backup.plan.told_by_key import KeyOf
from glacier_backup.plan.zfs_to_aws import Dataset, Doubt, Folder, Gap, Known, Linked, doubts, linked, taken_over

_TOGETHER = 1_000
"""Objects that the catalog is asked about together."""

Answer = Literal["take", "leave", "none"]
"""``none``: nobody has said."""


@dataclass(frozen=True, slots=True)
class Tools:
    """What it takes."""

    catalog: Catalog
    place_id: int
    destination: Destination
    key_of: KeyOf
    host: str
    check: Check
    answer: Callable[[str], Answer]
    """What is to become of a folder, by its name, that isn't known to be whole, or that nothing leads to."""


class Left(NamedTuple):
    """A folder that isn't taken over."""

    folder: str
    why: tuple[str, ...]
    may_be_taken: bool
    """Whether an answer could change that."""
    is_said: bool
    """Whether somebody has said that it is to be left."""


@dataclass(slots=True)
class TakenOver:
    """What has become of all of it."""

    listed: int = 0
    """Folders of the datasets that were asked for."""
    known: int = 0
    """That were taken over before, or that this program has sent, or is sending."""
    baselines: int = 0
    """Taken over now; so the next two."""
    increments: int = 0
    bytes: int = 0
    accepted: list[str] = field(default_factory=list)
    """Folders taken over that aren't known to be whole."""
    left: list[Left] = field(default_factory=list)
    """Folders that aren't whole, or that nothing leads to."""
    ours: list[str] = field(default_factory=list)
    """Folders that this program has sent, and the catalog doesn't know."""
    strangers: set[str] = field(default_factory=set)
    """Datasets in the bucket that no section looks after."""


def take_over_streams(datasets: Mapping[str, Dataset], tools: Tools) -> TakenOver:
    """Record each folder of these datasets, by their names in keys, that is whole and isn't recorded yet.

    Raises DestinationUnavailable, DestinationError where the bucket can't be listed, CatalogError and what the check
    raises; what was recorded before stays.
    """
    done = TakenOver()
    folders = _folders(tools, datasets, done)
    for name, dataset in datasets.items():
        _take_over(dataset, [one for one in folders if one.stream.dataset == name], tools, done)
    return done


def _take_over(dataset: Dataset, folders: Sequence[Folder], tools: Tools, done: TakenOver) -> None:
    done.listed += len(folders)
    whole = [one for one in _new(folders, tools, done) if _is_taken(one, dataset, tools, done)]
    found: list[Linked] = []
    for one in linked(whole, dataset, _recorded(dataset, tools)):
        if isinstance(one, Gap):
            why = f"it begins with {dataset.path.partition(':')[2]}@{one.missing}, and nothing whole leads to that"
            _leave(one.folder, [Doubt(why)], tools, done)
        else:
            found.append(one)
    tools.check()
    rebuilt = [taken_over(one, dataset, tools.host) for one in found]
    tools.catalog.add_rebuilt(tools.place_id, rebuilt)
    done.baselines += sum(1 for one in found if not one.span.base)
    done.increments += sum(1 for one in found if one.span.base)
    done.bytes += sum(volume.size or 0 for one in rebuilt for volume in one.volumes if volume.role == "data")


# What there is.


def _folders(tools: Tools, datasets: Mapping[str, Dataset], done: TakenOver) -> list[Folder]:
    found: dict[Stream, dict[str, Stored]] = {}
    thaw = tools.destination.thaw(ThawRequest(None), tools.check)
    for stored in tools.destination.inventory(thaw, tools.check):
        key = tools.key_of(stored.locator)
        told = None if key is None else stream_of_folder(key.key)
        if key is None or told is None:
            continue
        named = parse_key(key.key)
        if told[0].dataset in datasets:
            _add(found.setdefault(told[0], {}), "" if named is None else named.suffix, stored)
        elif named is not None and not _is_manifest(named.suffix):
            done.strangers.add(told[0].dataset)
    folders = (Folder(stream, _shown(objects)) for stream, objects in found.items())
    return sorted((one for one in folders if one.objects), key=lambda one: one.stream.folder)


def _is_manifest(suffix: str) -> bool:
    told = parse_suffix(suffix)
    return told is not None and told.role == "manifest"


def _add(objects: dict[str, Stored], suffix: str, stored: Stored) -> None:
    """Of each key the newest version counts, which comes first."""
    there = objects.get(suffix)
    if there is None or there.stored_at < stored.stored_at:
        objects[suffix] = stored


def _shown(objects: Mapping[str, Stored]) -> dict[str, Stored]:
    """Without what was deleted."""
    return {suffix: one for suffix, one in objects.items() if one.hidden_at is None}


# What is new, and whole.


def _new(folders: Iterable[Folder], tools: Tools, done: TakenOver) -> Iterator[Folder]:
    for folder in folders:
        if _is_known(folder, tools):
            done.known += 1
        elif folder.has_manifest:
            done.ours.append(folder.stream.folder)
        else:
            yield folder


def _is_known(folder: Folder, tools: Tools) -> bool:
    catalog, place_id = tools.catalog, tools.place_id
    locators = [one.locator for _, one, _ in folder.in_order()]
    chunks = in_chunks(locators, _TOGETHER)
    return any(catalog.known_there(place_id, chunk) for chunk in chunks) or any(
        catalog.is_part_of_unfinished(place_id, locator) for locator in locators[:1]
    )


def _is_taken(folder: Folder, dataset: Dataset, tools: Tools, done: TakenOver) -> bool:
    against = doubts(folder, dataset)
    if not against:
        return True
    if all(one.may_be_taken for one in against) and tools.answer(folder.stream.folder) == "take":
        done.accepted.append(folder.stream.folder)
        return True
    _leave(folder, against, tools, done)
    return False


def _leave(folder: Folder, against: Sequence[Doubt], tools: Tools, done: TakenOver) -> None:
    name, may_be_taken = folder.stream.folder, all(one.may_be_taken for one in against)
    done.left.append(Left(name, tuple(one.what for one in against), may_be_taken, tools.answer(name) == "leave"))


def _recorded(dataset: Dataset, tools: Tools) -> Iterator[Known]:
    """Archives of it that are at that place."""
    wanted = ArchiveFilter(path=dataset.path, place_id=tools.place_id)
    for archive in tools.catalog.stored_archives(wanted):
        if archive.host in (None, tools.host) and (found := _known(archive)) is not None:
            yield found


def _known(archive: StoredArchive) -> Known | None:
    span = archive.span
    return None if span is None or archive.link is None else Known(span.to, archive.time, archive.link)
