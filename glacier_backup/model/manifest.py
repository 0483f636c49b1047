"""The readable text stored beside an archive: what it holds, how to check it and how to open it.

An archive that is several objects has one as the last of them, which lists all others. One JSON object, described in
``docs/json.md``. It comes back from servers: what isn't a manifest, or could not have been written here, is refused as
a whole.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from typing import NamedTuple, get_args

from glacier_backup.model.archive import ArchiveRecord, Checksums, Container, Label, Role, as_told
from glacier_backup.model.candidate import CHANGED_BACK, Fingerprint, Kind
from glacier_backup.model.dataset_label import check_dataset, span_text
from glacier_backup.model.increment import link_of
from glacier_backup.model.manifest_fields import Fields
from glacier_backup.model.naming import is_group_path, key
from glacier_backup.model.prefix_group import as_below, below, is_prefix_group, zip_step
from glacier_backup.model.recipe import LONGEST_COMPACT, Recipe, Step, compact
from glacier_backup.model.snapshot import guid_of
from glacier_backup.model.stored import StoredVolume
from glacier_backup.model.suffixes import parse_suffix, suffix_of_steps
from glacier_backup.model.tree_digest import parse_tree_digest
from glacier_backup.units import rfc3339

FORMAT = "glacier-backup manifest "
VERSION = 1
LONGEST = 32 * 1024 * 1024
"""Characters; a thousand files that can't be read, each with the longest path there is, are nearly that much."""

_SHA256_DIGITS = 64


class ObjectSums(NamedTuple):
    """One stored object, and what its bytes add up to."""

    locator: str
    """What it was stored under: an archive id in a vault, a key elsewhere."""
    size: int
    """Bytes, as stored."""
    tree_hash: str
    """Hex."""
    sha256: str | None = None
    """Linear, hex; where the destination keeps one."""
    hmac_sha256: str | None = None
    """As :attr:`Checksums.hmac_sha256`."""
    role: Role = "data"
    volume: int = 0
    """As :attr:`Label.volume`."""
    suffix: str = ""
    """As :attr:`Label.suffix`."""


def one_object(record: ArchiveRecord, checksums: Checksums) -> tuple[ObjectSums, ...]:
    """What :func:`manifest` says of an archive that is one object."""
    return (
        ObjectSums(
            record.description,
            checksums.size,
            checksums.tree_hash,
            checksums.sha256,
            checksums.hmac_sha256,
            suffix=record.label.suffix,
        ),
    )


def several_objects(stored: Iterable[StoredVolume]) -> tuple[ObjectSums, ...]:
    """The same of one that is several, all of which but the manifest are stored. Raises ValueError for what has no size
    or tree hash: it isn't ours."""
    return tuple(_sums(one) for one in stored if one.role != "manifest")


def _sums(one: StoredVolume) -> ObjectSums:
    if one.size is None or one.tree_hash is None:
        raise ValueError(f"{one.locator} has no size or no tree hash")
    hashes = (one.tree_hash, one.sha256, one.hmac_sha256)
    return ObjectSums(one.locator, one.size, *hashes, one.role, one.volume, one.suffix)


@dataclass(frozen=True, slots=True)
class Manifest:
    """What a manifest tells of its archive."""

    label: Label
    """Of the archive, not of one of its objects."""
    recipe: Recipe
    volumes: tuple[ObjectSums, ...]
    """Those that its bytes are in, in their order: one with the number 0, or all from 1 on."""
    beside: tuple[ObjectSums, ...] = ()
    """Their parity."""
    fingerprint: Fingerprint | None = None
    """None in one that an early version wrote."""
    problems: int = 0
    """How many files inside could not be read."""
    changed_while_read: bool = False
    sha256: str | None = None
    """As :attr:`ArchiveRecord.sha256`."""

    @property
    def is_several(self) -> bool:
        """Whether the archive is several objects, of which the manifest is one."""
        return self.volumes[0].volume > 0

    @property
    def tree_hash(self) -> str:
        """Of the only volume, hex; of several the first's."""
        return self.volumes[0].tree_hash

    @property
    def objects(self) -> tuple[ObjectSums, ...]:
        """All but the manifest itself."""
        return self.volumes + self.beside


def manifest(record: ArchiveRecord, objects: Sequence[ObjectSums]) -> str:
    """The text for an archive: ASCII, the same for the same facts.

    ``objects`` are those of :func:`one_object`, or of :func:`several_objects` in the order in which they were stored.
    """
    label = as_told(record.label)
    facts = {
        "format": f"{FORMAT}{VERSION}",
        "name": label.name,
        "path": label.path,
        "host": label.host,
        "kind": label.kind,
        "container": label.container,
        "time": rfc3339(label.time),
        "fixed_key": label.fixed_key,
        "suffix": label.suffix,
        "alias": label.alias,
        "source_bytes": record.fingerprint.bytes,
        "entries": record.fingerprint.entries,
        "mtime_ns": label.mtime_ns,
        "mode": _octal(label.mode),
        "fingerprint": {
            "digest": record.fingerprint.digest,
            "bytes": record.fingerprint.bytes,
            "entries": record.fingerprint.entries,
            "newest_mtime_ns": record.fingerprint.newest_mtime_ns,
            "mode": _octal(record.fingerprint.mode),
        },
        # Of what is encrypted that would tell whoever reads this which file it is, if they have the same one.
        "content_sha256": record.sha256 if record.recipe.is_plain or label.alias is not None else None,
        "recipe": json.loads(as_below(record.recipe, label).to_json()),
        "volumes": [_facts(one) for one in sorted(objects, key=_by_volume) if one.role == "data"],
        "beside": [_facts(one) | {"role": one.role} for one in objects if one.role != "data"],
        "unreadable": [{"path": problem.path, "cause": problem.cause} for problem in record.problems],
        "changed_while_read": record.changed_while_read,
    }
    return json.dumps(facts, indent=2) + "\n"


def _by_volume(one: ObjectSums) -> int:
    return one.volume


def _facts(one: ObjectSums) -> dict[str, str | int | None]:
    return {
        "locator": one.locator,
        "suffix": one.suffix,
        "volume": one.volume,
        "bytes": one.size,
        "sha256": one.sha256,
        "sha256_tree": one.tree_hash,
        "hmac_sha256": one.hmac_sha256,
    }


def parse_manifest(text: str) -> Manifest:
    """The inverse of :func:`manifest`. Fields that a reader doesn't know are ignored.

    Raises ValueError, in plain words, for what is no manifest, is of a newer format, or says what none of ours does:
    other types, names that lead elsewhere, sizes and times that nothing has, volumes that are missing or there twice.
    That the objects are at this archive's place is for whoever knows where that is to see.
    """
    fields = _opened(text)
    recipe = _recipe(fields.object("recipe"))
    label = _label(fields, recipe)
    volumes = tuple(_object(one, "data", label) for one in fields.objects("volumes"))
    listed = fields.objects("beside") if fields.has("beside") else ()
    beside = tuple(_object(one, one.one_of("role", get_args(Role)), label) for one in listed)
    _check_objects(volumes, beside, recipe)
    return Manifest(
        label=label,
        recipe=recipe,
        volumes=volumes,
        beside=beside,
        fingerprint=_fingerprint(fields.object("fingerprint")) if fields.has("fingerprint") else None,
        problems=len(fields.objects("unreadable")),
        changed_while_read=fields.flag("changed_while_read"),
        sha256=fields.sha256("content_sha256") if fields.has("content_sha256") else None,
    )


def _object(fields: Fields, role: Role, label: Label) -> ObjectSums:
    found = ObjectSums(
        locator=fields.text("locator"),
        size=fields.number("bytes"),
        tree_hash=fields.sha256("sha256_tree"),
        sha256=fields.sha256("sha256") if fields.has("sha256") else None,
        hmac_sha256=fields.sha256("hmac_sha256") if fields.has("hmac_sha256") else None,
        role=role,
        volume=fields.number("volume") if fields.has("volume") else 0,
        suffix=fields.text("suffix") if fields.has("suffix") else "",
    )
    told = parse_suffix(found.suffix)
    if told is None or (told.seal, told.volume, told.role) != (label.suffix, found.volume, role):
        raise ValueError(f"suffix {found.suffix[:60]!r} isn't that of volume {found.volume} of this archive")
    return found


def _check_objects(volumes: Sequence[ObjectSums], beside: Sequence[ObjectSums], recipe: Recipe) -> None:
    is_several = recipe.in_volumes
    expected = list(range(1, len(volumes) + 1)) if is_several else [0]
    if not volumes or [one.volume for one in volumes] != expected:
        raise ValueError(f"volumes has {len(volumes)} entries, and they aren't all volumes of one archive, in order")
    if any(one.role != "parity" or not 0 < one.volume <= len(volumes) for one in beside):
        raise ValueError("beside lists something that is no parity of a volume")
    everything = (*volumes, *beside)
    for name in ("locator", "suffix"):
        if len({getattr(one, name) for one in everything}) < len(everything):
            raise ValueError(f"two of its objects have the same {name}")


def _opened(text: str) -> Fields:
    try:
        found = json.loads(text) if len(text) <= LONGEST else None
    except (ValueError, RecursionError):
        found = None
    if not isinstance(found, dict) or not str(found.get("format")).startswith(FORMAT):
        raise ValueError("it is no manifest of an archive")
    version = str(found["format"]).removeprefix(FORMAT)
    if version != str(VERSION):
        raise ValueError(f"it is a manifest of another version, {version[:20]!r}: a newer glacier-backup may read it")
    return Fields(found)


def _label(fields: Fields, recipe: Recipe) -> Label:
    container: Container = fields.one_of("container", get_args(Container))
    kind: Kind = fields.one_of("kind", get_args(Kind))
    label = Label(
        name=fields.component("name"),
        path=fields.text("path"),
        host=fields.text("host"),
        kind=kind,
        container=container,
        time=fields.moment("time"),
        recipe_id=recipe.id,
        mtime_ns=fields.number("mtime_ns", signed=True) if fields.has("mtime_ns") else None,
        mode=fields.mode("mode") if fields.has("mode") else None,
        suffix=fields.text("suffix") if fields.has("suffix") else "",
        seal=compact(recipe),
        link=_link(recipe, kind),
        span=span_text(recipe),
    )
    if label.suffix != suffix_of_steps(recipe.seal):
        raise ValueError(f"suffix {label.suffix[:60]!r} isn't that of its recipe")
    if len(label.seal) > LONGEST_COMPACT:
        raise ValueError("its recipe has more steps than any seal")
    key(label)  # which refuses paths and hosts that could lead elsewhere
    if recipe.steps[0].name != ("symlink" if kind == "link" else container):
        raise ValueError(
            f"its recipe begins with {recipe.steps[0].name!r}, which doesn't make a {container} of a {kind}"
        )
    check_dataset(label)
    label = _as_group(label, recipe)
    if fields.has("fixed_key"):
        label = replace(label, fixed_key=fields.relative_path("fixed_key"))
    if fields.has("alias"):
        label = replace(label, alias=fields.text("alias"))
        key(label)  # which refuses what is no random name
    return label


def _link(recipe: Recipe, kind: Kind) -> str:
    link = link_of(recipe)
    if link is not None and kind not in ("directory", "dataset"):
        raise ValueError(f"its recipe is that of an increment, which a {kind} has none of")
    return "" if link is None else str(link)


def _as_group(label: Label, recipe: Recipe) -> Label:
    """With what the recipe of a group that goes by a prefix says. Raises ValueError for what can't be a group."""
    if label.container == "zip" or label.kind == "group":
        by_prefix = is_prefix_group(label)
        if not by_prefix and not (label.container == "tar" and is_group_path(label.path)):
            raise ValueError(f"{label.path} in a {label.container} is no group of files")
        if by_prefix:
            label = replace(label, below=below(recipe))
            zip_step(label)  # which refuses what leads nowhere
    return label


def _fingerprint(fields: Fields) -> Fingerprint:
    return Fingerprint(
        digest=_digest(fields),
        bytes=fields.number("bytes"),
        entries=fields.number("entries"),
        newest_mtime_ns=fields.number("newest_mtime_ns", signed=True),
        mode=fields.mode("mode") if fields.has("mode") else None,
    )


def _digest(fields: Fields) -> str:
    digest = fields.text("digest")
    plain = digest.removesuffix(CHANGED_BACK)
    if len(plain) < _SHA256_DIGITS and (parse_tree_digest(plain) or guid_of(plain)):
        return digest
    Fields({"digest": plain}).sha256("digest")
    return digest


def _recipe(fields: Fields) -> Recipe:
    if fields.number("version") != 1:
        raise ValueError("its recipe is of another version: a newer glacier-backup may read it")
    steps = [Step(step.component("step"), step.scalars(but="step")) for step in fields.objects("steps")]
    if not steps:
        raise ValueError("its recipe has no steps")
    return Recipe(tuple(steps))


def _octal(mode: int | None) -> str | None:
    return None if mode is None else f"{mode:04o}"
