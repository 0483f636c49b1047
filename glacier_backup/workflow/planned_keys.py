"""Under which keys a plan would store what, where filters have made other keys of names."""

from __future__ import annotations

from collections.abc import Iterable

from glacier_backup.catalog.key_paths import KeyPaths
from glacier_backup.model.plan import Decision, Upload
from glacier_backup.workflow.sending.intent import key_of


def note_keys(decisions: Iterable[Decision], section: str, keys: KeyPaths) -> None:
    """Note the keys of all files and groups of ``section`` that would be sent, below what stands in front of all keys
    there, and what files are called in groups."""
    above = section.rstrip("/")
    for one in decisions:
        if not isinstance(one, Upload) or one.candidate.section != section:
            continue
        candidate = one.candidate
        keys.add([(key_of(candidate), candidate.path)])
        if candidate.contents is not None:
            names = ((held.stored or held.name, f"{above}/{held.name}") for held in candidate.contents)
            keys.add(names, inside=True)
