"""What a place tells of the archives that it has, when no catalog does: pure decisions.

What tells is, in this order: the manifest beside an archive, its description, its key, and in a vault the description
that another system has given it. The texts come from servers, so each has to agree with the object that it is about.
"""

from __future__ import annotations

import posixpath
import re
from collections.abc import Callable
from dataclasses import replace

from glacier_backup.model.archive import Label
from glacier_backup.model.candidate import Fingerprint
from glacier_backup.model.dataset_label import dataset_step, is_dataset
from glacier_backup.model.foreign import parse_foreign
from glacier_backup.model.increment import parse_link
from glacier_backup.model.journal import JournalEntry
from glacier_backup.model.manifest import Manifest, ObjectSums, parse_manifest
from glacier_backup.model.naming import PrivateLabel, ShortenedLabel, parse_description
from glacier_backup.model.place import DestinationKind
from glacier_backup.model.plaintext import PlainFile, plain_of
from glacier_backup.model.prefix_group import is_prefix_group, zip_step
from glacier_backup.model.rebuilding import Refused
from glacier_backup.model.recipe import Recipe, Step, parse_compact
from glacier_backup.model.stored import Rebuilt, StoredVolume
from glacier_backup.model.suffixes import steps_of_suffix
from glacier_backup.model.thaw import Stored
from glacier_backup.model.tree_digest import tree_fingerprint
from glacier_backup.plan.dataset_told import key_of_snapshots, seen_snapshot
from glacier_backup.plan.told_by_key import Around, Key, is_beside, label_told

_NS = 10**9

_SIMPLE = {recipe.id: recipe for recipe in (Recipe((Step(name),)) for name in ("raw", "tar", "symlink"))}
"""The recipes that a description's id is enough for."""

_RAW = Recipe((Step("raw"),))

_TIME = r"[0-9]{8}T[0-9]{6}\.[0-9]{6}Z"
_BEHIND = re.compile(rf"(?:~{_TIME}|\.rclonelink|~)+\Z")
"""What the key of a file of a tree may have behind the file's name."""

_CUT = re.compile(r"~[0-9a-f]{32}")


Describe = Callable[[Label], str]

HIDDEN = "its name is hidden, and nothing that can be read tells it"


def rebuilt(
    stored: Stored,
    key: Key | None,
    kind: DestinationKind,
    describe: Describe,
    around: Around,
    journaled: JournalEntry | None = None,
) -> Rebuilt | Refused | None:
    """The archive of one object, as all that was found out about it tells; None for what is nobody's archive that we
    know of. Those of several are :mod:`glacier_backup.plan.rebuild_several`'s.

    ``journaled`` is what the record of mt-aws-glacier says of it, where there is one.
    """
    found = _rebuilt(stored, key, kind, describe, around, journaled)
    return _as_said(found, stored) if isinstance(found, Rebuilt) else found


def _as_said(found: Rebuilt, stored: Stored) -> Rebuilt:
    """With what the object says of what is in it, where nothing else does."""
    label, plain = found.label, plain_of(stored.metadata)
    if found.sha256 is not None or label.fixed_key is None or label.container != "raw":
        return found
    return replace(found, sha256=plain.sha256) if isinstance(plain, PlainFile) else found


def _rebuilt(
    stored: Stored,
    key: Key | None,
    kind: DestinationKind,
    describe: Describe,
    around: Around,
    journaled: JournalEntry | None,
) -> Rebuilt | Refused | None:
    if is_beside(key):
        return None
    if key is not None and stored.manifest:
        return _of_manifest(stored, key, describe)
    described = None if stored.description is None else parse_description(stored.description)
    if isinstance(described, PrivateLabel):
        return Refused(stored.locator, HIDDEN)
    if described is not None:
        return _described(stored, key, described, describe, around)
    if key is None:
        return _foreign(stored, journaled)
    label = label_told(stored, key, around)
    if label is None:
        return None
    if label.alias is not None:
        return Refused(stored.locator, HIDDEN)
    seen = _seen_in_tree(label, stored, kind) if label.fixed_key else None
    return _made(stored, label, fingerprint=seen)


# The manifest.


def _of_manifest(stored: Stored, key: Key, describe: Describe) -> Rebuilt | Refused:
    try:
        told = parse_manifest(stored.manifest or "")
    except ValueError as error:
        return Refused(stored.locator, f"its manifest can't be used: {error}")
    label = told.label
    if label.fixed_key is None and describe(label) != key.locator:
        label = replace(label, fixed_key=key.key.removesuffix(label.suffix))
    why = _contradiction(stored, key, label, told, describe)
    if why is not None:
        return Refused(stored.locator, f"its manifest {why}")
    (sums,) = told.volumes
    volume = replace(
        volume_of(stored, 1, label),
        tree_hash=sums.tree_hash,
        sha256=stored.sha256 or sums.sha256,
        hmac_sha256=sums.hmac_sha256,
    )
    return Rebuilt(
        label,
        (volume,),
        stored.description,
        told.recipe,
        told.fingerprint,
        told.problems,
        told.changed_while_read,
        sha256=told.sha256,
    )


def _contradiction(stored: Stored, key: Key, label: Label, told: Manifest, describe: Describe) -> str | None:
    sums = told.volumes[0]
    if not told.is_several and sums.size != stored.size:
        return f"says {sums.size:,} bytes, and there are {stored.size:,}"
    elsewhere = describe(label) != key.locator
    if told.is_several or elsewhere or not fits(label):
        return f"is that of another archive, one of {label.path}"
    return contradicted(stored, sums)


def contradicted(stored: Stored, sums: ObjectSums) -> str | None:
    """In what a manifest contradicts the checksums of an object that it tells of."""
    if stored.tree_hash is not None and stored.tree_hash != sums.tree_hash:
        return "has another tree hash than the archive"
    if None not in (stored.sha256, sums.sha256) and stored.sha256 != sums.sha256:
        return "has another SHA-256 than the archive"
    return None


def fits(label: Label) -> bool:
    """Whether it may have its fixed key, if it has one: by the name of a file of a tree, as far as that wasn't cut, and
    by the snapshots of a dataset."""
    if label.fixed_key is None:
        return True
    if is_dataset(label):
        return label.fixed_key == key_of_snapshots(label)
    name = posixpath.basename(label.fixed_key)
    if _CUT.search(name):
        return True
    return _BEHIND.sub("", name) == _BEHIND.sub("", posixpath.basename(label.path))


# The description.


def _described(
    stored: Stored, key: Key | None, described: Label | ShortenedLabel, describe: Describe, around: Around
) -> Rebuilt | Refused:
    label = whole_label(described, around)
    if key is None:
        return _made(
            stored, label, fingerprint=_as_tree_file(label, stored, around) or seen_snapshot(label, stored.size)
        )
    if describe(label) == key.locator:
        return _made(stored, label, fingerprint=seen_snapshot(label, stored.size))
    fixed_key = key.key.removesuffix(label.suffix) if label.suffix else key.key
    label = replace(label, fixed_key=fixed_key)
    # Of a path that nothing tells there is only the beginning, without the name.
    is_told = isinstance(described, Label) or described.is_of(label.path)
    if is_told and (describe(label) != key.locator or not fits(label)):
        return Refused(stored.locator, f"its description is that of another archive, one of {label.path}")
    return _made(stored, label, fingerprint=_seen(label, stored.size) or seen_snapshot(label, stored.size))


def whole_label(short: Label | ShortenedLabel, around: Around) -> Label:
    """With the whole path where something tells it, else with its beginning and hash: told from all others by that."""
    if isinstance(short, Label):
        return short
    path = short.beginning.path if short.is_of(short.beginning.path) else around.whole_path(short)
    if path is None:
        beginning = short.beginning.path
        beginning = beginning if beginning.startswith("/") or is_dataset(short.beginning) else f"/{beginning}"
        return replace(short.beginning, path=f"{beginning.rstrip('/') or ''}~{short.path_hash}")
    return replace(short.beginning, path=path)


def _as_tree_file(label: Label, stored: Stored, around: Around) -> Fingerprint | None:
    """Of a file in a section that is a whole tree. How all others looked can't be told from a description."""
    inside = any(label.path.startswith(f"{tree.rstrip('/')}/") for tree in around.trees)
    return _seen(label, stored.size) if inside else None


def _seen(label: Label, size: int) -> Fingerprint | None:
    if label.mtime_ns is None or label.suffix:
        return None  # sealed it has another size
    return tree_fingerprint(label.kind, size, label.mtime_ns, label.mode)


def _seen_in_tree(label: Label, stored: Stored, kind: DestinationKind) -> Fingerprint | None:
    """A file of a tree has its source's time on a server, in whole seconds; elsewhere its time isn't listed."""
    if kind != "sftp" or label.suffix or label.kind == "group":
        return None
    return tree_fingerprint(label.kind, stored.size, int(stored.stored_at.timestamp()) * _NS)


# What other systems have put into a vault.


def _foreign(stored: Stored, journaled: JournalEntry | None) -> Rebuilt | Refused:
    """Named by the record that was given, else by its description, else by its id; below a host that is the system's
    name, for its names are below some directory that nobody knows any more."""
    system, path, mtime_ns, altered = "unknown", f".unnamed/{stored.locator}", None, ""
    if (found := parse_foreign(stored.description or "")) is not None:
        path, mtime_ns, system, altered = found
    if journaled is not None:
        if None not in (stored.tree_hash, journaled.tree_hash) and stored.tree_hash != journaled.tree_hash:
            return Refused(stored.locator, f"line {journaled.line} of the journal has another tree hash")
        system, path, mtime_ns = "mt-aws-glacier", journaled.safe_path or path, journaled.mtime_ns
    path = f"/{path}"
    label = Label(
        name=posixpath.basename(path),
        path=path,
        host=system,
        kind="file",
        container="raw",
        time=stored.stored_at,
        recipe_id=_RAW.id,
        mtime_ns=mtime_ns,
    )
    origin = f"{system}, {altered}" if altered else system
    return Rebuilt(label, (volume_of(stored, 1, label),), stored.description, _RAW, origin=origin)


def recipe_told(label: Label) -> Recipe | None:
    """The recipe, recipients left out, as far as a description or a key tells it."""
    steps = parse_compact(label.seal) or steps_of_suffix(label.suffix)
    if is_prefix_group(label):
        return Recipe((_zip_step(label), *steps))
    if is_dataset(label):
        return Recipe((dataset_step(label), *steps))
    if label.link:
        return Recipe((parse_link(label.link).step, *steps))
    if not steps:
        return _SIMPLE.get(label.recipe_id)
    return Recipe((Step("symlink" if label.kind == "link" else label.container), *steps))


def _zip_step(label: Label) -> Step:
    try:
        return zip_step(label)
    except ValueError:
        return Step("zip")  # whoever has written that: its files will be nowhere


def _made(stored: Stored, label: Label, fingerprint: Fingerprint | None = None) -> Rebuilt:
    return Rebuilt(label, (volume_of(stored, 1, label),), stored.description, recipe_told(label), fingerprint)


def volume_of(stored: Stored, number: int, label: Label) -> StoredVolume:
    """An object of an archive, by its own label."""
    return StoredVolume(
        number=number,
        locator=stored.locator,
        size=stored.size,
        tree_hash=stored.tree_hash,
        stored_at=stored.stored_at,
        sha256=stored.sha256,
        crc64nvme=stored.crc64nvme,
        storage_class=stored.storage_class,
        role=label.role,
        volume=label.volume,
        suffix=label.suffix,
    )
