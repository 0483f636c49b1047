"""Which operation a method and a path mean. Source: botocore, `http` of each operation."""

from __future__ import annotations

from dataclasses import dataclass
from urllib.parse import unquote

_OPERATIONS = {
    ("GET", "/*/vaults"): "ListVaults",
    ("PUT", "/*/vaults/*"): "CreateVault",
    ("GET", "/*/vaults/*"): "DescribeVault",
    ("DELETE", "/*/vaults/*"): "DeleteVault",
    ("POST", "/*/vaults/*/archives"): "UploadArchive",
    ("DELETE", "/*/vaults/*/archives/*"): "DeleteArchive",
    ("POST", "/*/vaults/*/multipart-uploads"): "InitiateMultipartUpload",
    ("GET", "/*/vaults/*/multipart-uploads"): "ListMultipartUploads",
    ("PUT", "/*/vaults/*/multipart-uploads/*"): "UploadMultipartPart",
    ("POST", "/*/vaults/*/multipart-uploads/*"): "CompleteMultipartUpload",
    ("DELETE", "/*/vaults/*/multipart-uploads/*"): "AbortMultipartUpload",
    ("GET", "/*/vaults/*/multipart-uploads/*"): "ListParts",
    ("POST", "/*/vaults/*/jobs"): "InitiateJob",
    ("GET", "/*/vaults/*/jobs"): "ListJobs",
    ("GET", "/*/vaults/*/jobs/*"): "DescribeJob",
    ("GET", "/*/vaults/*/jobs/*/output"): "GetJobOutput",
}
OPERATIONS = frozenset(_OPERATIONS.values())


@dataclass(frozen=True)
class Call:
    """An operation and what its path names: the account, the vault, and the archive, upload or job (`item`)."""

    operation: str
    account: str
    vault: str = ""
    item: str = ""


def find(method: str, path: str) -> Call | None:
    """The call that a request is, or None where there is no such operation."""
    segments = [unquote(segment) for segment in path.split("/")[1:]]
    shape = "".join("/" + (segment if at % 2 else "*") for at, segment in enumerate(segments))
    operation = _OPERATIONS.get((method, shape))
    return Call(operation, *segments[::2]) if operation else None
