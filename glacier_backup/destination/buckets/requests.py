"""Requests about one bucket, each repeated as often as it takes, with errors that are ours."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cached_property
from io import BytesIO
from typing import TYPE_CHECKING, Any, TypeVar
from urllib.parse import urlencode, urlsplit

from glacier_backup.destination.aws.access import Access, client_config, s3_endpoint
from glacier_backup.destination.aws.errors import error_code, error_message
from glacier_backup.destination.aws.requests import NOTHING, Meanings, Requests
from glacier_backup.destination.buckets.store import Header, Store
from glacier_backup.destination.destination import Check
from glacier_backup.destination.multipart import Part, PartBody
from glacier_backup.destination.remarks import Note, Waiting
from glacier_backup.errors import DestinationError, DestinationUnavailable
from glacier_backup.units import KIB

if TYPE_CHECKING:
    from boto3.session import Session
    from botocore.awsrequest import AWSPreparedRequest
    from mypy_boto3_s3.client import S3Client

T = TypeVar("T")

DENIED = ("AccessDenied", "403")
"""An answer to HEAD has no body, and so no code but its status."""
NOT_FOUND = ("NoSuchKey", "NotFound", "404")
TAKEN = ("PreconditionFailed", "412", "ConditionalRequestConflict", "409")
NO_UPLOAD = "NoSuchUpload"

_PERMISSIONS: Mapping[str, str] = {
    "HeadBucket": "s3:ListBucket",
    "GetBucketVersioning": "s3:GetBucketVersioning",
    "ListObjectsV2": "s3:ListBucket",
    "ListObjectVersions": "s3:ListBucketVersions",
    "ListParts": "s3:ListMultipartUploadParts",
    "ListMultipartUploads": "s3:ListBucketMultipartUploads",
    "AbortMultipartUpload": "s3:AbortMultipartUpload",
    "HeadObject": "s3:GetObject",
    "GetObject": "s3:GetObject",
    "RestoreObject": "s3:RestoreObject",
    "DeleteObject": "s3:DeleteObject",
}
"""By operation (S3 user guide, "Required permissions for Amazon S3 API operations"); all else is ``s3:PutObject``."""

AT_ONCE = 64 * KIB
"""Bytes of a body that fit into the buffers on its way, so that a refusal can be read behind it."""

_NAMED_ACTION = re.compile(r"not authorized to perform: ([a-z0-9-]+:\w+)")


@dataclass(frozen=True, slots=True)
class Writing:
    """What all objects written to a bucket have in common."""

    sse: str | None = None
    kms_key_id: str | None = None
    tags: tuple[tuple[str, str], ...] = ()
    expected_bucket_owner: str | None = None

    def parameters(self, operation: str) -> dict[str, str]:
        """What is to be added to a request of this operation."""
        owner = {"ExpectedBucketOwner": self.expected_bucket_owner}
        if operation not in ("PutObject", "CreateMultipartUpload", "CopyObject"):
            return _given(owner)
        tags = urlencode(self.tags) or None
        return _given(owner | {"ServerSideEncryption": self.sse, "SSEKMSKeyId": self.kms_key_id, "Tagging": tags})


def _given(parameters: Mapping[str, str | None]) -> dict[str, str]:
    return {name: value for name, value in parameters.items() if value is not None}


class Body(PartBody):
    """A part as a request's body. Over plain http the signer reads it first, and the one written in C wants bytes, and
    no more than it asks for. What is read only counts once it is sent."""

    _sending = False

    def __init__(self, part: Part) -> None:
        super().__init__(part, "")

    def sending(self) -> None:
        """From now on what is read is sent."""
        self._sending = True

    def read(self, size: int = -1) -> bytes | memoryview:  # type: ignore[override]  # whoever signs wants bytes
        if self._sending:
            return super().read(size)
        chunk = bytes(self._part.data[self._at :][: None if size < 0 else size])
        self._at += len(chunk)
        return chunk

    def seek(self, offset: int, whence: int = 0) -> int:
        if self._sending:
            return super().seek(offset, whence)
        self._at = (0, self._at, len(self))[whence] + offset
        return self._at


class BucketRequests(Requests["S3Client"]):
    """Safe to use from several threads. The client is made with the first request."""

    def __init__(
        self, bucket: str, access: Access, most: int, writing: Writing, waiting: Waiting | None, note: Note | None
    ) -> None:
        """``most`` requests are under way at once."""
        where = f"s3://{bucket}"
        super().__init__(where, access, most, waiting, self._connect)
        self.bucket = bucket
        self.store = Store(where, note)
        self._access = access
        self._most = most
        self._writing = writing

    @cached_property
    def endpoint(self) -> str:
        """The address of the store, empty for Amazon's own."""
        return s3_endpoint(self._access)

    def ask(self, request: Callable[[S3Client], T], check: Check, meanings: Meanings = NOTHING) -> T:
        """As above. Every refusal names the operation, and where one lacks, the permission; what a store of others
        doesn't know is left out, and then the request is made again."""
        common = self._common(meanings)
        try:
            return super().ask(request, check, common)
        except DestinationError as error:
            ours = self._not_understood(error)
            if not ours:
                raise
            for without in (*((one,) for one in ours), ours):
                try:
                    with self.store.trying_without(without):
                        return super().ask(request, check, common)
                except DestinationError as again:
                    if not self._not_understood(again):
                        raise
            raise

    def _not_understood(self, error: DestinationError) -> tuple[Header, ...]:
        from botocore.exceptions import ClientError

        cause = error.__cause__
        if not isinstance(cause, ClientError) or not self.endpoint:
            return ()
        status = cause.response["ResponseMetadata"]["HTTPStatusCode"]
        return self.store.ours(cause.operation_name, error_code(cause), status)

    def _common(self, meanings: Meanings) -> Meanings:
        return {
            **dict.fromkeys(DENIED, self.denied),
            "NoSuchBucket": self.no_bucket,
            **dict.fromkeys(("PermanentRedirect", "AuthorizationHeaderMalformed", "301"), self._elsewhere),
            **meanings,
        }

    def denied(self, error: Exception, needed: str | None = None) -> DestinationUnavailable:
        """What a refusal for lack of a permission means to most requests: nothing goes. ``needed``: not the usual."""
        operation, message = getattr(error, "operation_name", "a request"), error_message(error)
        named = _NAMED_ACTION.search(message)
        permission = named[1] if named else needed or _PERMISSIONS.get(operation, "s3:PutObject")
        return DestinationUnavailable(
            f"{self._where}: {operation} was refused: {message}",
            hint=f"the credentials lack {permission}, or a policy of the bucket or key forbids it; see docs/s3.md",
        )

    @staticmethod
    def is_denial(error: DestinationError) -> bool:
        """Whether it was for lack of a permission."""
        return isinstance(error.__cause__, Exception) and error_code(error.__cause__) in DENIED

    def no_bucket(self, error: Exception) -> DestinationUnavailable:
        """What it means that the bucket isn't found."""
        return DestinationUnavailable(
            f"{self._where}: there is no bucket of this name",
            hint=f"check destination; a new one: aws s3 mb s3://{self.bucket}, or docs/s3-bucket.yaml",
        )

    def _elsewhere(self, error: Exception) -> DestinationUnavailable:
        region = region_told(error)
        said = f"the bucket is in {region}" if region else f"the bucket is in another region: {error_message(error)}"
        return DestinationUnavailable(f"{self._where}: {said}", hint=f"set region = {region or '…'} in the INI file")

    def _connect(self, session: Session) -> S3Client:
        config = client_config(self._most).merge(_s3_config(self.endpoint))
        client = session.client("s3", endpoint_url=self._access.endpoint_url, config=config)
        events = client.meta.events
        events.register("provide-client-params.s3", self._adapt)  # type: ignore[arg-type]  # this event wants an answer
        events.register("before-call.s3", _no_redirect)
        events.register("before-call.s3", _without_asking_first)
        events.register("before-send.s3", _going_out)
        return client

    def _adapt(self, params: dict[str, Any], model: Any, **_: object) -> dict[str, Any]:
        return self.store.trimmed({**params, **self._writing.parameters(model.name)})


def region_told(error: Exception) -> str | None:
    """The region that a refusal says the bucket is in."""
    response: Mapping[str, Any] = getattr(error, "response", {})
    headers = response.get("ResponseMetadata", {}).get("HTTPHeaders", {})
    region: str | None = headers.get("x-amz-bucket-region") or response.get("Error", {}).get("Region")
    return region


def _s3_config(endpoint: str) -> Any:
    """Checksums are ours, in headers; botocore's would go in trailers, which some stores refuse. Over TLS, which
    notices damage as well, no hash of the payload is signed; over plain http there is nothing else to notice it by."""
    from botocore.config import Config

    plain = urlsplit(endpoint).scheme == "http"
    return Config(
        signature_version="s3v4",
        request_checksum_calculation="when_required",
        response_checksum_validation="when_required",
        s3={"payload_signing_enabled": plain},
    )


def _no_redirect(context: dict[str, Any], **_: object) -> None:
    """A bucket in another region is to be told, not looked for again by every run."""
    context.get("s3_redirect", {})["redirected"] = True


def _without_asking_first(params: dict[str, Any], **_: object) -> None:
    """What is small is there as soon as the server could say that it may come (``Expect: 100-continue``), which would
    cost each object a second round trip."""
    body = params.get("body")
    if isinstance(body, BytesIO) and body.getbuffer().nbytes <= AT_ONCE:
        params["headers"].pop("Expect", None)


def _going_out(request: AWSPreparedRequest, **_: object) -> None:
    if isinstance(request.body, Body):
        request.body.sending()
