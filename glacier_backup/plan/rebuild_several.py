"""What a place tells of archives that are several objects, when no catalog does: pure decisions.

What tells is their manifest, which is one of them; in a vault, where it can't be read without a thaw, the descriptions,
unless they hide the names. The texts come from servers, so each has to agree with the objects that it is about.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from typing import NamedTuple

from glacier_backup.model.archive import Label, Role
from glacier_backup.model.key_reading import private_label_of_key
from glacier_backup.model.manifest import Manifest, ObjectSums, parse_manifest
from glacier_backup.model.naming import PrivateLabel, ShortenedLabel, is_object, parse_description
from glacier_backup.model.rebuilding import Refused
from glacier_backup.model.recipe import Step, parse_compact
from glacier_backup.model.stored import Rebuilt, StoredVolume
from glacier_backup.model.suffixes import (
    MANIFEST,
    is_sealed_manifest,
    parse_suffix,
    split_suffix,
    steps_of_suffix,
)
from glacier_backup.model.thaw import Stored
from glacier_backup.plan.dataset_told import seen_snapshot
from glacier_backup.plan.rebuild import Describe, contradicted, fits, recipe_told, volume_of, whole_label
from glacier_backup.plan.told_by_key import Around, Key, label_told
from glacier_backup.units import stamp


class Part(NamedTuple):
    """What looks like one of several objects."""

    group: str
    """What all objects of its archive share."""
    name: str
    """Its group and a suffix: as a key has it, or as a description tells."""
    role: Role
    volume: int
    stored: Stored


class Read(NamedTuple):
    """A manifest that was read."""

    text: str
    """Opened, where it was sealed."""
    tree_hash: str
    """Of its bytes as they are stored, hex."""
    sha256: str
    """Likewise, linear."""


Parts = Sequence[Part]


def part_of(stored: Stored, key: Key | None) -> Part | None:
    """What an object looks like, by the list alone; None for what is no part of anything."""
    if key is None:
        return _part_in_vault(stored)
    group, suffix = split_suffix(key.locator)
    told = parse_suffix(suffix)
    if told is None or (told.volume == 0 and told.role == "data"):
        return None
    return Part(group, key.locator, told.role, told.volume, stored)


def _part_in_vault(stored: Stored) -> Part | None:
    told = parse_description(stored.description or "")
    if told is None:
        return None
    if isinstance(told, PrivateLabel):
        return Part(told.alias, told.alias + told.suffix, told.role, told.volume, stored)
    label = told.beginning if isinstance(told, ShortenedLabel) else told
    if not is_object(label):
        return None
    path = told.path_hash if isinstance(told, ShortenedLabel) else label.path
    group = "\0".join((label.host, path, stamp(label.time)))
    return Part(group, group + label.suffix, label.role, label.volume, stored)


def manifest_of(parts: Parts) -> Part | None:
    """The manifest among the objects of one archive; the last one, if there are several."""
    manifests = [one for one in parts if one.role == "manifest"]
    return max(manifests, key=lambda one: one.stored.stored_at, default=None)


def is_ours(parts: Parts, key: Key | None, around: Around) -> bool:
    """Whether they are objects of an archive for all that names and descriptions tell, and not anybody's files that
    happen to be called so. ``key`` is that of the first."""
    first = parts[0].stored
    if key is None:
        return True
    if private_label_of_key(key.key) is not None:
        return True
    described = parse_description(first.description or "")
    label = label_told(first, key, around) if described is None else described
    if isinstance(label, ShortenedLabel):
        label = label.beginning
    return isinstance(label, PrivateLabel) or (isinstance(label, Label) and is_object(label))


def steps_of_manifest(manifest: Part) -> tuple[Step, ...]:
    """What seals a manifest; nothing where it can be read as it is."""
    suffix = _suffix_of(manifest)
    if not is_sealed_manifest(suffix):
        return ()
    (step,) = steps_of_suffix(suffix[suffix.rindex(MANIFEST) + len(MANIFEST) :])
    told = parse_description(manifest.stored.description or "")
    seal = told.seal if isinstance(told, Label | PrivateLabel) else ""
    return tuple(one for one in parse_compact(seal) if one.name == step.name) or (step,)


def _suffix_of(part: Part) -> str:
    return part.name.removeprefix(part.group)


# By the manifest.


def rebuilt_by_manifest(parts: Parts, own: Part, read: Read, key: Key | None, describe: Describe) -> Rebuilt | Refused:
    """The archive as its manifest ``own``, whose key is ``key``, tells of it.

    A volume that is missing or wrong is left to its parity, where there is some. Raises ValueError for what is no
    manifest.
    """
    told = parse_manifest(read.text)
    label = _label_at(own, told, key, describe)
    if label is None:
        return Refused(own.stored.locator, f"it is the manifest of another archive, one of {told.label.path}")
    found = dict(_found(parts, own, told))
    lost = [one for one in told.volumes if isinstance(found[one], str) and not _can_be_mended(one, told, found)]
    if lost:
        return Refused(own.stored.locator, _what_is_lost(lost, told, found))
    volumes = tuple(_volumes(told, found, own, read))
    return Rebuilt(
        label,
        volumes,
        describe(label),
        told.recipe,
        told.fingerprint,
        told.problems,
        told.changed_while_read,
        sha256=told.sha256,
        expired_at=own.stored.hidden_at,
    )


def _label_at(own: Part, told: Manifest, key: Key | None, describe: Describe) -> Label | None:
    """The archive's label, if its manifest can lie where this one does."""
    suffix = own.name[own.name.rindex(MANIFEST) :]
    label, suffix = told.label, told.label.suffix + suffix
    if not told.is_several or not own.name.endswith(suffix):
        return None
    if key is None:
        return label if label.alias == own.group else None

    def lies_here(label: Label) -> bool:
        its = replace(label, suffix=suffix, volume=len(told.volumes), role="manifest")
        return describe(its) == key.locator

    if not lies_here(label):
        label = replace(label, fixed_key=key.key.removesuffix(suffix))
    return label if (label.alias is not None or fits(label)) and lies_here(label) else None


Found = Mapping[ObjectSums, Stored | str]
"""Of each object that a manifest lists what is stored, or why nothing right is."""


def _found(parts: Parts, own: Part, told: Manifest) -> Iterator[tuple[ObjectSums, Stored | str]]:
    base = own.name.removesuffix(told.label.suffix + own.name[own.name.rindex(MANIFEST) :])
    named: dict[str, list[Stored]] = {}
    for part in parts:
        named.setdefault(part.name, []).append(part.stored)
    for one in told.objects:
        there = named.get(base + one.suffix, [])
        if not there:
            yield one, "it is missing"
            continue
        stored = max(there, key=lambda stored: (stored.locator == one.locator, stored.stored_at))
        why = f"says {one.size:,} bytes, and there are {stored.size:,}" if one.size != stored.size else None
        why = why or contradicted(stored, one)
        yield one, stored if why is None else f"its manifest {why}"


def _can_be_mended(volume: ObjectSums, told: Manifest, found: Found) -> bool:
    return any(one.volume == volume.volume and isinstance(found[one], Stored) for one in told.beside)


def _what_is_lost(lost: Sequence[ObjectSums], told: Manifest, found: Found) -> str:
    there, all_ = len(told.volumes) - len(lost), len(told.volumes)
    return f"{there} of {all_} volumes are there and right; of volume {lost[0].volume}: {found[lost[0]]}"


def _volumes(told: Manifest, found: Found, own: Part, read: Read) -> Iterator[StoredVolume]:
    """In the order in which they were stored."""
    order = sorted(told.objects, key=lambda one: (one.volume, one.role != "data"))
    for number, one in enumerate(order, 1):
        stored = found[one]
        if isinstance(stored, str):
            # As it was sent: whoever wants it finds out.
            stored = Stored(one.locator, one.size, own.stored.stored_at)
        label = replace(told.label, role=one.role, volume=one.volume, suffix=one.suffix)
        yield replace(
            volume_of(stored, number, label),
            size=one.size,
            tree_hash=one.tree_hash,
            sha256=stored.sha256 or one.sha256,
            hmac_sha256=one.hmac_sha256,
        )
    suffix = told.label.suffix + own.name[own.name.rindex(MANIFEST) :]
    label = replace(told.label, role="manifest", volume=len(told.volumes), suffix=suffix)
    yield replace(volume_of(own.stored, len(order) + 1, label), tree_hash=read.tree_hash, sha256=read.sha256)


# By descriptions.


def rebuilt_by_descriptions(parts: Parts, around: Around) -> Rebuilt | Refused:
    """The archive as the descriptions in a vault tell of it: complete where there is a manifest, which says how many
    volumes there are, and all of them."""
    own = manifest_of(parts)
    told = None if own is None else parse_description(own.stored.description or "")
    if own is None or not isinstance(told, Label | ShortenedLabel):
        return without_manifest(parts)
    label = whole_label(told, around)
    last: dict[str, Part] = {}
    for part in sorted(parts, key=lambda one: one.stored.stored_at):
        last[part.name] = part  # one that was sent twice counts as it was sent last
    there = {one.volume for one in last.values() if one.role == "data"}
    # Never counted up to what a description says: it may say anything.
    first_missing = next(number for number in itertools.count(1) if number not in there)
    if (len(there), first_missing) != (label.volume, label.volume + 1):
        are_missing = first_missing <= label.volume
        why = f"volume {first_missing} is missing" if are_missing else "there are more than its manifest says"
        return Refused(own.stored.locator, f"{len(there)} of {label.volume} volumes are there; {why}")
    whole = parse_suffix(label.suffix)
    archive = replace(label, suffix="" if whole is None else whole.seal, volume=0, role="data")
    kept = sorted((one for one in last.values() if one.role != "manifest"), key=_in_order)
    volumes = tuple(
        volume_of(one.stored, number, replace(archive, role=one.role, volume=one.volume, suffix=_suffix_of(one)))
        for number, one in enumerate([*kept, own], 1)
    )
    size = sum(one.size or 0 for one in volumes if one.role == "data")
    return Rebuilt(archive, volumes, None, recipe_told(archive), seen_snapshot(archive, size))


def _in_order(part: Part) -> tuple[int, bool, str]:
    return part.volume, part.role != "data", part.name


def without_manifest(parts: Parts) -> Refused:
    """Objects of an archive that never was sent whole."""
    volumes = len({one.volume for one in parts if one.role == "data"})
    what = "1 volume is" if volumes == 1 else f"{volumes:,} volumes are"
    return Refused(parts[0].stored.locator, f"{what} there, and no manifest: the archive was not sent whole")
