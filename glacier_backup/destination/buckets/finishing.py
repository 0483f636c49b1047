"""The last step of an archive in a bucket: once, however often it is asked for, and by whichever process.

A key with a time belongs to one archive. What is found under it, where a request says that it is taken, or the upload
gone, is that archive if all that can be seen of it agrees; else it is left alone, and said.
"""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime
from itertools import chain
from typing import NamedTuple

from glacier_backup.destination.buckets.bucket import Bucket, Taken, UploadGone
from glacier_backup.destination.buckets.crc64 import Sum
from glacier_backup.destination.buckets.description import description
from glacier_backup.destination.buckets.keys import At
from glacier_backup.destination.buckets.objects import Found, Hidden, find
from glacier_backup.destination.buckets.requests import BucketRequests
from glacier_backup.destination.buckets.values import Object, Uploaded, Written
from glacier_backup.destination.destination import Check
from glacier_backup.errors import DestinationError, UploadForgotten, UploadLost
from glacier_backup.model.archive import Checksums, Label
from glacier_backup.model.naming import has_own_key, is_object, manifest_key
from glacier_backup.units import now

HOT = "STANDARD"
"""The class of manifests."""

_MOST_METADATA = 2048
"""Bytes of names and values."""


@dataclass(frozen=True, slots=True)
class Ours:
    """What an object has to be to be this archive."""

    label: Label
    checksums: Checksums

    @property
    def only_new(self) -> bool:
        """Whether nothing may have the key yet."""
        return has_own_key(self.label)

    def metadata(self) -> dict[str, str]:
        """What the object says of itself, in less than 2 KB (S3 user guide, "Working with object metadata"): of the
        files in it only if there is room for that."""
        ours = {
            "description": description(self.label),
            "tree-hash": self.checksums.tree_hash,
            "size": str(self.checksums.size),
        }
        both = {**self.checksums.metadata, **ours}
        return both if sum(map(len, chain.from_iterable(both.items()))) < _MOST_METADATA else ours

    def is_(self, found: Found) -> bool:
        """Whether all that ``found`` shows is as it has to be; where keys aren't its own, it has to show something."""
        told = [
            (theirs, ours)
            for theirs, ours in (
                (found.tree_hash, self.checksums.tree_hash),
                (found.crc, self.checksums.crc64nvme),
                (found.description, description(self.label)),
            )
            if theirs is not None and ours is not None
        ]
        agrees = found.size == self.checksums.size and all(theirs == ours for theirs, ours in told)
        return agrees and (bool(told) or self.only_new)


class Upload(NamedTuple):
    """An upload whose parts are all stored."""

    id: str
    parts: Sequence[Uploaded] | None
    """None where another process sent them."""
    whole: Sum


class Made(NamedTuple):
    """An archive that is there."""

    stored_at: datetime
    version: str | None
    """Where its bucket keeps versions, as far as it was told."""


class Finishing:
    """Safe to use from several threads. Raises as :class:`Bucket` does."""

    def __init__(self, requests: BucketRequests, bucket: Bucket) -> None:
        self._requests = requests
        self._bucket = bucket
        self._store = requests.store
        self._class_seen = False

    def put(self, one: Object, data: bytes, ours: Ours, check: Check) -> Made:
        """Store an archive in one request."""
        if one.only_new and self._has_to_look() and (found := self._glimpse(one.key, check)) is not None:
            return _expected(one.key, found, ours)
        try:
            written = self._bucket.put(one, data, check)
        except Taken as taken:
            return self._there(one.key, ours, taken, check)
        return self._stored(one, ours, written, check)

    def look(self, one: Object, ours: Ours, check: Check) -> Made:
        """An archive that another process was to send in one request. Raises UploadLost."""
        return self._there(one.key, ours, UploadLost(f"{self._at(one.key)}: it was begun, and nothing is there"), check)

    def complete(self, one: Object, upload: Upload, ours: Ours, check: Check) -> Made:
        """Make an archive of parts. Raises UploadLost, UploadForgotten."""
        try:
            # No store of others is trusted to see to this, for it does with an object put in one request.
            found = self._glimpse(one.key, check) if one.only_new and self._requests.endpoint else None
            if found is not None:
                made = _expected(one.key, found, ours)
                self._let_go(one.key, upload.id, check)
                return made
            parts = upload.parts or self._listed(one.key, upload, check)
            written = self._bucket.complete(one.key, upload.id, parts, upload.whole, only_new=one.only_new, check=check)
        except UploadGone as gone:
            return self._there(one.key, ours, gone, check)
        except Taken as taken:
            made = self._there(one.key, ours, taken, check)
            self._let_go(one.key, upload.id, check)
            return made
        return self._stored(one, ours, written, check)

    def manifest(self, key: str, text: str, check: Check) -> None:
        """Write a manifest under this key, which holds a time. The first shows whether the store honours conditions."""
        one = Object(key, HOT, {}, only_new=True)
        data = text.encode("utf-8", "surrogateescape")
        # What is there already an earlier try has written; twice the same does no harm where nobody minds.
        for _ in range(2 if self._has_to_look() and self._store.honours_conditions is None else 1):
            try:
                self._bucket.put(one, data, check)
            except Taken:
                self._store.keep_conditions(honoured=True)
                return
        if self._has_to_look() and self._store.honours_conditions is None:
            self._store.keep_conditions(honoured=False)

    def is_torn(self, key: str, label: Label, check: Check) -> bool:
        """Whether there is an archive of this label whose manifest isn't there, or one of several objects, which was to
        have none."""
        if not is_object(label) and find(self._requests, At(manifest_key(key)), check) is not None:
            return False
        found = find(self._requests, At(key), check)
        return found is not None and found.description == description(label)

    def _listed(self, key: str, upload: Upload, check: Check) -> Sequence[Uploaded]:
        parts = sorted(self._bucket.parts(key, upload.id, check))
        size = sum(part.size for part in parts)
        if size != upload.whole.size:
            raise UploadLost(f"{self._at(key)}: the upload has {size} bytes, and {upload.whole.size} were sent")
        return parts

    def _has_to_look(self) -> bool:
        return bool(self._requests.endpoint) and not self._store.honours_conditions

    def _glimpse(self, key: str, check: Check) -> Found | None:
        try:
            return find(self._requests, At(key), check)
        except Hidden:
            self._store.tell("whether a key is free can't be seen, as the credentials lack s3:GetObject")
            return None

    def _there(self, key: str, ours: Ours, otherwise: DestinationError, check: Check) -> Made:
        """The archive, if it is there."""
        try:
            found = find(self._requests, At(key), check)
        except Hidden as hidden:
            text = f"{self._at(key)}: whether the archive was stored before can't be seen"
            raise UploadForgotten(text, hint=hidden.hint) from otherwise
        if found is not None and ours.is_(found):
            return Made(found.stored_at, found.version)
        if found is None and isinstance(otherwise, Taken):
            raise UploadLost(f"{self._at(key)}: somebody else wrote it at the same time") from otherwise
        raise otherwise

    def _stored(self, one: Object, ours: Ours, written: Written, check: Check) -> Made:
        """See that what was just stored has the right size and class, where the answer didn't show it."""
        made = Made(now(), written.version)
        if written.shown and (self._class_seen or not self._requests.endpoint):
            return made
        found = self._glimpse(one.key, check)
        if found is not None:
            _expected(one.key, found, ours)
            if found.storage_class != one.storage_class:
                self._store.tell(f"it has no storage class {one.storage_class}: it says {found.storage_class}")
        self._class_seen = True
        return made

    def _let_go(self, key: str, upload: str, check: Check) -> None:
        with suppress(DestinationError):
            self._bucket.abort(key, upload, check)

    def _at(self, key: str) -> str:
        return f"s3://{self._requests.bucket}/{key}"


def _expected(key: str, found: Found, ours: Ours) -> Made:
    """What was found. Raises DestinationError where it is something else."""
    if not ours.is_(found):
        raise DestinationError(
            f"{key}: something else of {found.size} bytes has this key, and {ours.checksums.size} were to be stored; "
            "it is left alone"
        )
    return Made(found.stored_at, found.version)
