"""InitiateMultipartUpload, UploadMultipartPart, AbortMultipartUpload, ListMultipartUploads, ListParts."""

from __future__ import annotations

from typing import Any

from . import paging, rules
from .body import receive
from .checksums import check_received, needed_hashes
from .context import Context
from .errors import not_found
from .request import Request, Response, json_response
from .routes import Call
from .upload import Upload

PAGE = 50


def initiate_multipart_upload(context: Context, request: Request, call: Call) -> Response:
    """Source: botocore InitiateMultipartUpload, InitiateMultipartUploadOutput."""
    context.vaults.require(call.vault)
    part_size = rules.part_size(request.need("x-amz-part-size"))
    description = rules.description(request.header("x-amz-archive-description"))
    upload = context.uploads.begin(call.vault, description, part_size)
    location = f"/{context.account}/vaults/{call.vault}/multipart-uploads/{upload}"
    return Response(201, {"Location": location, "x-amz-multipart-upload-id": upload})


def upload_multipart_part(context: Context, request: Request, call: Call) -> Response:
    """Source: botocore UploadMultipartPart. A part shorter than the part size is taken here, wherever it lies."""
    upload = context.uploads.require(call.vault, call.item)
    start, _ = rules.part_range(request.need("content-range"), upload.part_size, request.body.left)
    hashes = needed_hashes(request)
    with upload.writer(start) as writer:
        received = receive(request.body, writer.write)
        check_received(hashes, received)
        upload.store(start, writer, received, request.fault)
    return Response(204, {"x-amz-sha256-tree-hash": received.tree_hash})


def abort_multipart_upload(context: Context, request: Request, call: Call) -> Response:
    """Source: botocore AbortMultipartUpload: a completed upload cannot be aborted, an aborted one can be again."""
    upload = context.uploads.find(call.vault, call.item)
    if upload:
        with upload.lock:
            if not upload.over:
                context.uploads.close(call.vault, upload, {"state": "aborted"})
    before = context.uploads.finished(call.vault, call.item)
    if before is None or before["state"] != "aborted":
        raise not_found("upload", call.item)
    return Response(204)


def list_multipart_uploads(context: Context, request: Request, call: Call) -> Response:
    """Source: botocore ListMultipartUploads: open uploads only, 50 a page, "no guaranteed order"."""
    uploads = context.uploads.all(call.vault)
    found, marker = paging.shuffled_page(uploads, lambda upload: upload.id, request.parameters(), PAGE)
    listed = [_described(context, call.vault, upload) for upload in found]
    return json_response({"Marker": marker, "UploadsList": listed})


def list_parts(context: Context, request: Request, call: Call) -> Response:
    """Source: botocore ListParts: sorted by range, 50 a page; an error once the upload is complete."""
    upload = context.uploads.require(call.vault, call.item)
    with upload.lock:
        upload.check_open()
        starts, marker = paging.page(upload.starts(), lambda start: f"{start:016d}", request.parameters(), PAGE)
        parts = [part for part in map(upload.part, starts) if part]
    rows = [
        {"RangeInBytes": f"{part['start']}-{part['end']}", "SHA256TreeHash": part["sha256_tree_hash"]} for part in parts
    ]
    return json_response(_described(context, call.vault, upload) | {"Marker": marker, "Parts": rows})


def _described(context: Context, vault: str, upload: Upload) -> dict[str, Any]:
    return {
        "MultipartUploadId": upload.id,
        "VaultARN": context.vaults.arn(vault),
        "ArchiveDescription": upload.description or None,
        "PartSizeInBytes": upload.part_size,
        "CreationDate": upload.created,
    }
