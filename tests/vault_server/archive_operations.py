"""UploadArchive and DeleteArchive."""

from __future__ import annotations

import tempfile
from pathlib import Path

from . import rules
from .body import receive
from .checksums import check_received, needed_hashes
from .context import Context
from .request import Request, Response
from .routes import Call


def upload_archive(context: Context, request: Request, call: Call) -> Response:
    """Source: botocore UploadArchive, UploadArchiveInput, ArchiveCreationOutput."""
    vault = context.vaults.require(call.vault)
    description = rules.description(request.header("x-amz-archive-description"))
    hashes = needed_hashes(request)
    rules.single_upload_size(request.body.left)
    with tempfile.NamedTemporaryFile(dir=vault / "incoming", delete=False) as file:
        path = Path(file.name)
        try:
            received = receive(request.body, file.write)
            file.flush()
            check_received(hashes, received)
            archive = context.archives.add(call.vault, path, description, received.size, received.leaves, None)
        finally:
            path.unlink(missing_ok=True)
    return archive_created(context, call.vault, archive["id"], received.tree_hash)


def archive_created(context: Context, vault: str, archive: str, tree_hash: str) -> Response:
    """The answer to an archive's creation. Source: botocore ArchiveCreationOutput."""
    headers = {
        "Location": f"/{context.account}/vaults/{vault}/archives/{archive}",
        "x-amz-archive-id": archive,
        "x-amz-sha256-tree-hash": tree_hash,
    }
    return Response(201, headers)


def delete_archive(context: Context, request: Request, call: Call) -> Response:
    """Source: botocore DeleteArchive."""
    context.archives.delete(call.vault, call.item)
    return Response(204)
