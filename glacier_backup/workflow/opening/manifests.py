"""Manifests among the files, sealed ones too."""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence

from glacier_backup.errors import DamageFound
from glacier_backup.model.manifest import FORMAT, LONGEST, Manifest, parse_manifest
from glacier_backup.model.recipe import Step
from glacier_backup.seal.joined import Volume
from glacier_backup.seal.keys import Keys
from glacier_backup.seal.opening import opened
from glacier_backup.workflow.opening.files import reading, tree_hash_of

Check = Callable[[], None]


def read_manifest(path: str, steps: tuple[Step, ...], keys: Keys, check: Check) -> Manifest:
    """The manifest in the file, which was sealed by ``steps``. Raises DamageFound for what is none, and what opening
    raises."""
    # Nothing that seals a manifest makes it smaller.
    data = bytearray(min(os.path.getsize(path), LONGEST) + 1)
    with reading(path, check) as stream, opened(iter([Volume(stream)]), steps, keys) as text:
        count = text.readinto(memoryview(data))
    try:
        return parse_manifest(data[:count].decode())
    except ValueError as error:
        raise DamageFound(
            f"{path}: {error}", hint="without it, moved away, archives are opened by what their names tell"
        ) from error


def is_manifest(path: str) -> bool:
    """Whether the file begins as ours do, whatever it is called."""
    with reading(path, lambda: None) as stream:
        head = bytearray(64)
        count = stream.readinto(memoryview(head))
    return f'"format": "{FORMAT}'.encode() in head[:count]


def of_file(manifests: Sequence[Manifest], path: str, check: Check) -> Manifest | None:
    """The one that is of this file, which was stored as one object; of several versions' the one that fits."""
    name = os.path.basename(path)
    whole = [one for one in manifests if not one.is_several]
    named = [one for one in whole if os.path.basename(one.volumes[0].locator) == name] or whole
    if len(named) > 1:
        fitting = [one for one in named if one.volumes[0].size == os.path.getsize(path)]
        found = tree_hash_of(path, check) if fitting else ""
        named = [one for one in fitting if one.volumes[0].tree_hash == found] or named
    return max(named, key=lambda one: one.label.time, default=None)
