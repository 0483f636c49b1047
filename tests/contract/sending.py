"""The three steps of sending, for tests."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime

from glacier_backup.destination.destination import ByteStream, Destination, Progress
from glacier_backup.model.archive import Label, Receipt
from glacier_backup.model.upload import OpenUpload, UploadRequest
from glacier_backup.units import MIB

LABEL = Label(
    name="photos.tar",
    path="/data/photos",
    host="nas",
    kind="directory",
    container="tar",
    time=datetime(2026, 3, 21, 4, 0, 0, 123456, UTC),
    recipe_id="0123456789ab",
)
OTHER = replace(LABEL, time=datetime(2026, 3, 21, 4, 0, 0, 123457, UTC))
"""The same path a microsecond later: another archive."""

MANIFEST = '{"format": "x"}\n'


def nothing(_count: int = 0) -> None:
    """A check, and a progress, that lets everything go on."""


def begin(destination: Destination, label: Label = LABEL, part_size: int = MIB) -> OpenUpload:
    return OpenUpload(label, destination.begin(UploadRequest(label, part_size), nothing), part_size)


def resumed(upload: OpenUpload) -> OpenUpload:
    """The upload as a later process finds it in its catalog."""
    return replace(upload, resumed=True)


def send(
    destination: Destination,
    stream: ByteStream,
    label: Label = LABEL,
    part_size: int = MIB,
    progress: Progress = nothing,
) -> Receipt:
    """All three steps."""
    upload = begin(destination, label, part_size)
    return destination.complete(upload, destination.send(upload, stream, progress), MANIFEST, nothing)
