"""From a request to its answer: who asks, for what, may they, and then the operation."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from dataclasses import replace

from . import archive_operations, completion, job_operations, rules, sigv4, upload_operations, vault_operations
from .body import Reset
from .checksums import LINEAR
from .context import Context
from .control import CONTROL_PATH, Control
from .errors import ApiError, invalid, missing
from .faults import Faults
from .injection import inject
from .request import Request, Response, error_response
from .routes import OPERATIONS, Call, find
from .traffic import Traffic

Operation = Callable[[Context, Request, Call], Response]

HANDLERS: dict[str, Operation] = {
    "CreateVault": vault_operations.create_vault,
    "DescribeVault": vault_operations.describe_vault,
    "ListVaults": vault_operations.list_vaults,
    "DeleteVault": vault_operations.delete_vault,
    "UploadArchive": archive_operations.upload_archive,
    "DeleteArchive": archive_operations.delete_archive,
    "InitiateMultipartUpload": upload_operations.initiate_multipart_upload,
    "UploadMultipartPart": upload_operations.upload_multipart_part,
    "CompleteMultipartUpload": completion.complete_multipart_upload,
    "AbortMultipartUpload": upload_operations.abort_multipart_upload,
    "ListMultipartUploads": upload_operations.list_multipart_uploads,
    "ListParts": upload_operations.list_parts,
    "InitiateJob": job_operations.initiate_job,
    "DescribeJob": job_operations.describe_job,
    "ListJobs": job_operations.list_jobs,
    "GetJobOutput": job_operations.get_job_output,
}
assert set(HANDLERS) == OPERATIONS

_STREAMING = ("UploadArchive", "UploadMultipartPart")
_WITH_BODY = (*_STREAMING, "InitiateJob")


class Service:
    """Answers requests. An upload's body is read last, after everything that its headers can be refused for."""

    def __init__(self, context: Context) -> None:
        self.context = context
        self.traffic = Traffic()
        self.faults = Faults(context.settings.root, context.uploads, context.clock)
        self.control = Control(context, self.traffic, self.faults)
        self._keys = {key.key_id: key for key in context.settings.keys}

    def answer(self, request: Request) -> Response:
        """The answer to a request; every `ApiError` becomes one. Raises `Reset` where a fault leaves it without."""
        if request.path == CONTROL_PATH:
            return self.control.answer(request)
        call = find(request.method, request.path)
        operation = call.operation if call else "Unknown"
        try:
            response = self._under_faults(request, call) if call else self._refusing(request, call)
        except Reset:
            self.traffic.unanswered(operation)
            raise
        self.traffic.count(operation, response)
        return response

    def _under_faults(self, request: Request, call: Call) -> Response:
        fault = self.faults.draw(request, call)
        if fault is None:
            return self._refusing(request, call)
        marked = replace(request, fault=fault)
        return inject(fault, marked, call, self.context.uploads, lambda: self._refusing(marked, call))

    def _refusing(self, request: Request, call: Call | None) -> Response:
        try:
            return self._answer(request, call)
        except ApiError as error:
            return error_response(error)

    def _answer(self, request: Request, call: Call | None) -> Response:
        self._check_framing(request, call)
        key_id = self._authenticate(request, call)
        if call is None:
            raise ApiError("UnknownOperationException", f"no operation is {request.method} {request.path}")
        # botocore UploadArchiveInput$accountId: the account of the credentials, or a hyphen for it.
        if call.account not in ("-", self.context.account):
            raise ApiError("AccessDeniedException", f"access denied for account {call.account}")
        if self.control.denies(key_id, call.operation):
            raise ApiError("AccessDeniedException", f"{key_id} may not call glacier:{call.operation}")
        rules.version(request.need("x-amz-glacier-version"))
        if call.operation != "ListVaults":
            rules.vault_name(call.vault)
        return HANDLERS[call.operation](self.context, request, call)

    def _check_framing(self, request: Request, call: Call | None) -> None:
        # Developer guide "Upload Archive": Content-Length is required, so a body in chunks cannot be sent.
        chunked = request.header("transfer-encoding") is not None
        if chunked or (call and call.operation in _WITH_BODY and request.body.declared is None):
            raise ApiError("MissingContentLength", "Content-Length is required; a body in chunks is not taken")

    def _authenticate(self, request: Request, call: Call | None) -> str:
        """Whose request it is. Only where no header tells the body's hash is the body read for it."""
        claim = sigv4.read_claim(request)
        now = self.context.clock.now()
        key = sigv4.check_claim(claim, request, self._keys, self.context.settings.region, now)
        payload = request.header(LINEAR)
        if call and call.operation in _STREAMING:
            # Developer guide "Calculating Signatures for the Streaming Operations": the header is required.
            if payload is None:
                raise missing(LINEAR)
        else:
            found = hashlib.sha256(request.body.small()).hexdigest()
            if payload not in (None, found):
                raise invalid(f"{LINEAR} is {payload} in the request, {found} over the body that came")
            payload = found
        sigv4.check_signature(claim, request, key.secret, payload)
        if self.control.expired(key.key_id):
            # Developer guide "Error Responses".
            raise ApiError("ExpiredTokenException", "The security token included in the request is expired")
        return key.key_id
