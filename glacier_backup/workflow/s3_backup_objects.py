"""Asking about one object of a bucket that s3-backup has filled: what it says of itself, and what is in it, if it is a
ZIP that can be read now."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime
from functools import partial
from typing import NamedTuple

from glacier_backup.destination.buckets.objects import COLD
from glacier_backup.destination.destination import Check, Destination
from glacier_backup.errors import DestinationError, DestinationUnavailable, NotThawed, VolumeMissing
from glacier_backup.model.archive import Member
from glacier_backup.model.naming import parse_description
from glacier_backup.model.thaw import Stored, Thaw
from glacier_backup.pack.zip_directory import NoZip, zip_members
from glacier_backup.plan.s3_backup import Tree, is_group, is_transformed

_MOST_MEMBERS = 500_000
"""Of a group with more nothing is read: no ZIP of s3-backup's, which were made in memory, has as many."""


class Version(NamedTuple):
    """One version of an object."""

    stored: Stored
    key: str
    """Below the prefix."""
    whole_key: str
    newer_at: datetime | None
    """When another one took its place; None: none has."""
    hidden_at: datetime | None
    """Since when there is nothing under its key."""
    metadata: Mapping[str, str] | None = None
    """As the record has it."""


class Asked(NamedTuple):
    """What asking about one has brought to light."""

    version: Version
    stored: Stored | None
    """With all that the bucket says; None for what is gone meanwhile, or is ours."""
    members: tuple[Member, ...] = ()
    """Of a ZIP, where they are known."""
    refused: str = ""
    """Why it could not be looked at; empty where it could."""


class Asking:
    """Safe to use from several threads."""

    def __init__(self, tree: Tree, destination: Destination, check: Check) -> None:
        self._tree = tree
        self._destination = destination
        self._check = check

    def ask(self, one: Version) -> Asked:
        """All that can be told now. Raises DestinationUnavailable, and what the check raises."""
        try:
            stored = self._examined(one)
            if stored is None:
                return Asked(one, None)
            return Asked(one, stored, self._members(stored, one))
        except VolumeMissing:
            return Asked(one, None)
        except DestinationUnavailable:
            raise
        except DestinationError as error:
            return Asked(one, None, refused=f"it could not be looked at: {error}")

    def _examined(self, one: Version) -> Stored | None:
        if one.metadata is not None:
            return replace(one.stored, metadata=one.metadata)
        stored = self._destination.examine(one.stored, self._check)
        if stored.description is not None and parse_description(stored.description) is not None:
            return None
        # A listing says of all versions when they were stored.
        return replace(stored, stored_at=one.stored.stored_at)

    def _members(self, stored: Stored, one: Version) -> tuple[Member, ...]:
        """Of a ZIP that can be read now; empty where it can't be."""
        if not is_group(one.key, stored) or is_transformed(stored, self._tree) or stored.storage_class in COLD:
            return ()
        found: list[Member] = []
        try:
            for member in zip_members(partial(self._read, stored), stored.size):
                if member.type != "file" or len(found) >= _MOST_MEMBERS:
                    return ()
                found.append(self._named(member))
        except (NoZip, NotThawed):
            return ()
        return tuple(found)

    def _named(self, member: Member) -> Member:
        path = self._tree.inside(member.path)
        above = f"{self._tree.section.rstrip('/')}/"
        is_other = path is not None and path != above + member.path and path.startswith(above)
        return member._replace(source=path.removeprefix(above)) if path is not None and is_other else member

    def _read(self, stored: Stored, offset: int, length: int) -> bytes:
        buffer = bytearray(length)
        thaw = Thaw(stored.locator, stored.locator, "ready")
        filled = 0
        while filled < length:
            count = self._destination.fetch(thaw, offset + filled, memoryview(buffer)[filled:], self._check)
            if not count:
                raise NoZip("it ends too soon")
            filled += count
        return bytes(buffer)
