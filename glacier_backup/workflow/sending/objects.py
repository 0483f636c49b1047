"""The objects of an archive that is sealed in volumes, one at a time: begin → send → complete, each step in the catalog
before the next begins."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

from glacier_backup.destination.destination import ByteStream
from glacier_backup.errors import DestinationError, DestinationUnavailable, UploadForgotten, UploadLost
from glacier_backup.model.archive import Checksums, Label, Receipt
from glacier_backup.model.stored import StoredVolume
from glacier_backup.model.upload import OpenUpload, Unfinished, UploadRequest
from glacier_backup.workflow.sending import undoing
from glacier_backup.workflow.sending.desk import Meter, Sending
from glacier_backup.workflow.sending.way import Way

IN_DOUBT = (
    "the destination can't tell whether {name} was stored by an earlier try; it is sent again, and may be there twice"
)


@dataclass(frozen=True, slots=True)
class Payload:
    """What one object consists of."""

    label: Label
    stream: ByteStream
    most: int
    """Bytes, at most."""
    estimate: int | None
    """Bytes, as far as known."""
    repeatable: bool
    """Whether it is, byte for byte, what may have been begun to be sent."""
    hmac_sha256: Callable[[], str | None] = lambda: None
    """Once all was read; so the next."""
    slice_sha256: Callable[[], str | None] = lambda: None
    tree_hash: str | None = None
    """What it has to be, where that is known."""
    storage_class: str | None = None


class Objects:
    """What is stored of one archive and what is on its way, as the catalog has it."""

    def __init__(self, sending: Sending, left: Unfinished) -> None:
        self._sending = sending
        self.left = left

    @property
    def stored(self) -> tuple[StoredVolume, ...]:
        return self.left.stored

    def volume(self, number: int) -> StoredVolume | None:
        """The data of that volume, where it is stored."""
        return next((one for one in self.stored if one.role == "data" and one.volume == number), None)

    def has(self, suffix: str) -> bool:
        """Whether the object with that suffix is stored."""
        return any(one.suffix == suffix for one in self.stored)

    def put(self, payload: Payload, way: Way, meter: Meter) -> None:
        """Store one more, on from where it was left if that can be; it is recorded then.

        UploadLost and UploadForgotten leave those that are stored for another try, which sends this one anew; so does
        any other DestinationError. Interrupted, DestinationUnavailable, CatalogError and what the stream raises leave
        this one, too.
        """
        upload = self._going_on(payload) or self._begun(payload, way)
        try:
            checksums = self._sending.destination.send(upload, payload.stream, meter)
            if payload.tree_hash not in (None, checksums.tree_hash):
                raise UploadLost("it was changed on the disk while it was sent")
        except DestinationUnavailable:
            raise
        except DestinationError:
            self.drop_under_way()
            raise
        checksums = replace(checksums, hmac_sha256=payload.hmac_sha256())
        slice_sha256 = payload.slice_sha256()
        self._sending.catalog.object_sent(self.left.archive, checksums, slice_sha256)
        self._complete(upload, checksums, slice_sha256)

    def complete(self) -> None:
        """Make an object of what an earlier run has sent in whole, or find it made already. Raises as :meth:`put`."""
        upload, checksums = self.left.upload, self.left.checksums
        if upload is None or checksums is None:
            raise ValueError("not all of it was sent")
        # What went into it only the catalog knows.
        self._complete(upload, checksums, None)

    def remove(self, number: int) -> None:
        """A volume that is stored, and its parity, to be sent anew. Raises DestinationError."""
        for one in reversed([one for one in self.stored if one.volume == number and one.role != "manifest"]):
            self._sending.destination.delete(one.locator, self._sending.check)
            self._sending.catalog.object_gone(self.left.archive, one.number)
            self.left = replace(self.left, stored=tuple(other for other in self.stored if other is not one))

    def drop_under_way(self) -> None:
        """Raises DestinationUnavailable, Interrupted and CatalogError."""
        self.left = undoing.drop_object(self._sending, self.left)

    def _going_on(self, payload: Payload) -> OpenUpload | None:
        there, wanted = self.left.object, payload.label
        if there is None:
            return None
        same = (there.role, there.volume, there.suffix) == (wanted.role, wanted.volume, wanted.suffix)
        upload = self.left.upload
        if same and payload.repeatable and upload is not None:
            self._sending.catalog.opened(self.left.archive, upload.id)
            return upload
        self.drop_under_way()
        return None

    def _begun(self, payload: Payload, way: Way) -> OpenUpload:
        sending, label = self._sending, payload.label
        size = way.part_size(payload.most, sending.destination.limits)
        sending.catalog.begin_object(self.left.archive, label, size)
        self.left = replace(self.left, object=label, part_size=size, upload_id=None, checksums=None)
        estimate = None if way.outgrown else payload.estimate
        request = UploadRequest(label, size, estimate, payload.storage_class)
        try:
            upload = OpenUpload(label, sending.destination.begin(request, sending.check), size)
        except DestinationUnavailable:
            raise
        except DestinationError:
            self.drop_under_way()
            raise
        sending.catalog.opened(self.left.archive, upload.id)
        self.left = replace(self.left, upload_id=upload.id)
        return upload

    def _complete(self, upload: OpenUpload, checksums: Checksums, slice_sha256: str | None) -> None:
        sending, label = self._sending, upload.label
        try:
            receipt = sending.destination.complete(upload, checksums, "", sending.check)
        except UploadForgotten:
            # Told first: killed between the two, the next run tells it again, and not nobody.
            sending.warn(label.path, IN_DOUBT.format(name=label.name + label.suffix))
            self._forget()
            raise
        except DestinationUnavailable:
            raise
        except DestinationError:
            self.drop_under_way()
            raise
        sending.catalog.object_stored(self.left.archive, receipt)
        number = max((one.number for one in self.stored), default=0) + 1
        one = _stored(number, label, receipt, checksums.hmac_sha256, slice_sha256)
        self._forget_in_memory((*self.stored, one))

    def _forget(self) -> None:
        self._sending.catalog.drop_object(self.left.archive)
        self._forget_in_memory(self.stored)

    def _forget_in_memory(self, stored: tuple[StoredVolume, ...]) -> None:
        self.left = replace(self.left, object=None, upload_id=None, checksums=None, stored=stored)


def _stored(
    number: int, label: Label, receipt: Receipt, hmac_sha256: str | None, slice_sha256: str | None
) -> StoredVolume:
    """As the catalog would tell it."""
    return StoredVolume(
        number=number,
        locator=receipt.locator,
        size=receipt.size,
        tree_hash=receipt.tree_hash,
        stored_at=receipt.stored_at,
        sha256=receipt.sha256,
        crc64nvme=receipt.crc64nvme,
        storage_class=receipt.storage_class,
        has_leaves=True,
        role=label.role,
        volume=label.volume,
        suffix=label.suffix,
        hmac_sha256=hmac_sha256,
        slice_sha256=slice_sha256,
    )
