"""The two checksums that every upload carries.

Source: botocore UploadMultipartPart documentation ("SHA256 tree hash does not match"); developer guide "Upload Part"
and "Computing Checksums" (the linear one is required, too).
"""

from __future__ import annotations

from dataclasses import dataclass

from . import rules
from .body import Received
from .errors import invalid
from .request import Request

LINEAR = "x-amz-content-sha256"
TREE = "x-amz-sha256-tree-hash"


@dataclass(frozen=True)
class Hashes:
    """What the client says of its body: SHA-256 and tree hash, in hex."""

    linear: str
    tree: str


def needed_hashes(request: Request) -> Hashes:
    """Both headers; refuses a request without one or with something else than a SHA-256 digest in it."""
    return Hashes(rules.sha256(LINEAR, request.need(LINEAR)), rules.sha256(TREE, request.need(TREE)))


def check_received(hashes: Hashes, received: Received) -> None:
    """Refuse a body that is not what the headers say."""
    for name, said, found in ((LINEAR, hashes.linear, received.sha256), (TREE, hashes.tree, received.tree_hash)):
        if said != found:
            raise invalid(f"{name} is {said} in the request, {found} over the body that came")
