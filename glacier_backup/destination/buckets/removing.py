"""Taking objects out of a bucket, with what lies beside them for their sake."""

from __future__ import annotations

from typing import TYPE_CHECKING

from glacier_backup.destination.aws.errors import error_code
from glacier_backup.destination.buckets.description import described
from glacier_backup.destination.buckets.keys import At, is_below, manifest_of
from glacier_backup.destination.buckets.objects import Hidden, find, missing_codes
from glacier_backup.destination.buckets.requests import DENIED, BucketRequests
from glacier_backup.destination.destination import Check
from glacier_backup.destination.layout import is_dated
from glacier_backup.errors import DestinationError
from glacier_backup.model.naming import ShortenedLabel, manifest_key, parse_description

if TYPE_CHECKING:
    from mypy_boto3_s3.client import S3Client
    from mypy_boto3_s3.type_defs import DeleteObjectRequestTypeDef


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
        """Where the manifest lies that there is for its sake. That of a file of a tree has a time in its key, which the
        object tells; if it tells its tree hash, too, it was sent in one request, and there is none."""
        if is_dated(at.key):
            return manifest_key(at.key)
        try:
            found = find(self._requests, at, check)
        except Hidden:
            return None
        if found is None or found.tree_hash is not None or found.description is None:
            return None
        try:
            label = parse_description(described(found.description))
        except ValueError:
            return None
        if isinstance(label, ShortenedLabel):
            label = label.beginning
        return None if label is None else manifest_of(at.key, label.time, of_tree=True)

    def remove(self, at: At, check: Check) -> None:
        """Remove one object; one that isn't there is as good."""
        parameters: DeleteObjectRequestTypeDef = {"Bucket": self._requests.bucket, "Key": at.key}
        if at.version is not None:
            parameters["VersionId"] = at.version

        def delete(aws: S3Client) -> None:
            try:
                aws.delete_object(**parameters)
            except Exception as error:
                if error_code(error) not in missing_codes(at):
                    raise

        self._requests.ask(delete, check, {} if at.version is None else dict.fromkeys(DENIED, self._kept))

    def _kept(self, error: Exception) -> DestinationError:
        return DestinationError(
            str(self._requests.denied(error)),
            hint="to remove a version for good the credentials need s3:DeleteObjectVersion, which the policies of "
            "docs/s3.md leave out: old versions are removed by the bucket's own rule, and by no stolen key",
        )
