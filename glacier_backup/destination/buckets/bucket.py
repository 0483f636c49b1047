"""One bucket, as far as archives are written to it: what can be asked of it, in plain values, and what it refuses.

Rules are those of the S3 API reference (CreateMultipartUpload, UploadPart, CompleteMultipartUpload, PutObject) and of
the user guide ("Multipart upload overview", "Checking object integrity", "Conditional writes").
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from datetime import datetime
from typing import TYPE_CHECKING, cast

from glacier_backup.destination.aws.errors import WrongChecksum, demand, error_code, error_message
from glacier_backup.destination.aws.requests import Marker, Meanings, Page
from glacier_backup.destination.buckets.crc64 import Sum, checksum
from glacier_backup.destination.buckets.keys import At
from glacier_backup.destination.buckets.requests import DENIED, NO_UPLOAD, NOT_FOUND, TAKEN, Body, BucketRequests
from glacier_backup.destination.buckets.values import MD5, Begun, Object, Uploaded, Written, completed, md5, version_of
from glacier_backup.destination.destination import Check
from glacier_backup.destination.multipart import Part
from glacier_backup.errors import DestinationError, DestinationUnavailable, UploadLost

if TYPE_CHECKING:
    from mypy_boto3_s3.client import S3Client
    from mypy_boto3_s3.literals import StorageClassType
    from mypy_boto3_s3.type_defs import (
        CompleteMultipartUploadRequestTypeDef,
        CopyObjectRequestTypeDef,
        CopySourceTypeDef,
        ListMultipartUploadsRequestTypeDef,
        MultipartUploadTypeDef,
        PutObjectOutputTypeDef,
        PutObjectRequestTypeDef,
        UploadPartOutputTypeDef,
    )

_DAMAGED = ("BadDigest", "InvalidDigest", "XAmzContentSHA256Mismatch")
_OTHER_PARTS = ("InvalidPart", "InvalidPartOrder", *_DAMAGED)


class Taken(DestinationError):
    """There is an object with this key already."""


class _Refused(DestinationError):
    """It can't be copied."""

    @classmethod
    def of(cls, error: Exception) -> _Refused:
        return cls(error_message(error))


class UploadGone(UploadLost):
    """The upload isn't known: it was aborted, completed, or never was."""


class Bucket:
    """Safe to use from several threads; ``check`` is asked while waiting, and what it raises ends it.

    Every method raises DestinationUnavailable when the bucket can't be reached or refuses everything, DestinationError
    when it refuses this.
    """

    def __init__(self, requests: BucketRequests) -> None:
        self._requests = requests
        self._name = requests.bucket
        self._store = requests.store

    def put(self, one: Object, data: bytes, check: Check) -> Written:
        """Store an object in one request. Raises Taken."""
        summed = checksum(data)
        parameters: PutObjectRequestTypeDef = {
            "Bucket": self._name,
            "Key": one.key,
            "Body": data,
            "Metadata": one.metadata,
            "StorageClass": cast("StorageClassType", one.storage_class),
            "ChecksumAlgorithm": "CRC64NVME",
            "ChecksumCRC64NVME": summed.text,
        }
        if one.only_new:
            parameters["IfNoneMatch"] = "*"

        def put(aws: S3Client) -> Written:
            with self._damage_on_the_way():
                answer = aws.put_object(**parameters)
            try:
                return Written(self._has(answer, data, summed, one.key), version_of(answer.get("VersionId")))
            except WrongChecksum:
                parameters.pop("IfNoneMatch", None)  # what has the key now is ours, and damaged
                raise

        return self._requests.ask(put, check, {**self._taken(one.key), **self._no_class(one.storage_class)})

    def copy(self, one: Object, source: At, crc: str | None, check: Check) -> bool:
        """Have an object made of another one (API reference, CopyObject), where it has that checksum; whether it could
        be. One that the credentials may not read, is cold, or isn't there, can't."""
        parameters: CopyObjectRequestTypeDef = {
            "Bucket": self._name,
            "Key": one.key,
            "CopySource": _source(self._name, source),
            "MetadataDirective": "REPLACE",
            "TaggingDirective": "REPLACE",
            "Metadata": one.metadata,
            "StorageClass": cast("StorageClassType", one.storage_class),
            "ChecksumAlgorithm": "CRC64NVME",
        }

        def copy(aws: S3Client) -> bool:
            made = aws.copy_object(**parameters).get("CopyObjectResult", {})
            return crc is None or made.get("ChecksumCRC64NVME") in (None, crc)

        refusals = (
            *DENIED,
            *NOT_FOUND,
            "InvalidObjectState",
            "ObjectNotInActiveTierError",
            "InvalidRequest",
            "NoSuchVersion",
            "NotImplemented",
        )
        try:
            return self._requests.ask(copy, check, dict.fromkeys(refusals, _Refused.of))
        except _Refused:
            return False

    def begin(self, one: Object, check: Check) -> Begun:
        """Begin an upload."""
        tries = 0

        def create(aws: S3Client) -> str:
            nonlocal tries
            tries += 1
            answer = aws.create_multipart_upload(
                Bucket=self._name,
                Key=one.key,
                Metadata=one.metadata,
                StorageClass=cast("StorageClassType", one.storage_class),
                ChecksumAlgorithm="CRC64NVME",
                ChecksumType="FULL_OBJECT",
            )
            return demand(answer.get("UploadId"), "upload id")

        return Begun(self._requests.ask(create, check, self._no_class(one.storage_class)), tries)

    def put_part(self, key: str, upload: str, part: Part, summed: Sum, *, replaces: bool) -> Uploaded:
        """Store one part. Raises UploadGone, and UploadLost where another part is there that a store can't replace
        (``replaces``, or one that arrived damaged)."""

        def put(aws: S3Client) -> str:
            nonlocal replaces
            body = Body(part)
            try:
                with self._damage_on_the_way():
                    answer = aws.upload_part(
                        Bucket=self._name,
                        Key=key,
                        UploadId=upload,
                        PartNumber=part.number + 1,
                        Body=body,  # type: ignore[arg-type]  # any seekable object serves
                        ChecksumCRC64NVME=summed.text,
                    )
                is_private = aws.meta.endpoint_url.startswith("https:")
                self._has(answer, part.data, summed, f"part {part.number} of {key}", hashing=not is_private)
                return demand(answer.get("ETag"), "ETag").strip('"')
            except Exception as error:
                replaces |= isinstance(error, WrongChecksum)
                body.seek(0)
                raise

        try:
            etag = self._requests.ask(put, lambda: part.sent(0), {NO_UPLOAD: self._gone})
        except (DestinationUnavailable, UploadLost):
            raise
        except DestinationError as error:
            if not replaces:
                raise
            raise UploadLost(f"part {part.number} is there with other bytes, and can't be replaced: {error}") from error
        return Uploaded(part.number, summed.size, etag, summed.text)

    def parts(self, key: str, upload: str, check: Check) -> Iterator[Uploaded]:
        """The parts of an upload that are stored. Raises UploadGone, and UploadLost where they may not be listed."""

        def page(marker: Marker, aws: S3Client) -> Page[Uploaded]:
            after = int(marker.get("marker", 0))
            answer = aws.list_parts(Bucket=self._name, Key=key, UploadId=upload, PartNumberMarker=after)
            listed = [
                Uploaded(part["PartNumber"] - 1, part["Size"], part["ETag"].strip('"'), part.get("ChecksumCRC64NVME"))
                for part in answer.get("Parts", [])
            ]
            # What the answer says of the next page is one too many at some stores.
            return listed, str(listed[-1].number + 1) if listed and answer.get("IsTruncated") else None

        meanings: Meanings = {NO_UPLOAD: self._gone, **dict.fromkeys(DENIED, self._unseen)}
        for parts in self._requests.pages(page, check, meanings):
            yield from parts

    def complete(
        self, key: str, upload: str, parts: Sequence[Uploaded], whole: Sum, *, only_new: bool, check: Check
    ) -> Written:
        """Make one object of all parts.

        Raises UploadGone, Taken, and UploadLost where the upload has other parts than these.
        """
        parameters: CompleteMultipartUploadRequestTypeDef = {
            "Bucket": self._name,
            "Key": key,
            "UploadId": upload,
            "MultipartUpload": {"Parts": [completed(part) for part in parts]},
            "ChecksumType": "FULL_OBJECT",
            "ChecksumCRC64NVME": whole.text,
            "MpuObjectSize": whole.size,
        }
        if only_new:
            parameters["IfNoneMatch"] = "*"

        def complete(aws: S3Client) -> Written:
            answer = aws.complete_multipart_upload(**parameters)
            theirs = answer.get("ChecksumCRC64NVME")
            if theirs not in (None, whole.text):
                raise WrongChecksum(f"{self._name}/{key}: the checksum of what is stored is {theirs}, not {whole.text}")
            return Written(theirs is not None, version_of(answer.get("VersionId")))

        def other(error: Exception) -> UploadLost:
            return UploadLost(f"s3://{self._name}/{key}: the upload can't become the archive: {error_message(error)}")

        meanings = {NO_UPLOAD: self._gone, **dict.fromkeys(_OTHER_PARTS, other), **self._taken(key)}
        return self._requests.ask(complete, check, meanings)

    def abort(self, key: str, upload: str, check: Check) -> None:
        """Remove an upload with its parts; one that isn't there is as good."""

        def abort(aws: S3Client) -> None:
            aws.abort_multipart_upload(Bucket=self._name, Key=key, UploadId=upload)

        with suppress(UploadGone):
            self._requests.ask(abort, check, {NO_UPLOAD: self._gone, **dict.fromkeys(DENIED, self._may_not)})

    def uploads(self, key: str, since: datetime | None, check: Check) -> set[str]:
        """The ids of the open uploads with exactly this key; with ``since`` only of those that were begun no sooner, as
        far as the store tells."""

        def page(marker: Marker, aws: S3Client) -> Page[str]:
            parameters: ListMultipartUploadsRequestTypeDef = {"Bucket": self._name, "Prefix": key}
            if marker:
                # Together they say: of this key, behind that upload.
                parameters |= {"KeyMarker": key, "UploadIdMarker": marker["marker"]}
            answer = aws.list_multipart_uploads(**parameters)
            listed = answer.get("Uploads", [])
            more = answer.get("IsTruncated") and answer.get("NextKeyMarker") == key
            ids = [one["UploadId"] for one in listed if one["Key"] == key and _is_since(one, since)]
            return ids, answer.get("NextUploadIdMarker") if more else None

        # Some stores say of a list of nothing that there is none.
        meanings: Meanings = {NO_UPLOAD: self._gone, **dict.fromkeys(DENIED, self._may_not)}
        try:
            return {upload for ids in self._requests.pages(page, check, meanings) for upload in ids}
        except UploadGone:
            return set()

    def _has(
        self,
        answer: PutObjectOutputTypeDef | UploadPartOutputTypeDef,
        data: bytes | memoryview,
        ours: Sum,
        what: str,
        *,
        hashing: bool = True,
    ) -> bool:
        """Whether the answer shows that the store has these bytes. Raises WrongChecksum where it has others.

        Of a store without CRC64NVME an MD5 tells it, which takes longer than all else that is done with the bytes: not
        ``hashing``, as where TLS brings large parts, nothing does.
        """
        theirs, said = answer.get("ChecksumCRC64NVME"), ours.text
        if theirs is None:
            self._store.keeps_no_checksums()
            etag = answer.get("ETag", "").strip('"')
            # The MD5 of the bytes, but where they are encrypted with a key of KMS (API reference, "Object").
            if not hashing or "kms" in answer.get("ServerSideEncryption", "") or not MD5.fullmatch(etag):
                return False
            theirs, said = etag, md5(data)
        if theirs != said:
            raise WrongChecksum(f"s3://{self._name} stored other bytes than were sent: {what} has {theirs}, not {said}")
        return True

    @contextmanager
    def _damage_on_the_way(self) -> Iterator[None]:
        """What the service received doesn't add up to what was sent: to be sent again."""
        try:
            yield
        except Exception as error:
            if error_code(error) in _DAMAGED:
                raise WrongChecksum(
                    f"s3://{self._name} received other bytes than were sent: {error_message(error)}"
                ) from error
            raise

    def _taken(self, key: str) -> Meanings:
        def taken(error: Exception) -> Taken:
            return Taken(f"s3://{self._name}/{key} is there already, and was not made by this upload; it is left alone")

        return dict.fromkeys(TAKEN, taken)

    def _no_class(self, storage_class: str) -> Meanings:
        def unknown(error: Exception) -> DestinationUnavailable:
            return DestinationUnavailable(
                f"s3://{self._name} has no storage class {storage_class}: {error_message(error)}",
                hint="set storage_class to one that it has",
            )

        return {"InvalidStorageClass": unknown}

    def _gone(self, error: Exception) -> UploadGone:
        return UploadGone(f"s3://{self._name}: the upload is not known any more: {error_message(error)}")

    def _unseen(self, error: Exception) -> UploadLost:
        return UploadLost(
            f"s3://{self._name}: ListParts was refused: {error_message(error)}",
            hint="with s3:ListMultipartUploadParts what is stored would not be sent again; see docs/s3.md",
        )

    def _may_not(self, error: Exception) -> DestinationError:
        denied = self._requests.denied(error)
        return DestinationError(str(denied), hint=denied.hint)


def _source(bucket: str, at: At) -> CopySourceTypeDef:
    source: CopySourceTypeDef = {"Bucket": bucket, "Key": at.key}
    if at.version is not None:
        source["VersionId"] = at.version
    return source


def _is_since(upload: MultipartUploadTypeDef, since: datetime | None) -> bool:
    begun = upload.get("Initiated")
    return since is None or (begun is not None and begun >= since)
