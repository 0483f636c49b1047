"""What is in one bucket, page by page (S3 API reference, ListObjectsV2 and ListObjectVersions)."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Iterator, Sequence
from datetime import UTC, datetime
from itertools import chain
from typing import TYPE_CHECKING, NamedTuple

from glacier_backup.destination.aws.requests import Marker, Page
from glacier_backup.destination.buckets.keys import At
from glacier_backup.destination.buckets.objects import COLD
from glacier_backup.destination.buckets.requests import BucketRequests
from glacier_backup.destination.buckets.values import version_of
from glacier_backup.destination.destination import Check
from glacier_backup.destination.layout import is_dated
from glacier_backup.errors import DestinationError, DestinationUnavailable
from glacier_backup.model.thaw import Stored, Thaw

if TYPE_CHECKING:
    from mypy_boto3_s3.client import S3Client
    from mypy_boto3_s3.type_defs import (
        DeleteMarkerEntryTypeDef,
        ListObjectsV2RequestTypeDef,
        ListObjectVersionsRequestTypeDef,
        ObjectTypeDef,
        ObjectVersionTypeDef,
    )


def listed(requests: BucketRequests, prefix: str, check: Check) -> Iterator[Stored]:
    """The objects whose keys begin with ``prefix``, in the order of the keys' bytes."""
    for one in _objects(requests, {"Bucket": requests.bucket, "Prefix": prefix}, check):
        yield Stored(
            locator=At(one["Key"]).locator,
            size=one["Size"],
            stored_at=one["LastModified"].astimezone(UTC),
            storage_class=one.get("StorageClass") or "STANDARD",
        )


def listed_versions(requests: BucketRequests, prefix: str, check: Check) -> Iterator[Stored]:
    """The same with all versions that are there, each by the locator that it had when it was stored: of archives, which
    have a time in their keys, only the newest; what was there before versions were kept has none of its own. Versions
    of one key come newest first, and the newest says whether a mark of deletion stands in front of it."""
    marks = Marks()

    def page(marker: Marker, aws: S3Client) -> Page[_Listed]:
        parameters: ListObjectVersionsRequestTypeDef = {"Bucket": requests.bucket, "Prefix": prefix}
        if marker:
            # Two things tell where the next page begins; no version has a blank in its name.
            parameters["VersionIdMarker"], _, parameters["KeyMarker"] = marker["marker"].partition(" ")
        answer = aws.list_object_versions(**parameters)
        after = f"{answer.get('NextVersionIdMarker') or ''} {answer.get('NextKeyMarker') or ''}"
        listed = _Listed(answer.get("Versions", []), answer.get("DeleteMarkers", []))
        return [listed], after if answer.get("IsTruncated") else None

    for listed in chain.from_iterable(requests.pages(page, check)):
        marks.add(listed.marks)
        for one in listed.versions:
            hidden_at = marks.of(one["Key"])
            if (at := _known_as(one)) is not None:
                yield Stored(
                    locator=at.locator,
                    size=one["Size"],
                    stored_at=one["LastModified"].astimezone(UTC),
                    storage_class=one.get("StorageClass") or "STANDARD",
                    hidden_at=hidden_at,
                )


class _Listed(NamedTuple):
    """What is on one page."""

    versions: Sequence[ObjectVersionTypeDef]
    marks: Sequence[DeleteMarkerEntryTypeDef]


class Marks:
    """Marks of deletion whose versions are still to come: perhaps on the next page, and perhaps none."""

    def __init__(self) -> None:
        self._waiting: deque[tuple[str, datetime]] = deque()

    def add(self, marks: Iterable[DeleteMarkerEntryTypeDef]) -> None:
        """Those of the next page, of which the newest of their keys count."""
        self._waiting.extend((one["Key"], one["LastModified"].astimezone(UTC)) for one in marks if one.get("IsLatest"))

    def of(self, key: str) -> datetime | None:
        """Of the first version of that key; both come in the order of the keys' bytes."""
        found: datetime | None = None
        while self._waiting and self._waiting[0][0].encode() <= key.encode():
            name, time = self._waiting.popleft()
            found = time if name == key else None
        return found


def _known_as(one: ObjectVersionTypeDef) -> At | None:
    """What a version was called when it was stored; None for one that an archive's key had before."""
    key, latest, version = one["Key"], one.get("IsLatest", False), one.get("VersionId")
    if is_dated(key):
        return At(key) if latest else None
    return At(key) if latest and version_of(version) is None else At(key, version)


def thawing_below(requests: BucketRequests, folder: str, keys: Sequence[str], check: Check) -> dict[str, Thaw]:
    """How the thaws of ``keys``, all of one folder, stand, as far as a listing of it says so: not every store lists
    such things, and what is cold and isn't thawed has nothing there to tell it by."""
    wanted, last = set(keys), max(keys, key=str.encode)
    parameters: ListObjectsV2RequestTypeDef = {
        "Bucket": requests.bucket,
        "Prefix": folder,
        "Delimiter": "/",
        "OptionalObjectAttributes": ["RestoreStatus"],
    }
    found: dict[str, Thaw] = {}
    try:
        for one in _objects(requests, parameters, check):
            if one["Key"] in wanted and (thaw := _thaw(one)) is not None:
                found[one["Key"]] = thaw
            if one["Key"].encode() >= last.encode():
                break
    except DestinationUnavailable as error:
        if not requests.is_denial(error):
            raise
    except DestinationError:
        pass  # a store that doesn't know how to list that
    return found


def _thaw(one: ObjectTypeDef) -> Thaw | None:
    key, status = one["Key"], one.get("RestoreStatus", {})
    if status.get("IsRestoreInProgress"):
        return Thaw(key, key, "thawing")
    if until := status.get("RestoreExpiryDate"):
        return Thaw(key, key, "ready", until=until.astimezone(UTC))
    if one.get("StorageClass", "STANDARD") in COLD | {"INTELLIGENT_TIERING"}:
        return None
    return Thaw(key, key, "ready")


def _objects(
    requests: BucketRequests, parameters: ListObjectsV2RequestTypeDef, check: Check
) -> Iterator[ObjectTypeDef]:
    def page(marker: Marker, aws: S3Client) -> Page[ObjectTypeDef]:
        more: ListObjectsV2RequestTypeDef = {**parameters}
        if marker:
            more["ContinuationToken"] = marker["marker"]
        answer = aws.list_objects_v2(**more)
        return answer.get("Contents", []), answer.get("NextContinuationToken") if answer.get("IsTruncated") else None

    for objects in requests.pages(page, check):
        yield from objects
