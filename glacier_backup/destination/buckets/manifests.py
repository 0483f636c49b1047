"""Which manifest lies beside an object for its sake."""

from __future__ import annotations

from dataclasses import replace

from glacier_backup.destination.buckets.description import described
from glacier_backup.destination.buckets.keys import At, manifest_of
from glacier_backup.destination.buckets.objects import Found
from glacier_backup.destination.layout import is_dated
from glacier_backup.model.archive import Label
from glacier_backup.model.naming import ShortenedLabel, is_object, manifest_key, parse_description


def manifest_beside(at: At, found: Found | None) -> str | None:
    """The key of the manifest that belongs to what was ``found`` there; None where there is none, or nothing tells, and
    beside one of several objects.

    That of a file of a tree has a time in its key, which the object tells; if it tells its tree hash, too, it was sent
    in one request, and there is none.
    """
    if is_dated(at.key):
        return manifest_key(at.key)
    if found is None or found.tree_hash is not None or found.description is None:
        return None
    label = parse_description(description_in(found.description))
    if isinstance(label, ShortenedLabel):
        label = label.beginning
    if not isinstance(label, Label) or is_object(label):
        return None
    return manifest_of(at.key, replace(label, fixed_key=at.key))


def description_in(told: str) -> str:
    """What an object's metadata says of itself; as it stands there where another program wrote it."""
    try:
        return described(told)
    except ValueError:
        return told
