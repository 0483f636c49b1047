"""One bucket, as far as it is read: what is cold is thawed, what is readable is read and listed.

A thaw is called by its locator: a bucket knows no other name for it. One that names a version means that one, whatever
has become of the key (:class:`glacier_backup.destination.buckets.keys.At`). Rules are those of the S3 API reference
(RestoreObject, HeadObject, GetObject, ListObjectsV2) and the user guide ("Restoring an archived object").
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from dataclasses import replace
from datetime import timedelta
from functools import partial
from typing import TYPE_CHECKING

from glacier_backup.destination.aws.errors import StrangeAnswer, error_code, error_message
from glacier_backup.destination.aws.requests import Meanings
from glacier_backup.destination.buckets.keys import At, is_below, start_of
from glacier_backup.destination.buckets.listing import listed, listed_versions, thawing_below
from glacier_backup.destination.buckets.objects import Found, find, missing_codes
from glacier_backup.destination.buckets.requests import DENIED, BucketRequests
from glacier_backup.destination.destination import Check
from glacier_backup.destination.layout import archives_beside, is_beside_cut_name
from glacier_backup.errors import DestinationError, NotThawed, VolumeMissing
from glacier_backup.model.thaw import Stored, Thaw, ThawRequest, ThawState, Tier
from glacier_backup.units import MIB, now

if TYPE_CHECKING:
    from botocore.response import StreamingBody
    from mypy_boto3_s3.client import S3Client
    from mypy_boto3_s3.literals import TierType
    from mypy_boto3_s3.type_defs import (
        GetObjectOutputTypeDef,
        GetObjectRequestTypeDef,
        RestoreObjectRequestTypeDef,
        RestoreRequestTypeDef,
    )

_TIERS: dict[Tier, TierType] = {"bulk": "Bulk", "standard": "Standard", "expedited": "Expedited"}

LEAST_TO_LIST = 20
"""Objects of one folder: a page of a listing costs about as much as a dozen looks, and says as much as a thousand."""

_ABANDONED = "it isn't thawed: no thaw is under way, or the thawed copy is over"


class _UnderWay(DestinationError):
    pass


class Reading:
    """Safe to use from several threads; ``check`` is asked while waiting, and what it raises ends it."""

    def __init__(self, requests: BucketRequests, prefix: str, concurrency: int) -> None:
        """Nothing but what lies below ``prefix`` is read."""
        self._requests = requests
        self._prefix = prefix
        self._concurrency = concurrency

    def thaw(self, request: ThawRequest, check: Check) -> Thaw:
        """See :meth:`~glacier_backup.destination.destination.Destination.thaw`. An object is thawed as a whole, and a
        thawed copy that is there for half the days asked for is used as it is."""
        if request.locator is None:
            return Thaw(None, "", "ready")
        at = At.parsed(request.locator)
        found = self.look(at, check)
        thaw = self._as_it_stands(at, found, check)
        enough = timedelta(days=request.days) / 2
        if thaw.state == "thawing" or (thaw.state == "ready" and (thaw.until is None or thaw.until - now() >= enough)):
            return thaw
        if request.tier == "expedited" and found.storage_class == "DEEP_ARCHIVE":
            raise DestinationError(
                f"{self._at(at)} is in DEEP_ARCHIVE, which can't be thawed within minutes",
                hint="ask for the tier standard (12 hours) or bulk (48 hours)",
            )
        return self._asked_for(at, found, request, check)

    def _asked_for(self, at: At, found: Found, request: ThawRequest, check: Check) -> Thaw:
        ask: RestoreRequestTypeDef = {"GlacierJobParameters": {"Tier": _TIERS[request.tier]}}
        if found.storage_class != "INTELLIGENT_TIERING":  # there it stays thawed, and days are refused
            ask["Days"] = request.days
        parameters: RestoreObjectRequestTypeDef = {
            "Bucket": self._requests.bucket,
            "Key": at.key,
            "RestoreRequest": ask,
        }
        if at.version is not None:
            parameters["VersionId"] = at.version

        def restore(aws: S3Client) -> int:
            answer = aws.restore_object(**parameters)
            return answer["ResponseMetadata"]["HTTPStatusCode"]

        try:
            begun = self._requests.ask(restore, check, self._meanings_of_thaw(at)) == 202
        except _UnderWay:
            begun = True
        # Else there was a copy, which stays longer now.
        return _thaw(at, "thawing") if begun else self._as_it_stands(at, self.look(at, check), check)

    def _meanings_of_thaw(self, at: At) -> Meanings:
        def busy(error: Exception) -> DestinationError:
            return DestinationError(
                f"{self._at(at)}: there is no room for a thaw within minutes now: {error_message(error)}",
                hint="ask for the tier standard or bulk, or try again later",
            )

        def under_way(error: Exception) -> DestinationError:
            return _UnderWay(at.locator)

        return {
            **self._missing(at),
            "RestoreAlreadyInProgress": under_way,
            "GlacierExpeditedRetrievalNotAvailable": busy,
        }

    def thawing(self, thaws: Sequence[Thaw], check: Check) -> Iterator[Thaw]:
        """See :meth:`~glacier_backup.destination.destination.Destination.thawing`. Where many of one folder are asked
        for they are listed; what a listing doesn't say, and all else, is looked at one by one, versions, too."""
        keys = [one.key for one in (At.parsed(thaw.locator) for thaw in thaws if thaw.locator) if one.version is None]
        seen: dict[str, Thaw] = {}
        for folder, count in Counter(_folder(key) for key in keys).items():
            if count >= LEAST_TO_LIST:
                wanted = [key for key in keys if _folder(key) == folder]
                seen |= thawing_below(self._requests, folder, wanted, check)
        with ThreadPoolExecutor(self._concurrency) as pool:
            yield from pool.map(partial(self._state, seen, check), thaws)

    def _state(self, seen: dict[str, Thaw], check: Check, thaw: Thaw) -> Thaw:
        if thaw.locator is None:
            return thaw
        try:
            at = At.parsed(thaw.locator)
            stands = seen.get(thaw.locator) or self._as_it_stands(at, self.look(at, check), check)
        except VolumeMissing as error:
            return replace(thaw, state="failed", cause=str(error))
        return replace(stands, start=thaw.start, end=thaw.end)

    def _as_it_stands(self, at: At, found: Found, check: Check) -> Thaw:
        if found.thawing:
            return _thaw(at, "thawing")
        if found.thawed_until is not None and found.thawed_until > now():
            return replace(_thaw(at, "ready"), until=found.thawed_until)
        if not found.cold or (self._requests.endpoint and self._is_readable(at, check)):
            return _thaw(at, "ready")
        return replace(_thaw(at, "failed"), cause=_ABANDONED)

    def _is_readable(self, at: At, check: Check) -> bool:
        """Stores of others take the name of a cold class for what is as warm as all the rest."""
        try:
            self.fetch(_thaw(at, "ready"), 0, memoryview(bytearray(1)), check)
        except NotThawed:
            return False
        return True

    def fetch(self, thaw: Thaw, start: int, buffer: memoryview, check: Check) -> int:
        """See :meth:`~glacier_backup.destination.destination.Destination.fetch`."""
        if thaw.locator is None:
            raise DestinationError("an inventory isn't fetched by ranges")
        at = At.parsed(thaw.locator)
        self._refuse_elsewhere(at)
        if not len(buffer):
            return 0

        asked = f"bytes={start}-{start + len(buffer) - 1}"
        parameters: GetObjectRequestTypeDef = {"Bucket": self._requests.bucket, "Key": at.key, "Range": asked}
        if at.version is not None:
            parameters["VersionId"] = at.version

        def get(aws: S3Client) -> int:
            try:
                answer = aws.get_object(**parameters)
            except Exception as error:
                if error_code(error) in ("InvalidRange", "416"):
                    return 0  # there is nothing behind its end
                raise
            with closing(answer["Body"]) as body:
                return _fill(buffer[: _expected(answer, start, len(buffer))], body, check)

        def cold(error: Exception) -> NotThawed:
            return NotThawed(f"{self._at(at)} can't be read now: {_ABANDONED}", hint="ask for a thaw first")

        meanings: Meanings = {**self._missing(at), "InvalidObjectState": cold}
        if at.version is not None:
            meanings = {**meanings, **dict.fromkeys(DENIED, self._may_not_read_versions)}
        return self._requests.ask(get, check, meanings)

    def _may_not_read_versions(self, error: Exception) -> DestinationError:
        return self._requests.denied(error, "s3:GetObjectVersion")

    def inventory(self, check: Check, *, versions: bool) -> Iterator[Stored]:
        """All objects below the prefix, but for manifests and checksums of archives. With ``versions`` each version of
        what is no archive with a time, by its own locator; else each as its newest.

        A listing is in the order of the keys' bytes (API reference, ListObjectsV2), so that between an archive and what
        lies beside it are only keys that begin with the archive's: what may have such is a short stack.
        """
        above: list[str] = []
        for one in (listed_versions if versions else listed)(self._requests, start_of(self._prefix), check):
            key = At.parsed(one.locator).key
            while above and not key.startswith(above[-1]):
                above.pop()
            if not is_beside_cut_name(key) and not any(archive in above for archive in archives_beside(key)):
                yield one
            if key not in above[-1:]:
                above.append(key)

    def _refuse_elsewhere(self, at: At) -> None:
        if not is_below(self._prefix, at):
            raise VolumeMissing(f"s3://{self._requests.bucket}/{start_of(self._prefix)} has no key {at.locator!r}")

    def look(self, at: At, check: Check) -> Found:
        """What is there. Raises VolumeMissing, Hidden where that may not be seen."""
        self._refuse_elsewhere(at)
        found = find(self._requests, at, check)
        if found is None:
            raise self._gone(at)
        return found

    def _missing(self, at: At) -> Meanings:
        return dict.fromkeys(missing_codes(at), lambda error: self._gone(at))

    def _gone(self, at: At) -> VolumeMissing:
        return VolumeMissing(f"{self._at(at)} isn't there")

    def _at(self, at: At) -> str:
        return f"s3://{self._requests.bucket}/{at.locator}"


def _thaw(at: At, state: ThawState) -> Thaw:
    return Thaw(at.locator, at.locator, state)


def _folder(key: str) -> str:
    return key[: key.rfind("/") + 1]


def _expected(answer: GetObjectOutputTypeDef, start: int, most: int) -> int:
    """Bytes that are to come. Raises StrangeAnswer where they are others than were asked for, or too few of them."""
    said, length = answer.get("ContentRange", ""), answer["ContentLength"]
    whole = start == 0 and not said
    if not whole and not said.startswith(f"bytes {start}-"):
        raise StrangeAnswer(f"the answer has {said or 'everything'}, and was to begin with byte {start}")
    if length < most and not whole and int(said.rpartition("/")[2]) > start + length:
        raise StrangeAnswer(f"the answer has {said}, and there are more of the {most} bytes asked for")
    return min(length, most)


def _fill(buffer: memoryview, body: StreamingBody, check: Check) -> int:
    """Fill all of ``buffer``. Raises StrangeAnswer where the answer breaks off."""
    from urllib3.exceptions import HTTPError

    at = 0
    while at < len(buffer):
        check()
        try:
            count = body.readinto(buffer[at : at + MIB])  # type: ignore[arg-type]  # the stubs are wrong
        except HTTPError as error:  # what botocore lets through, as a broken TLS record
            raise StrangeAnswer(f"the answer broke off: {error}") from error
        if not count:
            raise StrangeAnswer(f"the answer broke off after {at} bytes of {len(buffer)}")
        at += count
    return at
