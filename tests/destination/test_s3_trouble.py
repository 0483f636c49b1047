"""What a bucket refuses, and what it means."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing

import pytest

from glacier_backup.destination.s3 import S3
from glacier_backup.errors import DestinationError, DestinationUnavailable, UploadForgotten, UploadLost
from glacier_backup.model.upload import UploadRequest
from glacier_backup.units import MIB
from tests.contract.sending import LABEL, MANIFEST, nothing, resumed
from tests.destination.s3_buckets import KEY, begin, complete, held, in_parts, s3_at
from tests.s3_servers.between import Answer, Asked, of
from tests.s3_servers.fixtures import PREFIX, Store
from tests.streams import BytesStream, noise

DATA = noise(2 * MIB + 5)

DENIED = "User: arn:aws:iam::1:user/x is not authorized to perform: {} on resource: y"


@pytest.fixture
def notes() -> list[str]:
    return []


@pytest.fixture
def s3(s3_store: Store, notes: list[str]) -> Iterator[S3]:
    with closing(s3_at(s3_store, note=notes.append)) as made:
        yield made


@pytest.fixture
def later(s3_store: Store) -> Iterator[S3]:
    with closing(s3_at(s3_store)) as made:
        yield made


@pytest.fixture(autouse=True)
def _quick(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("glacier_backup.destination.retrying.FIRST_WAIT", 0.001)
    monkeypatch.setattr("glacier_backup.destination.retrying.LONGEST_WAIT", 0.01)


def answer(store: Store, operation: str, *args: object, times: int = 1_000_000, **how: object) -> None:
    store.between.rules.append(of(operation, Answer(*args, **how), times))  # type: ignore[arg-type]  # as a test says


def refused(s3: S3) -> DestinationUnavailable:
    with pytest.raises(DestinationUnavailable) as caught:
        s3.identify(holds_archives=False)
    return caught.value


def test_a_bucket_that_isn_t_there_is_said_to_be_missing(s3_store: Store) -> None:
    with closing(S3("no-such-bucket", "", s3_store.access, 1)) as s3:
        error = refused(s3)

    assert "no bucket" in str(error)
    assert "no-such-bucket" in (error.hint or "")


@pytest.mark.parametrize(
    ("status", "code", "body"),
    [(301, "PermanentRedirect", None), (400, "AuthorizationHeaderMalformed", b"")],
    ids=["301", "400"],
)
def test_the_right_region_is_told(s3: S3, s3_store: Store, status: int, code: str, body: bytes | None) -> None:
    answer(s3_store, "HeadBucket", status, headers={"x-amz-bucket-region": "eu-central-1"})
    for operation in ("ListObjectsV2", "CreateMultipartUpload"):
        answer(s3_store, operation, status, code, headers={"x-amz-bucket-region": "eu-central-1"})

    assert "eu-central-1" in str(refused(s3))
    with pytest.raises(DestinationUnavailable, match="eu-central-1") as caught:
        begin(s3, None)
    assert caught.value.hint == "set region = eu-central-1 in the INI file"


@pytest.mark.parametrize("code", ["InvalidAccessKeyId", "SignatureDoesNotMatch", "RequestTimeTooSkewed"])
def test_credentials_that_are_no_good_are_told_by_their_own_reason(s3: S3, s3_store: Store, code: str) -> None:
    answer(s3_store, "HeadBucket", 403)
    answer(s3_store, "ListObjectsV2", 403, code)

    assert code in str(refused(s3))


def test_a_bucket_of_another_account_is_told(s3_store: Store) -> None:
    def other_owner(asked: Asked) -> Answer | None:
        return Answer(403, "AccessDenied") if "x-amz-expected-bucket-owner" in asked.headers else None

    s3_store.between.rules.append(other_owner)
    with closing(s3_at(s3_store, expected_bucket_owner="111122223333")) as s3:
        assert "another account than 111122223333" in str(refused(s3))


@pytest.mark.parametrize(
    ("operation", "permission"), [("PutObject", "s3:PutObject"), ("PutObject", "s3:PutObjectTagging")]
)
def test_the_permission_that_lacks_is_named(s3: S3, s3_store: Store, operation: str, permission: str) -> None:
    answer(s3_store, operation, 403, "AccessDenied", DENIED.format(permission))

    with pytest.raises(DestinationUnavailable, match=operation) as caught:
        complete(s3, held(s3, DATA))
    assert permission in (caught.value.hint or "")


def only_put(asked: Asked) -> Answer | None:
    """What an account that has s3:PutObject alone may do."""
    of_put = {"PutObject", "CreateMultipartUpload", "UploadPart", "CompleteMultipartUpload"}
    return None if asked.operation in of_put else Answer(403, "AccessDenied", DENIED.format("s3:" + asked.operation))


def test_with_the_permission_to_put_alone_sending_works(s3: S3, s3_store: Store, notes: list[str]) -> None:
    s3_store.between.rules.append(only_put)

    s3.identify(holds_archives=False)
    receipts = [complete(s3, in_parts(s3, DATA)).locator]

    assert receipts == [KEY]
    assert s3_store.listed() == [KEY, f"{KEY}.recipe.json"]
    assert len([note for note in notes if "s3:ListBucket" in note]) == 1


def test_with_it_alone_a_later_process_begins_anew_or_says_that_it_can_t_tell(
    s3: S3, later: S3, s3_store: Store
) -> None:
    s3_store.between.rules.append(only_put)
    upload, checksums = in_parts(s3, DATA)

    with pytest.raises(UploadLost) as caught:
        later.send(resumed(upload), BytesStream(DATA), nothing)
    assert "s3:ListMultipartUploadParts" in (caught.value.hint or "")
    complete(s3, (upload, checksums))
    small, sums = held(s3, b"small")
    with pytest.raises(UploadForgotten):
        later.complete(small, sums, MANIFEST, nothing)
    with pytest.raises(DestinationError, match="AbortMultipartUpload"):
        later.abort(LABEL, upload.id, nothing)


def test_an_unknown_class_is_named_and_nothing_is_stored(s3_store: Store) -> None:
    with closing(s3_at(s3_store, storage_class="FROZEN")) as s3:
        with pytest.raises(DestinationUnavailable, match="no storage class FROZEN"):
            complete(s3, held(s3, DATA))
        answer(s3_store, "CreateMultipartUpload", 400, "InvalidStorageClass")
        with pytest.raises(DestinationUnavailable, match="no storage class FROZEN"):
            begin(s3, None)

    assert s3_store.listed() == []


@pytest.mark.parametrize("prefix", ["p" * 513, "ü" * 300])
def test_too_long_a_prefix_is_said_before_anything_is_sent(s3_store: Store, prefix: str) -> None:
    with closing(S3(s3_store.bucket, prefix, s3_store.access, 1)) as s3:
        assert "prefix" in str(refused(s3))
    assert s3_store.between.asked == []


LOST = {"cut": True, "carried_out": True}


@pytest.mark.parametrize("operation", ["CompleteMultipartUpload", "PutObject", "CreateMultipartUpload", "UploadPart"])
def test_an_answer_that_is_lost_costs_nothing(s3: S3, s3_store: Store, operation: str) -> None:
    answer(s3_store, operation, 0, times=1, **LOST)

    receipt = complete(s3, in_parts(s3, DATA))

    assert s3_store.bytes(receipt.locator) == DATA
    assert (s3_store.listed(), s3_store.open_uploads()) == ([KEY, f"{KEY}.recipe.json"], 0)


def test_a_put_whose_answer_is_lost_is_found_to_be_ours(s3: S3, s3_store: Store) -> None:
    sent = held(s3, DATA)
    answer(s3_store, "PutObject", 0, times=1, **LOST)

    assert s3_store.bytes(complete(s3, sent).locator) == DATA


def test_an_upload_that_is_gone_when_it_is_completed_may_have_been(s3: S3, later: S3, s3_store: Store) -> None:
    upload, checksums = in_parts(s3, DATA)
    answer(s3_store, "CompleteMultipartUpload", 0, times=1, **LOST)
    answer(s3_store, "CompleteMultipartUpload", 404, "NoSuchUpload")

    assert complete(s3, (upload, checksums)).locator == KEY
    assert complete(later, (resumed(upload), checksums)).locator == KEY


def test_two_at_the_same_time_don_t_overwrite_each_other(s3: S3, s3_store: Store) -> None:
    upload, checksums = in_parts(s3, DATA)
    answer(s3_store, "CompleteMultipartUpload", 409, "ConditionalRequestConflict")

    with pytest.raises(UploadLost):
        complete(s3, (upload, checksums))
    answer(s3_store, "PutObject", 412, "PreconditionFailed")
    s3_store.aws.put_object(Bucket=s3_store.bucket, Key=KEY, Body=b"theirs")
    with pytest.raises(DestinationError, match="left alone"):
        complete(s3, held(s3, DATA))


@pytest.mark.parametrize("operation", ["UploadPart", "PutObject"])
def test_damage_on_the_way_is_sent_again(s3: S3, s3_store: Store, operation: str) -> None:
    answer(s3_store, operation, 400, "BadDigest", times=2)

    complete(s3, held(s3, DATA) if operation == "PutObject" else in_parts(s3, DATA))

    assert s3_store.bytes(KEY) == DATA


def test_what_is_stored_damaged_is_never_taken_for_whole(s3: S3, s3_store: Store) -> None:
    def damage(asked: Asked) -> None:
        if asked.operation == "UploadPart":
            asked.body = b"?" + asked.body[1:]

    s3_store.between.rules.append(damage)
    upload = begin(s3, None)

    with pytest.raises(DestinationUnavailable, match="other bytes than were sent"):
        s3.send(upload, BytesStream(DATA), nothing)


def test_a_full_object_that_differs_has_no_manifest(s3: S3, s3_store: Store) -> None:
    sent = in_parts(s3, DATA)
    said = b"<ChecksumCRC64NVME>AAAAAAAAAAA=</ChecksumCRC64NVME>"
    body = b"<CompleteMultipartUploadResult>" + said + b"</CompleteMultipartUploadResult>"
    answer(s3_store, "CompleteMultipartUpload", 200, body=body)

    with pytest.raises(DestinationError):
        complete(s3, sent)
    assert s3_store.listed() == []


def test_a_resumed_upload_with_parts_that_are_not_ours_is_given_up(s3: S3, later: S3, s3_store: Store) -> None:
    upload = begin(s3, None)
    s3.send(upload, BytesStream(noise(5 * MIB)), nothing)

    with pytest.raises(UploadLost):
        later.send(resumed(upload), BytesStream(DATA), nothing)


def test_the_prefix_and_class_are_in_the_id_so_that_a_change_of_settings_does_no_harm(s3: S3, s3_store: Store) -> None:
    upload, checksums = in_parts(s3, DATA)

    with closing(s3_at(s3_store, storage_class="GLACIER_IR")) as later:
        assert complete(later, (resumed(upload), checksums)).storage_class == "DEEP_ARCHIVE"
        assert later.begin(UploadRequest(LABEL, MIB, 5), nothing) == "put GLACIER_IR"
    assert PREFIX in KEY
