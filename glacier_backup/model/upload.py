"""Archives on their way: begun, and not yet known to be stored."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from glacier_backup.model.archive import ArchiveRecord, Checksums, Label
from glacier_backup.model.stored import StoredVolume


@dataclass(frozen=True, slots=True)
class UploadRequest:
    """An upload that is to be begun."""

    label: Label
    part_size: int
    """Bytes; a power of two times 1 MiB, within the destination's limits."""
    estimate: int | None = None
    """Bytes of the stream; None where that is unknown, or turned out wrong."""
    storage_class: str | None = None
    """As S3 names them; None: the one that the destination is set to."""


@dataclass(frozen=True, slots=True)
class OpenUpload:
    """An upload as its destination knows it: all that going on with it takes, in this process or a later one."""

    label: Label
    id: str
    """What :meth:`~glacier_backup.destination.destination.Destination.begin` returned."""
    part_size: int
    """Bytes."""
    resumed: bool = False
    """Whether an earlier process began it, so that parts of it may be stored."""


@dataclass(frozen=True, slots=True)
class Unfinished:
    """What the catalog knows of an archive whose sending was begun, and didn't end as far as it was told."""

    archive: int
    """Its id in the catalog."""
    record: ArchiveRecord
    """As it was intended, without receipts; problems and what changed are known once there are checksums."""
    part_size: int
    """Bytes."""
    upload_id: str | None
    """None where the process died before it heard what the destination calls the upload."""
    begun: datetime
    """Or last gone on with."""
    """When it was intended."""
    checksums: Checksums | None = None
    """Known once every part is stored: all that is left is to complete it, and perhaps that was done."""
    object: Label | None = None
    """Of an archive of several objects the label of the one that is on its way; None between two of them, and where the
    archive is one object, whose label is the record's."""
    stored: tuple[StoredVolume, ...] = ()
    """Objects that are stored already, of an archive of several."""

    @property
    def label(self) -> Label:
        """Of the object that is on its way."""
        return self.object or self.record.label

    @property
    def upload(self) -> OpenUpload | None:
        """What the destination needs to go on; None where its id was never heard."""
        if self.upload_id is None:
            return None
        return OpenUpload(self.label, self.upload_id, self.part_size, resumed=True)
