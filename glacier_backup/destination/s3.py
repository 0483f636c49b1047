"""Buckets of S3, and of stores that speak its language.

Below the prefix, ``HOST/PATH/OF/CANDIDATE/TIME.tar`` is the archive, in the storage class asked for, and the same key
with ``.recipe.json`` its manifest, in STANDARD, which is written last: an archive counts as whole when its manifest is
there. A file of a tree has a key without a time, is whole when it is there, and replaces the one before: in a bucket
that keeps versions the locator names its own. Sent in one request its metadata says all; beside one sent in parts lies
a manifest, whose key holds its time, so that it is no other's. Of an archive that is several objects each is whole when
it is there, and all of it when the manifest is, which is one of them.

What is known to be small goes in one request, with :meth:`S3.complete`; all else in parts. A part's checksum and the
whole's are compared by the store and by us, a key with a time is never written twice, and what a later process finds
under it is taken for this archive only if it is.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import suppress
from datetime import timedelta
from functools import cached_property
from typing import NamedTuple

from glacier_backup.destination.aws.access import Access, s3_endpoint
from glacier_backup.destination.buckets.bucket import Bucket
from glacier_backup.destination.buckets.crc64 import Sum, joined, sum_and_leaves
from glacier_backup.destination.buckets.description import description
from glacier_backup.destination.buckets.examining import examine
from glacier_backup.destination.buckets.finishing import Finishing, Made, Ours, Upload
from glacier_backup.destination.buckets.identity import identify, note_emptied
from glacier_backup.destination.buckets.keys import At, is_below, key_below, manifest_of, start_of
from glacier_backup.destination.buckets.reading import Reading
from glacier_backup.destination.buckets.removing import Removing
from glacier_backup.destination.buckets.requests import BucketRequests, Writing
from glacier_backup.destination.buckets.values import Object, Uploaded
from glacier_backup.destination.buckets.versions import Versions
from glacier_backup.destination.destination import ByteStream, Check, Limits, Progress, RandomAccess
from glacier_backup.destination.layout import is_dated
from glacier_backup.destination.multipart import Part, PartSender
from glacier_backup.destination.remarks import Note, Waiting
from glacier_backup.digest import tree_hash
from glacier_backup.errors import DestinationError, DestinationUnavailable, UploadLost
from glacier_backup.model.archive import Checksums, Label, Receipt
from glacier_backup.model.naming import has_own_key
from glacier_backup.model.place import Place
from glacier_backup.model.thaw import Stored, Thaw, ThawRequest
from glacier_backup.model.upload import OpenUpload, UploadRequest
from glacier_backup.units import GIB, MIB

LIMITS = Limits(least=0, part=64 * MIB, least_part=8 * MIB, largest_part=4 * GIB, most_parts=10_000)

SMALL = 16 * MIB
"""Bytes up to which an archive goes in one request, and is held in memory until then."""

FREE_TO_READ = ("STANDARD", "INTELLIGENT_TIERING")

MOST_COPIED = 5 * GIB
"""Bytes that one request copies (S3 user guide, "Copying, moving, and renaming objects")."""

SKEW = timedelta(minutes=15)
"""How much this machine's clock may differ from Amazon's, which refuses requests beyond that (S3 API reference, "Error
responses", RequestTimeTooSkewed)."""


class _Id(NamedTuple):
    """What an upload is called in the catalog."""

    storage_class: str
    multipart: str | None
    """As the bucket calls it; None for one that goes in one request."""

    @property
    def text(self) -> str:
        return f"put {self.storage_class}" if self.multipart is None else f"parts {self.storage_class} {self.multipart}"


def _parsed(text: str) -> _Id:
    kind, storage_class, *multipart = text.split(" ", 2)
    return _Id(storage_class, multipart[0] if kind == "parts" else None)


class _Sent(NamedTuple):
    """One part that is stored."""

    uploaded: Uploaded
    summed: Sum
    leaves: bytes


class S3:
    """One prefix of a bucket. Nothing is connected before it is needed, so that a dry run needs neither credentials nor
    botocore.

    ``tags`` are pairs of key and value. ``bandwidth`` is in bytes per second. ``waiting`` is told, from any thread, why
    nothing moves for a while; ``note``, once, what a person should know of the store.
    """

    limits = LIMITS
    inventory_lag = timedelta()
    """A listing shows what was stored or removed at once (S3 user guide, "Amazon S3 data consistency model")."""

    def __init__(
        self,
        bucket: str,
        prefix: str,
        access: Access,
        concurrency: int,
        *,
        storage_class: str = "DEEP_ARCHIVE",
        sse: str | None = None,
        kms_key_id: str | None = None,
        tags: Sequence[tuple[str, str]] = (),
        expected_bucket_owner: str | None = None,
        bandwidth: int | None = None,
        waiting: Waiting | None = None,
        note: Note | None = None,
    ) -> None:
        writing = Writing(sse, kms_key_id, tuple(tags), expected_bucket_owner)
        self._access = access
        self._name = bucket
        self._prefix = prefix
        self._storage_class = storage_class
        self._expected_owner = expected_bucket_owner
        self._requests = BucketRequests(bucket, access, concurrency, writing, waiting, note)
        self._bucket = Bucket(self._requests)
        self._finishing = Finishing(self._requests, self._bucket)
        self._reading = Reading(self._requests, prefix, concurrency)
        self._removing = Removing(self._requests, prefix)
        self._versions = Versions(self._requests)
        self._sender = PartSender(concurrency, bandwidth)
        self._held: dict[str, bytes] = {}
        """By key, what :meth:`complete` is to send."""
        self._uploaded: dict[str, list[Uploaded]] = {}
        """By upload, the parts that were sent here: completing it takes no look at them."""
        self._tried: set[str] = set()
        """Keys that something was to be made at, and perhaps was."""

    @cached_property
    def place(self) -> Place:
        name = f"{self._name}/{self._prefix}" if self._prefix else self._name
        return Place("s3", name, region=s3_endpoint(self._access))

    def identify(self, *, holds_archives: bool) -> Place:
        start_of(self._prefix)
        identify(self._requests, self._access, self._expected_owner)
        if holds_archives:
            note_emptied(self._requests, start_of(self._prefix))
        return self.place

    def keeps_versions(self, check: Check) -> bool:
        return self._versions.kept(check)

    def describe(self, label: Label) -> str:
        return key_below(self._prefix, label)

    def begin(self, request: UploadRequest, check: Check) -> str:
        storage_class = request.storage_class or self._storage_class
        if request.estimate is not None and request.estimate <= SMALL and request.part_size <= self.limits.part:
            return _Id(storage_class, None).text
        label, key = request.label, self.describe(request.label)
        one = Object(key, storage_class, {"description": description(label)}, only_new=has_own_key(label))
        begun = self._bucket.begin(one, check)
        if begun.tries > 1:
            self._abort_twins(label, begun.id, check)
        return _Id(storage_class, begun.id).text

    def copies(self, size: int, storage_class: str | None) -> bool:
        """Where reading it costs nothing: of other classes the bytes are charged for when they are read."""
        return (storage_class or self._storage_class) in FREE_TO_READ and 0 < size <= MOST_COPIED

    def copy(self, request: UploadRequest, locator: str, checksums: Checksums, check: Check) -> str | None:
        source = At.parsed(locator)
        if has_own_key(request.label) or not is_below(self._prefix, source):
            return None
        storage_class = request.storage_class or self._storage_class
        metadata = Ours(request.label, checksums).metadata()
        one = Object(self.describe(request.label), storage_class, metadata, only_new=False)
        copied = self._bucket.copy(one, source, checksums.crc64nvme, check)
        return _Id(storage_class, None).text if copied else None

    def _open_uploads(self, label: Label, check: Check) -> set[str]:
        """Uploads that can be this archive's. Where an earlier one may have had the same key only those that were begun
        since it was intended: a later one, if there is any, is lost with them, and sent anew."""
        since = None if has_own_key(label) else label.time - SKEW
        return self._bucket.uploads(self.describe(label), since, check)

    def _abort_twins(self, label: Label, upload: str, check: Check) -> None:
        """An earlier try may have been carried out without our hearing of it."""
        try:
            for twin in self._open_uploads(label, check) - {upload}:
                self._bucket.abort(self.describe(label), twin, check)
        except DestinationUnavailable:
            raise
        except DestinationError:
            # It may not be looked for, or not be removed: then the bucket's rules do it, and it holds no archive.
            return

    def send(self, upload: OpenUpload, stream: ByteStream, progress: Progress) -> Checksums:
        begun = _parsed(upload.id)
        if begun.multipart is None:
            return self._hold(self.describe(upload.label), stream, progress)
        return self._send_parts(upload, begun.multipart, stream, progress)

    def _hold(self, key: str, stream: ByteStream, progress: Progress) -> Checksums:
        """Read what is small into memory, at the pace that it may be sent at."""
        data = self._held[key] = self._sender.hold(stream, SMALL, progress)
        return _checksums(*sum_and_leaves(data))

    def _send_parts(self, upload: OpenUpload, id_: str, stream: ByteStream, progress: Progress) -> Checksums:
        key = self.describe(upload.label)
        stored = self._stored(key, id_, lambda: progress(0)) if upload.resumed else {}
        if isinstance(stream, RandomAccess) and stream.size is not None:
            _refuse_beyond(stored, upload.part_size, stream.size)

        def send(part: Part) -> _Sent:
            summed, leaves = sum_and_leaves(part.data)
            there = stored.get(part.number)
            if there is not None and there.holds(part.data, summed):
                part.kept(len(part.data))
                return _Sent(there, summed, leaves)
            put = self._bucket.put_part(key, id_, part, summed, replaces=there is not None)
            return _Sent(put, summed, leaves)

        sent = self._sender.send(stream, upload.part_size, self.limits.most_parts, send, progress=progress)
        whole = joined(part.summed for part in sent)
        _refuse_beyond(stored, upload.part_size, whole.size)
        self._uploaded[id_] = [part.uploaded for part in sent]
        return _checksums(whole, b"".join(part.leaves for part in sent))

    def _stored(self, key: str, upload: str, check: Check) -> dict[int, Uploaded]:
        return {part.number: part for part in self._bucket.parts(key, upload, check)}

    def complete(self, upload: OpenUpload, checksums: Checksums, manifest: str, check: Check) -> Receipt:
        begun, ours = _parsed(upload.id), Ours(upload.label, checksums)
        key = self.describe(upload.label)
        one = Object(key, begun.storage_class, ours.metadata(), ours.only_new)
        self._tried.add(key)
        made = self._make(one, begun.multipart, ours, check)
        if manifest and (ours.only_new or (begun.multipart is not None and checksums.size)):
            self._finishing.manifest(manifest_of(key, upload.label), manifest, check)
        self._uploaded.pop(begun.multipart or "", None)
        self._tried.discard(key)
        return Receipt(
            At(key, None if ours.only_new or is_dated(key) else made.version).locator,
            checksums.size,
            checksums.tree_hash,
            checksums.leaves,
            made.stored_at,
            crc64nvme=checksums.crc64nvme,
            storage_class=begun.storage_class,
        )

    def _make(self, one: Object, multipart: str | None, ours: Ours, check: Check) -> Made:
        size = ours.checksums.size
        if multipart is not None and size:
            whole = Sum.parsed(ours.checksums.crc64nvme or "", size)
            upload = Upload(multipart, self._uploaded.get(multipart), whole)
            return self._finishing.complete(one, upload, ours, check)
        if multipart is not None:
            # Nothing can't be made of parts: it is put there by itself.
            self._bucket.abort(one.key, multipart, check)
        data = self._held.pop(one.key, None if size else b"")
        if data is None:
            return self._finishing.look(one, ours, check)
        return self._finishing.put(one, data, ours, check)

    def abort(self, label: Label, upload_id: str | None, check: Check) -> None:
        key = self.describe(label)
        self._held.pop(key, None)
        begun = None if upload_id is None else _parsed(upload_id).multipart
        ids = self._open_uploads(label, check) if upload_id is None else {begun} if begun else set()
        for upload in ids:
            self._uploaded.pop(upload, None)
            self._bucket.abort(key, upload, check)
        if key in self._tried and has_own_key(label):
            self._remove_torn(key, label, check)

    def _remove_torn(self, key: str, label: Label, check: Check) -> None:
        """An archive that was made here, and whose manifest was refused, or an object whose making was: nothing is to
        look like half of one."""
        self._tried.discard(key)
        with suppress(DestinationError):
            if self._finishing.is_torn(key, label, check):
                self._removing.remove(At(key), check)

    def thaw(self, request: ThawRequest, check: Check) -> Thaw:
        return self._reading.thaw(request, check)

    def thawing(self, thaws: Sequence[Thaw], check: Check) -> Iterator[Thaw]:
        return self._reading.thawing(thaws, check)

    def fetch(self, thaw: Thaw, start: int, buffer: memoryview, check: Check) -> int:
        return self._reading.fetch(thaw, start, buffer, check)

    def inventory(self, thaw: Thaw, check: Check, *, newest: bool = False) -> Iterator[Stored]:
        versions = not newest and self._versions.were_kept(check)
        return self._reading.inventory(check, versions=versions)

    def examine(self, stored: Stored, check: Check) -> Stored:
        return examine(self._reading, stored, check)

    def delete(self, locator: str, check: Check) -> None:
        self._removing.delete(locator, check)

    def expire(self, locator: str, check: Check) -> bool:
        return self._versions.kept(check) and self._removing.hide(locator, check)

    def close(self) -> None:
        self._sender.close()
        self._requests.close()


def _refuse_beyond(stored: dict[int, Uploaded], part_size: int, size: int) -> None:
    """A part that is stored can be replaced, not taken away."""
    if any(number * part_size >= size for number in stored):
        raise UploadLost(f"the upload has parts beyond the archive's {size} bytes")


def _checksums(whole: Sum, leaves: bytes) -> Checksums:
    return Checksums(whole.size, tree_hash(leaves), leaves, crc64nvme=whole.text)
