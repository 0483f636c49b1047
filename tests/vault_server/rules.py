"""The rules for single values: what a name, a description, a size or a range may be. Pure; each raises `ApiError`."""

from __future__ import annotations

import re

from .errors import invalid
from .treehash import LEAF_SIZE, leaf_span

MAX_DESCRIPTION = 1024
MAX_PART_SIZE = 4 << 30
MAX_PARTS = 10_000
MAX_SINGLE_UPLOAD = 4 << 30
VERSION = "2012-06-01"

_VAULT_NAME = re.compile(r"[A-Za-z0-9_.-]{1,255}")
_PRINTABLE = re.compile(r"[\x20-\x7e]*")
_NUMBER = re.compile(r"[0-9]{1,18}")
_SHA256 = re.compile(r"[0-9a-fA-F]{64}")
_CONTENT_RANGE = re.compile(r"bytes ([0-9]{1,18})-([0-9]{1,18})/\*")
_BYTE_RANGE = re.compile(r"([0-9]{1,18})-([0-9]{1,18})")
_DOWNLOAD_RANGE = re.compile(r"bytes=([0-9]{1,18})-([0-9]{0,18})")


def version(text: str) -> None:
    """The API version. Source: botocore metadata apiVersion; developer guide "Common Request Headers"."""
    if text != VERSION:
        raise invalid(f"x-amz-glacier-version has to be {VERSION}, not {text}")


def vault_name(text: str) -> str:
    """A vault's name. Source: botocore CreateVault documentation (length and alphabet)."""
    if not _VAULT_NAME.fullmatch(text) or text in (".", ".."):
        raise invalid(f"a vault name has 1 to 255 characters of A-Z, a-z, 0-9, '_', '-' and '.': {text!r}")
    return text


def description(text: str | None) -> str:
    """An archive's or a job's description, "" for none.

    Source: botocore UploadArchive documentation (1,024 printable ASCII characters) and JobParameters$Description
    (0x20-0x7E). Leading spaces are gone by then: developer guide "Initiate Multipart Upload".
    """
    text = text or ""
    if len(text) > MAX_DESCRIPTION:
        raise invalid(f"a description has at most {MAX_DESCRIPTION} characters, not {len(text)}")
    if not _PRINTABLE.fullmatch(text):
        raise invalid("a description has only the characters 0x20 to 0x7E")
    return text


def part_size(text: str) -> int:
    """A multipart upload's part size. Source: botocore InitiateMultipartUpload documentation."""
    size = number("x-amz-part-size", text)
    if not LEAF_SIZE <= size <= MAX_PART_SIZE or size & (size - 1):
        raise invalid(f"a part size is 1 MiB times a power of two, up to 4 GiB: {text}")
    return size


def number(name: str, text: str) -> int:
    """A whole number in decimal digits."""
    if not _NUMBER.fullmatch(text):
        raise invalid(f"{name} is not a number: {text!r}")
    return int(text)


def sha256(name: str, text: str) -> str:
    """A SHA-256 digest in hex, given back in lower case."""
    if not _SHA256.fullmatch(text):
        raise invalid(f"{name} is not a SHA-256 digest in hex: {text!r}")
    return text.lower()


def part_range(text: str, grid: int, length: int) -> tuple[int, int]:
    """A part's first and last byte (inclusive), on an upload's grid of parts of `grid` bytes.

    Source: botocore UploadMultipartPart documentation ("Part size does not match", "Range does not align", 10,000
    parts) and UploadMultipartPartInput$range. An empty part has no such range: its last byte would come before its
    first.
    """
    match = _CONTENT_RANGE.fullmatch(text)
    if not match:
        raise invalid(f"Content-Range is not like 'bytes 0-1048575/*': {text!r}")
    first, last = int(match[1]), int(match[2])
    if last < first:
        raise invalid(f"the range {first}-{last} is empty")
    if last - first + 1 != length:
        raise invalid(f"the range {first}-{last} does not have the {length} bytes of the body")
    if first % grid or length > grid:
        raise invalid(f"the range {first}-{last} does not lie on a grid of parts of {grid} bytes")
    if first // grid >= MAX_PARTS:
        raise invalid(f"an upload has at most {MAX_PARTS} parts")
    return first, last


def single_upload_size(length: int) -> int:
    """The size of an archive sent in one request. Source: developer guide "Uploading an Archive": 1 byte to 4 GB."""
    if not 1 <= length <= MAX_SINGLE_UPLOAD:
        raise invalid(f"an archive sent in one request has 1 byte to 4 GiB, not {length}")
    return length


def retrieval_range(text: str | None, size: int) -> tuple[int, int]:
    """The first and last byte a retrieval job makes ready. Source: botocore JobParameters$RetrievalByteRange."""
    if text is None:
        return 0, size - 1
    match = _BYTE_RANGE.fullmatch(text)
    if not match:
        raise invalid(f"RetrievalByteRange is not like '0-1048575': {text!r}")
    first, last = int(match[1]), int(match[2])
    if not first <= last < size or leaf_span(first, last, size) is None:
        raise invalid(f"RetrievalByteRange {text} is not megabyte aligned within an archive of {size} bytes")
    return first, last


def download_range(text: str, size: int) -> tuple[int, int]:
    """The first and last byte of `size` bytes of job output. Source: botocore GetJobOutputInput$range."""
    match = _DOWNLOAD_RANGE.fullmatch(text)
    if not match:
        raise invalid(f"Range is not like 'bytes=0-1048575': {text!r}")
    first = int(match[1])
    last = min(int(match[2]), size - 1) if match[2] else size - 1
    if last < first:
        raise invalid(f"Range {text} holds nothing of an output of {size} bytes")
    return first, last
