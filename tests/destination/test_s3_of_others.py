"""Stores that speak S3's language and don't know all of it."""

from __future__ import annotations

import subprocess
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from glacier_backup.destination.aws.access import Access
from glacier_backup.destination.buckets import bucket
from glacier_backup.destination.s3 import S3
from glacier_backup.errors import DestinationError, DestinationUnavailable, UploadLost
from glacier_backup.model.thaw import Thaw, ThawRequest
from glacier_backup.units import MIB
from tests.contract.sending import OTHER, nothing
from tests.destination.s3_buckets import KEY, complete, held, in_parts, s3_at
from tests.s3_servers.between import Answer, Asked, without
from tests.s3_servers.fixtures import Store
from tests.s3_servers.process import rclone
from tests.streams import noise

DATA = noise(2 * MIB + 5)


@pytest.fixture
def notes() -> list[str]:
    return []


@pytest.fixture
def s3(others_store: Store, notes: list[str]) -> Iterator[S3]:
    with closing(s3_at(others_store, note=notes.append)) as made:
        yield made


def test_what_a_store_ignores_is_found_out_once_and_told_once(s3: S3, notes: list[str]) -> None:
    for label in (None, OTHER):
        complete(s3, in_parts(s3, DATA, label) if label else in_parts(s3, DATA))

    assert len([note for note in notes if "checksums" in note]) == 1
    assert len([note for note in notes if "replaces objects" in note]) == 1
    assert len(notes) == 2


@pytest.mark.parametrize("parts", [True, False], ids=["in_parts", "in_one_request"])
def test_nothing_is_overwritten_where_conditions_are_ignored(s3: S3, others_store: Store, parts: bool) -> None:
    others_store.aws.put_object(Bucket=others_store.bucket, Key=KEY, Body=b"theirs")
    sent = in_parts(s3, DATA) if parts else held(s3, DATA)

    with pytest.raises(DestinationError, match="left alone"):
        complete(s3, sent)

    assert others_store.bytes(KEY) == b"theirs"


def test_a_store_that_honours_conditions_isn_t_asked_first_any_more(s3_store: Store, notes: list[str]) -> None:
    with closing(s3_at(s3_store, note=notes.append)) as s3:
        complete(s3, held(s3, DATA))
        before = len(s3_store.between.asked)
        complete(s3, held(s3, DATA, OTHER))

    assert s3_store.between.operations()[before:] == ["PutObject", "PutObject"]
    assert not any("replaces" in note for note in notes)


@pytest.mark.parametrize("operation", ["UploadPart", "PutObject"])
def test_damage_shows_without_checksums_too(others_store: Store, s3: S3, operation: str) -> None:
    left = [1]

    def damage(asked: Asked) -> None:
        if asked.operation == operation and asked.key == KEY and left and left.pop():
            asked.body = b"?" + asked.body[1:]
            asked.headers.pop("x-amz-content-sha256", None)

    others_store.between.rules.append(damage)

    if operation == "UploadPart":  # this store has no way to replace a part
        with pytest.raises(UploadLost, match="other bytes"):
            in_parts(s3, DATA)
    else:
        complete(s3, held(s3, DATA))
        assert others_store.bytes(KEY) == DATA
    assert left == []


def refusing(header: str, status: int, code: str) -> object:
    return lambda asked: Answer(status, code) if any(name.startswith(header) for name in asked.headers) else None


@pytest.mark.parametrize("parts", [True, False], ids=["in_parts", "in_one_request"])
@pytest.mark.parametrize(
    ("header", "status", "code", "said"),
    [
        ("x-amz-checksum", 501, "NotImplemented", "takes no CRC64NVME"),
        ("if-none-match", 400, "InvalidArgument", "takes no conditions"),
        ("x-amz-tagging", 400, "InvalidRequest", "takes no tags"),
    ],
)
def test_what_a_store_refuses_is_left_out_and_said_once(
    s3_store: Store, notes: list[str], parts: bool, header: str, status: int, code: str, said: str
) -> None:
    s3_store.between.rules.append(refusing(header, status, code))  # type: ignore[arg-type]  # a rule
    with closing(s3_at(s3_store, note=notes.append, tags=[("a", "b")])) as s3:
        for label in (None, OTHER):
            data = {} if label is None else {"label": label}
            complete(s3, in_parts(s3, DATA, **data) if parts else held(s3, DATA, **data))

    assert len([note for note in notes if said in note]) == 1
    assert s3_store.bytes(KEY) == DATA


def test_a_class_and_encryption_are_never_left_out(s3_store: Store) -> None:
    for header in ("x-amz-storage-class", "x-amz-server-side-encryption"):
        s3_store.between.rules[:] = [refusing(header, 501, "NotImplemented")]  # type: ignore[list-item]  # a rule
        with closing(s3_at(s3_store, sse="AES256")) as s3, pytest.raises(DestinationError, match="NotImplemented"):
            complete(s3, held(s3, DATA))
    assert s3_store.listed() == []


def test_a_class_that_a_store_passes_over_is_told(s3_store: Store, notes: list[str]) -> None:
    s3_store.between.rules.append(without("x-amz-storage-class"))
    with closing(s3_at(s3_store, note=notes.append)) as s3:
        complete(s3, held(s3, DATA))

    assert any("no storage class DEEP_ARCHIVE: it says STANDARD" in note for note in notes)


def test_a_cold_class_by_name_alone_needs_no_thaw(s3: S3, others_store: Store) -> None:
    locator = complete(s3, held(s3, DATA)).locator

    assert s3.thaw(ThawRequest(locator), nothing).state == "ready"
    assert [thaw.state for thaw in s3.thawing([Thaw(locator, locator, "ready")], nothing)] == ["ready"]
    assert "RestoreObject" not in others_store.between.operations()


def test_over_tls_no_payload_is_hashed_and_a_strange_certificate_is_refused(
    tmp_path: Path, s3_keys_set: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    cert, key = tmp_path / "cert.pem", tmp_path / "key.pem"
    make = ["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes"]
    make += ["-days", "1", "-subj", "/CN=127.0.0.1", "-addext", "subjectAltName=IP:127.0.0.1"]
    subprocess.run([*make, "-keyout", key, "-out", cert], check=True, capture_output=True)
    (tmp_path / "root" / "tls").mkdir(parents=True)
    with rclone(tmp_path / "root", "--cert", str(cert), "--key", str(key)) as endpoint:
        assert endpoint.startswith("https:")
        access = Access("us-east-1", endpoint_url=endpoint)
        with closing(S3("tls", "", access, 2)) as s3, pytest.raises(DestinationUnavailable, match="CERTIFICATE"):
            s3.identify(holds_archives=False)
        monkeypatch.setenv("AWS_CA_BUNDLE", str(cert))
        with closing(S3("tls", "", access, 2)) as s3:
            signed: list[str] = []
            events = s3._requests._aws.client.meta.events
            events.register(
                "before-send.s3", lambda request, **_: signed.append(request.headers["X-Amz-Content-SHA256"])
            )
            hashed: list[int] = []
            with monkeypatch.context() as patch:
                patch.setattr(bucket, "md5", lambda data: hashed.append(len(data)))
                sent = in_parts(s3, DATA)
            assert hashed == []
            locator = complete(s3, sent).locator
            assert (tmp_path / "root" / "tls" / locator).read_bytes() == DATA

    assert b"UNSIGNED-PAYLOAD" in {value if isinstance(value, bytes) else value.encode() for value in signed}
