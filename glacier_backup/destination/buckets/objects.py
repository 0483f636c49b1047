"""One object in a bucket, looked at without reading it."""

from __future__ import annotations

from base64 import b64decode
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from re import search
from typing import TYPE_CHECKING

from glacier_backup.destination.aws.errors import error_message
from glacier_backup.destination.aws.requests import Meanings
from glacier_backup.destination.buckets.keys import At
from glacier_backup.destination.buckets.requests import DENIED, NOT_FOUND, BucketRequests
from glacier_backup.destination.buckets.values import version_of
from glacier_backup.destination.destination import Check
from glacier_backup.errors import DestinationError

if TYPE_CHECKING:
    from mypy_boto3_s3.client import S3Client
    from mypy_boto3_s3.type_defs import HeadObjectOutputTypeDef, HeadObjectRequestTypeDef

COLD = frozenset({"GLACIER", "DEEP_ARCHIVE"})
"""Classes whose objects have to be thawed before they are read."""


class Hidden(DestinationError):
    """The credentials may not see whether it is there."""


@dataclass(frozen=True, slots=True)
class Found:
    """An object that is there."""

    size: int
    """Bytes."""
    etag: str
    stored_at: datetime
    storage_class: str
    version: str | None = None
    """Where versions are kept."""
    crc: str | None = None
    """Base64, of the whole; where the store says it."""
    sha256: str | None = None
    """Linear, hex, of the whole; where somebody had the store compute it."""
    description: str | None = None
    """As we gave it to the object."""
    tree_hash: str | None = None
    """Likewise."""
    metadata: Mapping[str, str] = field(default_factory=dict)
    """All that whoever made it had it say, names in small letters."""
    cold: bool = False
    """Whether it can't be read unless it is thawed."""
    thawing: bool = False
    thawed_until: datetime | None = None
    """How long there is a copy to be read."""


def find(requests: BucketRequests, at: At, check: Check) -> Found | None:
    """The object there. Raises Hidden, and as any request does.

    Without the permission to list the bucket, one that isn't there is hidden too (API reference, HeadObject).
    """
    parameters: HeadObjectRequestTypeDef = {"Bucket": requests.bucket, "Key": at.key, "ChecksumMode": "ENABLED"}
    if at.version is not None:
        parameters["VersionId"] = at.version

    def head(aws: S3Client) -> Found:
        return _found(aws.head_object(**parameters))

    def missing(error: Exception) -> DestinationError:
        return _Missing(at.locator)

    def hidden(error: Exception) -> DestinationError:
        permission = "s3:GetObject" if at.version is None else "s3:GetObjectVersion"
        return Hidden(
            f"s3://{requests.bucket}/{at.locator} can't be looked at: HeadObject was refused: {error_message(error)}",
            hint=f"the credentials lack {permission}, or s3:ListBucket and there is none; see docs/s3.md",
        )

    meanings: Meanings = {**dict.fromkeys(missing_codes(at), missing), **dict.fromkeys(DENIED, hidden)}
    try:
        return requests.ask(head, check, meanings)
    except _Missing:
        return None


def missing_codes(at: At) -> tuple[str, ...]:
    """What a store says where nothing is: of a version it can be that it is the mark of a deletion (HeadObject)."""
    return NOT_FOUND if at.version is None else (*NOT_FOUND, "NoSuchVersion", "MethodNotAllowed", "405")


class _Missing(DestinationError):
    pass


def _found(answer: HeadObjectOutputTypeDef) -> Found:
    # Some stores hand out names with capitals.
    metadata = {name.lower(): value for name, value in answer["Metadata"].items()}
    storage_class = answer.get("StorageClass") or "STANDARD"
    thawing, until = restore_state(answer.get("Restore", ""))
    whole = answer.get("ChecksumType", "FULL_OBJECT") == "FULL_OBJECT"
    return Found(
        size=answer["ContentLength"],
        etag=answer["ETag"].strip('"'),
        stored_at=answer["LastModified"].astimezone(UTC),
        storage_class=storage_class,
        version=version_of(answer.get("VersionId")),
        crc=answer.get("ChecksumCRC64NVME") if whole else None,
        sha256=_hex(answer.get("ChecksumSHA256")) if whole else None,
        description=metadata.get("description"),
        tree_hash=metadata.get("tree-hash"),
        metadata=metadata,
        cold=storage_class in COLD or bool(answer.get("ArchiveStatus")),
        thawing=thawing,
        thawed_until=until,
    )


def _hex(told: str | None) -> str | None:
    """A SHA-256 as an answer has it, base64. That of an object made of parts has their number behind it, and is none of
    the whole."""
    try:
        digest = b64decode(told or "", validate=True)
    except ValueError:
        return None
    return digest.hex() if len(digest) == 32 else None


def restore_state(header: str) -> tuple[bool, datetime | None]:
    """What ``x-amz-restore`` says (API reference, HeadObject): whether a thaw is under way, and until when there is a
    copy."""
    if 'ongoing-request="true"' in header:
        return True, None
    date = search(r'expiry-date="([^"]+)"', header)
    return False, parsedate_to_datetime(date[1]).astimezone(UTC) if date else None
