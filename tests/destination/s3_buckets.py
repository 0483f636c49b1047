"""What the tests of the S3 destination share."""

from __future__ import annotations

from dataclasses import replace

from glacier_backup.destination.s3 import S3
from glacier_backup.model.archive import Checksums, Label, Receipt
from glacier_backup.model.upload import OpenUpload, UploadRequest
from glacier_backup.units import MIB
from tests.contract.sending import LABEL, MANIFEST, nothing
from tests.s3_servers.fixtures import PREFIX, Store
from tests.streams import BytesStream

KEY = f"{PREFIX}/nas/data/photos/20260321T040000.123456Z.tar"
"""Of :data:`LABEL`."""

IN_TREE = replace(LABEL, path="/photos/a.jpg", kind="file", container="raw", fixed_key="nas/photos/a.jpg", mtime_ns=7)
TREE_KEY = f"{PREFIX}/nas/photos/a.jpg"


def s3_at(store: Store, concurrency: int = 3, **options: object) -> S3:
    """A destination as a new process makes it."""
    return S3(store.bucket, PREFIX, store.access, concurrency, **options)  # type: ignore[arg-type]  # as a test says


def begin(s3: S3, size: int | None, label: Label = LABEL, part_size: int = MIB) -> OpenUpload:
    """An upload of so many bytes; of an unknown number for None."""
    return OpenUpload(label, s3.begin(UploadRequest(label, part_size, size), nothing), part_size)


def held(s3: S3, data: bytes, label: Label = LABEL) -> tuple[OpenUpload, Checksums]:
    """An archive that only has to be completed."""
    upload = begin(s3, len(data), label)
    return upload, s3.send(upload, BytesStream(data), nothing)


def in_parts(s3: S3, data: bytes, label: Label = LABEL) -> tuple[OpenUpload, Checksums]:
    """The same of one whose parts are all stored."""
    upload = begin(s3, None, label)
    return upload, s3.send(upload, BytesStream(data), nothing)


def complete(s3: S3, sent: tuple[OpenUpload, Checksums]) -> Receipt:
    return s3.complete(*sent, MANIFEST, nothing)
