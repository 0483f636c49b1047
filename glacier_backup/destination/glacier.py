"""Amazon Glacier vaults.

Archives always go by multipart upload, even of one byte: CompleteMultipartUpload may be repeated and answers with
the same archive id, UploadArchive may not. Rules are those of the API reference (S3 Glacier developer guide,
"Multipart upload operations" and "Computing checksums"): parts of 1 MiB times a power of two up to 4 GiB, 10,000 at
most, each with its payload hash and its tree hash; the whole with the tree hash over all.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from datetime import timedelta
from functools import cached_property
from typing import NamedTuple

from glacier_backup.destination.aws.access import Access, region_of, way_in
from glacier_backup.destination.destination import ByteStream, Check, Limits, Progress, RandomAccess
from glacier_backup.destination.multipart import Part, PartSender
from glacier_backup.destination.remarks import Waiting
from glacier_backup.destination.vaults.inventory import NotAnInventory, stored_archives
from glacier_backup.destination.vaults.job import Job
from glacier_backup.destination.vaults.vault import StoredPart, Vault
from glacier_backup.digest import PartDigest, digest_part, join_leaves, tree_hash
from glacier_backup.errors import DestinationError, DestinationUnavailable, NotThawed, UploadLost
from glacier_backup.model.archive import Checksums, Label, Receipt
from glacier_backup.model.naming import describe
from glacier_backup.model.place import Place
from glacier_backup.model.thaw import Stored, Thaw, ThawRequest
from glacier_backup.model.upload import OpenUpload, UploadRequest
from glacier_backup.units import GIB, MIB, now

OWN_ACCOUNT = "-"

LIMITS = Limits(least=1, part=16 * MIB, least_part=MIB, largest_part=4 * GIB, most_parts=10_000)

INVENTORY_LAG = timedelta(days=3)
"""An inventory is taken about once a day, and may be a day old when its job begins (S3 Glacier developer guide,
"Downloading a Vault Inventory in Amazon S3 Glacier"); its job is used for one more. The third is for what "about"
means."""

PIECE = 4 * MIB
"""Bytes of an inventory that are asked for at once."""


class Sent(NamedTuple):
    """One part that is stored."""

    size: int
    digest: PartDigest


class Glacier:
    """One vault. Nothing is connected before it is needed, so that a dry run needs neither credentials nor botocore.

    ``bandwidth`` is in bytes per second. ``waiting`` is told, from any thread, why nothing moves for a while.
    """

    limits = LIMITS
    inventory_lag = INVENTORY_LAG

    def __init__(
        self,
        vault: str,
        account: str,
        access: Access,
        concurrency: int,
        bandwidth: int | None = None,
        waiting: Waiting | None = None,
    ) -> None:
        self._access = access
        self._vault = Vault(vault, account, access, concurrency, waiting)
        self._sender = PartSender(concurrency, bandwidth)
        self._seen_open: set[str] = set()
        """Uploads that were begun or listed here: nobody can have completed them before."""

    @cached_property
    def place(self) -> Place:
        account = self._vault.account
        way = way_in(self._access) if account == OWN_ACCOUNT else ""
        return Place("glacier", self._vault.name, region_of(self._access) or "", account, reached_by=way)

    def identify(self, *, holds_archives: bool) -> Place:
        return self.place.with_account(self._vault.owner())

    def describe(self, label: Label) -> str:
        return describe(label)

    def keeps_versions(self, check: Check) -> bool:
        """Nothing is ever replaced: archives have ids."""
        return True

    def begin(self, request: UploadRequest, check: Check) -> str:
        if request.storage_class is not None:
            raise DestinationError(
                f"{self._vault} has no storage classes, and is no place for what is to be read at once",
                hint="send it to a bucket, a server or a directory; of the catalog's copies: catalog_copy = URL",
            )
        description = describe(request.label)
        begun = self._vault.begin(description, request.part_size, check)
        if begun.tries > 1:
            self._abort_twins(description, begun.id, check)
        self._seen_open.add(begun.id)
        return begun.id

    def _abort_twins(self, description: str, upload: str, check: Check) -> None:
        """An earlier try may have been carried out without our hearing of it. The description says host, path and a
        time in microseconds: what has the same one is ours, of this very archive."""
        try:
            for twin in self._vault.uploads(description, check) - {upload}:
                self._vault.abort(twin, check)
        except DestinationUnavailable:
            raise
        except DestinationError:
            # It may not be looked for, or not be removed: then it expires by itself, and holds no archive.
            return

    def send(self, upload: OpenUpload, stream: ByteStream, progress: Progress) -> Checksums:
        stored = self._stored(upload, lambda: progress(0)) if upload.resumed else {}
        if isinstance(stream, RandomAccess) and stream.size is not None:
            self._refuse_beyond(stored, stream.size)

        def send(part: Part) -> Sent:
            return self._send_part(upload.id, part, stored.get(part.start))

        most = self.limits.most_parts
        sent = self._sender.send(stream, upload.part_size, most, send, progress=progress)
        size = sum(part.size for part in sent)
        if size < self.limits.least:
            raise DestinationError(f"{self._vault} takes no empty archive")
        self._refuse_beyond(stored, size)
        leaves = join_leaves(part.digest for part in sent)
        return Checksums(size, tree_hash(leaves), leaves)

    def _stored(self, upload: OpenUpload, check: Check) -> dict[int, StoredPart]:
        """The stored parts by their first byte."""
        stored = {part.start: part for part in self._vault.parts(upload.id, upload.part_size, check)}
        if any(start % upload.part_size for start in stored):
            raise UploadLost(f"{self._vault}: the upload has parts that don't lie on its grid")
        self._seen_open.add(upload.id)
        return stored

    def _refuse_beyond(self, stored: dict[int, StoredPart], size: int) -> None:
        """A stored part can be replaced, not taken away."""
        if any(start >= size for start in stored):
            raise UploadLost(f"{self._vault}: the upload has parts beyond the archive's {size} bytes")

    def _send_part(self, upload: str, part: Part, stored: StoredPart | None) -> Sent:
        digest = digest_part(part.data)
        if stored == (part.start, part.start + len(part.data) - 1, digest.tree_hash):
            part.kept(len(part.data))
        else:
            self._vault.put(upload, part, digest)
        return Sent(len(part.data), digest)

    def complete(self, upload: OpenUpload, checksums: Checksums, manifest: str, check: Check) -> Receipt:
        """A vault has no place for a ``manifest``: the description says what is needed to rebuild the catalog."""
        maybe_before = upload.id not in self._seen_open
        self._seen_open.discard(upload.id)
        archive = self._vault.complete(
            upload.id, checksums.size, checksums.tree_hash, maybe_before=maybe_before, check=check
        )
        return Receipt(archive, checksums.size, checksums.tree_hash, checksums.leaves, now(), checksums.sha256)

    def abort(self, label: Label, upload_id: str | None, check: Check) -> None:
        ids = self._vault.uploads(describe(label), check) if upload_id is None else {upload_id}
        for upload in ids:
            self._seen_open.discard(upload)
            self._vault.abort(upload, check)

    def thaw(self, request: ThawRequest, check: Check) -> Thaw:
        return _thaw(self._vault.jobs.begin(request, check))

    def thawing(self, thaws: Sequence[Thaw], check: Check) -> Iterator[Thaw]:
        jobs = self._vault.jobs.states([thaw.id for thaw in thaws], check)
        return (_expired(thaw) if job is None else _thaw(job) for thaw, job in zip(thaws, jobs, strict=True))

    def fetch(self, thaw: Thaw, start: int, buffer: memoryview, check: Check) -> int:
        job = self._vault.jobs.ready(thaw.id, check)
        if job.archive != thaw.locator:
            raise NotThawed(f"{self._vault}: job {thaw.id} is for something else", hint="ask for it again")
        if start < job.start or (job.end is not None and start + len(buffer) > job.end):
            raise NotThawed(f"{self._vault}: job {thaw.id} is for other bytes", hint="ask for these, too")
        return self._vault.jobs.read(job, start - job.start, buffer, check)

    def inventory(self, thaw: Thaw, check: Check, *, newest: bool = False) -> Iterator[Stored]:
        job = self._vault.jobs.ready(thaw.id, check)
        try:
            yield from stored_archives(self._output(job, check))
        except NotAnInventory as error:
            raise DestinationError(f"{self._vault}: the inventory can't be read: {error}") from error

    def _output(self, job: Job, check: Check) -> Iterator[bytes]:
        """All output of a job. One request for each piece: none stays open while somebody thinks about its archives."""
        buffer = memoryview(bytearray(PIECE))
        for offset in range(0, job.size, PIECE):
            yield bytes(buffer[: self._vault.jobs.read(job, offset, buffer, check)])

    def examine(self, stored: Stored, check: Check) -> Stored:
        """Of a single archive a vault tells no more than its inventory does."""
        return stored

    def delete(self, locator: str, check: Check) -> None:
        self._vault.delete(locator, check)

    def expire(self, locator: str, check: Check) -> bool:
        return False

    def close(self) -> None:
        self._sender.close()
        self._vault.close()


def _thaw(job: Job) -> Thaw:
    return Thaw(job.archive, job.id, job.state, job.start, job.end, job.until, job.cause)


def _expired(thaw: Thaw) -> Thaw:
    return replace(thaw, state="failed", until=None, cause="expired: a vault keeps what it made readable for a day")
