"""CompleteMultipartUpload: the parts become an archive, once, however often it is asked for."""

from __future__ import annotations

from typing import Any, NoReturn

from . import rules, treehash
from .archive_operations import archive_created
from .checksums import TREE
from .context import Context
from .errors import invalid, not_found
from .request import Request, Response
from .routes import Call
from .upload import Upload

SIZE = "x-amz-archive-size"


def complete_multipart_upload(context: Context, request: Request, call: Call) -> Response:
    """Source: botocore CompleteMultipartUpload. A refused call leaves the upload open (developer guide, same page)."""
    upload = context.uploads.find(call.vault, call.item)
    size = rules.number(SIZE, request.need(SIZE))
    tree_hash = rules.sha256(TREE, request.need(TREE))
    if upload:
        with upload.lock:
            before = _completed(context, call) or _complete(context, call, upload, size, tree_hash)
    else:
        before = _completed(context, call) or _missing(call)
    if (before["size"], before["sha256_tree_hash"]) != (size, tree_hash):
        raise invalid("the upload was completed with another size or tree hash")
    return archive_created(context, call.vault, before["archive"], tree_hash)


def _missing(call: Call) -> NoReturn:
    raise not_found("upload", call.item)


def _completed(context: Context, call: Call) -> dict[str, Any] | None:
    before = context.uploads.finished(call.vault, call.item)
    return before if before and before["state"] == "completed" else None


def _complete(context: Context, call: Call, upload: Upload, size: int, tree_hash: str) -> dict[str, Any]:
    upload.check_open()
    leaves = _leaves(upload, size)
    found = treehash.root(leaves).hex()
    if found != tree_hash:
        raise invalid(f"{TREE} is {tree_hash} in the request, {found} over the parts")
    upload.end()
    archive = context.archives.add(call.vault, upload.data, upload.description, size, leaves, upload.id)
    outcome = outcome_of(archive)
    context.uploads.close(call.vault, upload, outcome)
    return outcome


def outcome_of(archive: dict[str, Any]) -> dict[str, Any]:
    """What is remembered of the upload that became that archive."""
    described = {name: archive[name] for name in ("size", "sha256_tree_hash")}
    return {"state": "completed", "archive": archive["id"], **described}


def _leaves(upload: Upload, size: int) -> list[bytes]:
    """The leaves of the whole archive, read from the parts' records; refuses gaps, short parts and another sum."""
    starts = upload.starts()
    if not starts:
        raise invalid("the upload has no parts")
    leaves: list[bytes] = []
    end = 0
    for start in starts:
        part = upload.part(start) or {"end": -1, "leaves": ""}
        if start != end:
            # Also where a part before the last is short: botocore UploadMultipartPart, "Part size does not match".
            raise invalid(f"bytes {end}-{start - 1} were not uploaded")
        leaves += treehash.split(bytes.fromhex(part["leaves"]))
        end = part["end"] + 1
    if end != size:
        raise invalid(f"{SIZE} is {size} in the request, the parts have {end} bytes")
    return leaves
