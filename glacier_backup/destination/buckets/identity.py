"""Whether a bucket is there, and lets these credentials in."""

from __future__ import annotations

from typing import TYPE_CHECKING

from glacier_backup.destination.aws.access import Access
from glacier_backup.destination.aws.errors import error_message
from glacier_backup.destination.aws.requests import Meanings
from glacier_backup.destination.buckets.objects import Hidden
from glacier_backup.destination.buckets.requests import DENIED, NO_UPLOAD, BucketRequests, Writing
from glacier_backup.errors import DestinationError, DestinationUnavailable

if TYPE_CHECKING:
    from mypy_boto3_s3.client import S3Client

SEND_ONLY = (
    "the bucket can't be looked at, as the credentials lack s3:ListBucket; sending works, and what is interrupted "
    "may be sent anew"
)


def identify(requests: BucketRequests, access: Access, expected_owner: str | None) -> None:
    """Ask for the bucket. One that only lets the credentials write will do, and is told of.

    Raises DestinationUnavailable where there is none, it is in another region or another's, or nothing is allowed.
    """

    def head(aws: S3Client) -> None:
        aws.head_bucket(Bucket=requests.bucket)

    # An answer to HEAD has no body to say why; one to GET has.
    meanings: Meanings = {**dict.fromkeys((*DENIED, "400"), _hidden), "404": requests.no_bucket}
    try:
        requests.ask(head, _no_check, meanings)
    except Hidden:
        if _listable(requests):
            return
        if expected_owner is not None and _is_anothers(requests.bucket, access):
            raise DestinationUnavailable(
                f"s3://{requests.bucket}: the bucket belongs to another account than {expected_owner}",
                hint="check destination and expected_bucket_owner",
            ) from None
        requests.store.tell(SEND_ONLY)


def note_emptied(requests: BucketRequests, start: str) -> None:
    """Say so where it can be seen that nothing lies below ``start``, not even an upload.

    It stops nothing: a bucket is known by its name, so it is no other one, and new archives are wanted all the more.
    """
    try:
        empty = not _holds_objects(requests, start) and not _holds_uploads(requests, start)
    except Hidden:
        return
    if empty:
        requests.store.tell(
            f"nothing is in {start or 'it'}, and the catalog knows of what was sent there: who has emptied it? What"
            " is recorded as sent is not sent again by itself; -p PATH --force sends it"
        )


def _holds_objects(requests: BucketRequests, start: str) -> bool:
    def glance(aws: S3Client) -> bool:
        return bool(aws.list_objects_v2(Bucket=requests.bucket, Prefix=start, MaxKeys=1).get("Contents"))

    return requests.ask(glance, _no_check, dict.fromkeys(DENIED, _hidden))


def _holds_uploads(requests: BucketRequests, start: str) -> bool:
    def glance(aws: S3Client) -> bool:
        return bool(aws.list_multipart_uploads(Bucket=requests.bucket, Prefix=start, MaxUploads=1).get("Uploads"))

    # Some stores say of a list of nothing that there is none.
    return requests.ask(glance, _no_check, dict.fromkeys((*DENIED, NO_UPLOAD), _hidden))


def _listable(requests: BucketRequests) -> bool:
    try:
        _holds_objects(requests, "")
    except Hidden:
        return False
    return True


def _is_anothers(bucket: str, access: Access) -> bool:
    """Whether it is the condition on the owner alone that keeps the bucket closed."""
    of_anyone = BucketRequests(bucket, access, 1, Writing(), None, None)
    try:
        return _listable(of_anyone)
    finally:
        of_anyone.close()


def _hidden(error: Exception) -> DestinationError:
    return Hidden(error_message(error))


def _no_check() -> None:
    return
