"""Objects on their way into a bucket, and the parts of uploads."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple

from glacier_backup.destination.buckets.crc64 import Sum

if TYPE_CHECKING:
    from mypy_boto3_s3.type_defs import CompletedPartTypeDef

MD5 = re.compile(r"[0-9a-f]{32}")


class Uploaded(NamedTuple):
    """One part of an upload that the bucket has."""

    number: int
    """From 0."""
    size: int
    """Bytes."""
    etag: str
    crc: str | None
    """Base64; None where the store doesn't say it."""

    def holds(self, data: memoryview, summed: Sum) -> bool:
        """Whether it is these bytes."""
        if self.size != summed.size:
            return False
        return self.crc == summed.text if self.crc else self.etag == md5(data)


class Begun(NamedTuple):
    """An upload that was begun."""

    id: str
    tries: int
    """Requests made for it; after more than one there may be another upload, whose id was never heard."""


class Written(NamedTuple):
    """The answer to what was written."""

    shown: bool
    """Whether it shows that the right bytes are there."""
    version: str | None
    """What the object is called among the versions of its key; None where no versions are kept."""


def version_of(told: str | None) -> str | None:
    """A version as an answer names it; what is written where no more versions are kept is replaced by the next, and
    called ``null`` (S3 user guide, "Adding objects to versioning-suspended buckets")."""
    return None if told == "null" else told or None


@dataclass(frozen=True, slots=True)
class Object:
    """An object that is to be written."""

    key: str
    storage_class: str
    metadata: Mapping[str, str]
    """ASCII, 2 KB at most (S3 user guide, "Working with object metadata")."""
    only_new: bool
    """Whether it must not replace another."""


def completed(part: Uploaded) -> CompletedPartTypeDef:
    """A part as the request to complete an upload names it."""
    one: CompletedPartTypeDef = {"PartNumber": part.number + 1, "ETag": f'"{part.etag}"'}
    if part.crc:
        one["ChecksumCRC64NVME"] = part.crc
    return one


def md5(data: bytes | memoryview) -> str:
    """Hex: what many stores call the ETag."""
    return hashlib.md5(data, usedforsecurity=False).hexdigest()
