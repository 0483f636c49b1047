"""What the tests of the vault destination share."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime

from glacier_backup.destination.aws import Access
from glacier_backup.destination.destination import Progress
from glacier_backup.destination.glacier import Glacier
from glacier_backup.model.archive import Checksums, Label, Receipt
from glacier_backup.model.upload import OpenUpload
from glacier_backup.units import MIB
from tests.streams import BytesStream, noise
from tests.vault_server.process import VaultServer

LABEL = Label(
    name="photos.tar",
    path="/data/photos",
    host="nas",
    kind="directory",
    container="tar",
    time=datetime(2026, 3, 21, 4, 0, 0, 123456, UTC),
    recipe_id="0123456789ab",
)

DATA = noise(5 * MIB + 7)


def nothing(_count: int = 0) -> None:
    return


def glacier_at(server: VaultServer, vault: str, concurrency: int = 3) -> Glacier:
    """A destination as a new process makes it."""
    return Glacier(vault, "-", Access(endpoint_url=server.endpoint_url), concurrency)


def begun(glacier: Glacier, label: Label = LABEL, part_size: int = MIB) -> OpenUpload:
    return OpenUpload(label, glacier.begin(label, part_size, nothing), part_size)


def send(glacier: Glacier, data: bytes = b"content", progress: Progress = nothing) -> Receipt:
    """All steps in one go."""
    upload = begun(glacier)
    return glacier.complete(upload, glacier.send(upload, BytesStream(data), progress), "{}\n", nothing)


def resumed(upload: OpenUpload) -> OpenUpload:
    """The upload as the catalog hands it to a later process."""
    return replace(upload, resumed=True)


def half_sent(glacier: Glacier, data: bytes = DATA, parts: int = 3) -> OpenUpload:
    """An upload whose process died when that many parts were stored."""
    upload = begun(glacier)
    glacier.send(upload, BytesStream(data[: parts * MIB]), nothing)
    return upload


def complete(glacier: Glacier, upload: OpenUpload, checksums: Checksums) -> str:
    return glacier.complete(upload, checksums, "{}\n", nothing).locator
