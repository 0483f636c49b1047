"""Taking objects out of a bucket, with what lies beside them for their sake."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import TYPE_CHECKING

from glacier_backup.destination.aws.errors import error_code, error_message
from glacier_backup.destination.aws.requests import Meanings
from glacier_backup.destination.buckets.keys import At, is_below
from glacier_backup.destination.buckets.manifests import manifest_beside
from glacier_backup.destination.buckets.objects import Hidden, find
from glacier_backup.destination.buckets.requests import DENIED, NOT_FOUND, BucketRequests
from glacier_backup.destination.destination import Check
from glacier_backup.destination.layout import is_dated
from glacier_backup.errors import DestinationError

if TYPE_CHECKING:
    from mypy_boto3_s3.client import S3Client
    from mypy_boto3_s3.type_defs import DeleteObjectRequestTypeDef

GONE = (*NOT_FOUND, "NoSuchVersion")
"""What says that nothing is left to remove. That something can't be done (405) doesn't."""

_LOCKED = "ObjectLocked"
"""What stores of others say of what is locked; Amazon's denies access, and says why in words (S3 user guide, "Locking
objects with Object Lock")."""


class Removing:
    """Safe to use from several threads; nothing but what lies below ``prefix`` is removed."""

    def __init__(self, requests: BucketRequests, prefix: str) -> None:
        self._requests = requests
        self._prefix = prefix

    def delete(self, locator: str, check: Check) -> None:
        """Remove an archive, then its manifest: one that may not be removed keeps it.

        Where versions are kept it can be had back, but for a locator that names a version: that one is gone for good.
        """
        at = At.parsed(locator)
        if is_below(self._prefix, at):
            manifest = self._manifest_of(at, check)
            self.remove(at, check)
            if manifest is not None:
                self.remove(At(manifest), check)

    def _manifest_of(self, at: At, check: Check) -> str | None:
        """Where the manifest lies that there is for its sake; what it is need only be asked of files of trees."""
        if is_dated(at.key):
            return manifest_beside(at, None)
        try:
            return manifest_beside(at, find(self._requests, at, check))
        except Hidden:
            return None

    def hide(self, locator: str, check: Check) -> bool:
        """See :meth:`~glacier_backup.destination.destination.Destination.expire`, of a bucket that keeps versions.

        A manifest beside it stays: it belongs to the version, and its key is no other's.
        """
        at = At.parsed(locator)
        if not is_below(self._prefix, at):
            return False
        newest = find(self._requests, At(at.key), check)
        if newest is None:
            return True
        # What was stored before the bucket kept versions has none, and is told so (HeadObject: "null").
        if newest.version != at.version:
            return False
        self._remove(At(at.key), check, self._not_hidden)
        return True

    def remove(self, at: At, check: Check) -> None:
        """Remove one object; one that isn't there is as good."""
        self._remove(at, check, partial(self._kept, at))

    def _remove(self, at: At, check: Check, denied: Callable[[Exception], DestinationError]) -> None:
        parameters: DeleteObjectRequestTypeDef = {"Bucket": self._requests.bucket, "Key": at.key}
        if at.version is not None:
            parameters["VersionId"] = at.version

        def delete(aws: S3Client) -> None:
            try:
                aws.delete_object(**parameters)
            except Exception as error:
                if error_code(error) not in GONE:
                    raise

        refusals: Meanings = {**dict.fromkeys(DENIED, denied), _LOCKED: _locked(at)}
        self._requests.ask(delete, check, refusals)

    def _not_hidden(self, error: Exception) -> DestinationError:
        """All that is sent goes all the same."""
        denied = self._requests.denied(error)
        return DestinationError(
            str(denied), hint=f"{denied.hint}; a delete marker hides what is stored, and removes no version"
        )

    def _kept(self, at: At, error: Exception) -> DestinationError:
        if "object lock" in error_message(error).lower():
            return _locked(at)(error)
        denied = self._requests.denied(error)
        if at.version is None:
            return denied
        return DestinationError(
            str(denied),
            hint="to remove a version for good the credentials need s3:DeleteObjectVersion, which the policies of "
            "docs/s3.md leave out: old versions are removed by the bucket's own rule, and by no stolen key",
        )


def _locked(at: At) -> Callable[[Exception], DestinationError]:
    return lambda error: DestinationError(
        f"{at.locator} is kept by the bucket's Object Lock: {error_message(error)}",
        hint="it can be removed when its retention is over, or its legal hold taken off: "
        "aws s3api get-object-retention, or get-object-legal-hold, tells which",
    )
