"""The readable text stored beside an archive: what it holds, how to check it and how to open it.

One JSON object, described in ``docs/json.md``. It comes back from servers: what isn't a manifest, or could not have
been written here, is refused as a whole.
"""

from __future__ import annotations

import json
from dataclasses import dataclass, replace
from typing import get_args

from glacier_backup.model.archive import ArchiveRecord, Checksums, Container, Label
from glacier_backup.model.candidate import Fingerprint, Kind
from glacier_backup.model.manifest_fields import Fields
from glacier_backup.model.naming import key
from glacier_backup.model.recipe import Recipe, Step
from glacier_backup.model.tree_digest import parse_tree_digest
from glacier_backup.units import rfc3339

FORMAT = "glacier-backup manifest "
VERSION = 1
LONGEST = 32 * 1024 * 1024
"""Characters; a thousand files that can't be read, each with the longest path there is, are nearly that much."""

_SHA256_DIGITS = 64


@dataclass(frozen=True, slots=True)
class Manifest:
    """What a manifest tells of its archive."""

    label: Label
    recipe: Recipe
    locator: str
    """What the archive was stored under, as the destination was told: whoever fetched the text from beside an archive
    has to compare."""
    size: int
    """Bytes, as stored."""
    tree_hash: str
    """Hex."""
    sha256: str | None = None
    """Linear, hex; where the destination keeps one."""
    fingerprint: Fingerprint | None = None
    """None in one that an early version wrote."""
    problems: int = 0
    """How many files inside could not be read."""
    changed_while_read: bool = False


def manifest(record: ArchiveRecord, checksums: Checksums) -> str:
    """The text for an archive: ASCII, the same for the same facts."""
    label = record.label
    facts = {
        "format": f"{FORMAT}{VERSION}",
        "name": label.name,
        "path": label.path,
        "host": label.host,
        "kind": label.kind,
        "container": label.container,
        "time": rfc3339(label.time),
        "fixed_key": label.fixed_key,
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
        "recipe": json.loads(record.recipe.to_json()),
        "volumes": [
            {
                "locator": record.description,
                "bytes": checksums.size,
                "sha256": checksums.sha256,
                "sha256_tree": checksums.tree_hash,
            }
        ],
        "unreadable": [{"path": problem.path, "cause": problem.cause} for problem in record.problems],
        "changed_while_read": record.changed_while_read,
    }
    return json.dumps(facts, indent=2) + "\n"


def parse_manifest(text: str) -> Manifest:
    """The inverse of :func:`manifest`. Fields that a reader doesn't know are ignored.

    Raises ValueError, in plain words, for what is no manifest, is of a newer format, or says what none of ours does:
    other types, names that lead elsewhere, sizes and times that nothing has.
    """
    fields = _opened(text)
    recipe = _recipe(fields.object("recipe"))
    (volume,) = fields.objects("volumes", 1)
    return Manifest(
        label=_label(fields, recipe),
        recipe=recipe,
        locator=volume.text("locator"),
        size=volume.number("bytes"),
        tree_hash=volume.sha256("sha256_tree"),
        sha256=volume.sha256("sha256") if volume.has("sha256") else None,
        fingerprint=_fingerprint(fields.object("fingerprint")) if fields.has("fingerprint") else None,
        problems=len(fields.objects("unreadable")),
        changed_while_read=fields.flag("changed_while_read"),
    )


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
    )
    key(label)  # which refuses paths and hosts that could lead elsewhere
    if recipe.steps[0].name != ("symlink" if kind == "link" else container):
        raise ValueError(
            f"its recipe begins with {recipe.steps[0].name!r}, which doesn't make a {container} of a {kind}"
        )
    return replace(label, fixed_key=fields.relative_path("fixed_key")) if fields.has("fixed_key") else label


def _fingerprint(fields: Fields) -> Fingerprint:
    digest = fields.text("digest")
    return Fingerprint(
        digest=digest if len(digest) < _SHA256_DIGITS and parse_tree_digest(digest) else fields.sha256("digest"),
        bytes=fields.number("bytes"),
        entries=fields.number("entries"),
        newest_mtime_ns=fields.number("newest_mtime_ns", signed=True),
        mode=fields.mode("mode") if fields.has("mode") else None,
    )


def _recipe(fields: Fields) -> Recipe:
    if fields.number("version") != 1:
        raise ValueError("its recipe is of another version: a newer glacier-backup may read it")
    steps = [Step(step.component("step"), step.scalars(but="step")) for step in fields.objects("steps")]
    if not steps:
        raise ValueError("its recipe has no steps")
    return Recipe(tuple(steps))


def _octal(mode: int | None) -> str | None:
    return None if mode is None else f"{mode:04o}"
