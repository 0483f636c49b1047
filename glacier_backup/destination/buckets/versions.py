"""Whether a bucket keeps what was there before under a key that is used again."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING

from glacier_backup.destination.buckets.requests import BucketRequests
from glacier_backup.destination.destination import Check
from glacier_backup.errors import DestinationError, DestinationUnavailable

if TYPE_CHECKING:
    from mypy_boto3_s3.client import S3Client

DENIED_NOTE = (
    "whether it keeps versions can't be seen, as the credentials lack s3:GetBucketVersioning: "
    "a changed file of a whole tree is stored beside the one before, with the time behind its key"
)
UNKNOWN_NOTE = (
    "it doesn't say whether it keeps versions (s3:GetBucketVersioning is for that): "
    "a changed file of a whole tree is stored beside the one before, with the time behind its key"
)


class Versions:
    """What one bucket says of its versions. Safe to use from several threads."""

    def __init__(self, requests: BucketRequests) -> None:
        self._requests = requests
        self._told: str | None = None
        self._lock = threading.Lock()

    def kept(self, check: Check) -> bool:
        """Whether they are kept; asked once. Not where that can't be found out, which is told. Raises
        DestinationUnavailable where nobody answers."""
        return self._status(check) == "Enabled"

    def were_kept(self, check: Check) -> bool:
        """Whether there may be some: they are kept, or were once (S3 user guide, "Using versioning": once enabled it
        is never off again, only suspended). As above."""
        return self._status(check) in ("Enabled", "Suspended")

    def _status(self, check: Check) -> str:
        with self._lock:
            if self._told is None:
                self._told = self._asked(check)
            return self._told

    def _asked(self, check: Check) -> str:
        def status(aws: S3Client) -> str:
            return aws.get_bucket_versioning(Bucket=self._requests.bucket).get("Status", "")

        try:
            return self._requests.ask(status, check)
        except DestinationUnavailable as error:
            if not self._requests.is_denial(error):
                raise
            self._requests.store.tell(DENIED_NOTE)
        except DestinationError:
            self._requests.store.tell(UNKNOWN_NOTE)
        return ""
