"""What the tests of the vault destination share."""

from __future__ import annotations

from glacier_backup.destination.aws.access import Access
from glacier_backup.destination.destination import Progress
from glacier_backup.destination.glacier import Glacier
from glacier_backup.model.archive import Checksums, Receipt
from glacier_backup.model.upload import OpenUpload
from glacier_backup.units import MIB
from tests.contract.sending import begin, nothing
from tests.streams import BytesStream, noise
from tests.vault_server.process import VaultServer

DATA = noise(5 * MIB + 7)


def glacier_at(server: VaultServer, vault: str, concurrency: int = 3) -> Glacier:
    """A destination as a new process makes it."""
    return Glacier(vault, "-", Access(endpoint_url=server.endpoint_url), concurrency)


def send(glacier: Glacier, data: bytes = b"content", progress: Progress = nothing) -> Receipt:
    """All steps in one go."""
    upload = begin(glacier)
    return glacier.complete(upload, glacier.send(upload, BytesStream(data), progress), "{}\n", nothing)


def half_sent(glacier: Glacier, data: bytes = DATA, parts: int = 3) -> OpenUpload:
    """An upload whose process died when that many parts were stored."""
    upload = begin(glacier)
    glacier.send(upload, BytesStream(data[: parts * MIB]), nothing)
    return upload


def complete(glacier: Glacier, upload: OpenUpload, checksums: Checksums) -> str:
    return glacier.complete(upload, checksums, "{}\n", nothing).locator
