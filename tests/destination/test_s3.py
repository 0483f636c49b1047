"""Archives in a bucket, as moto's server and other programs see them."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import closing
from dataclasses import replace
from pathlib import Path

import pytest

from glacier_backup.destination.aws.access import Access
from glacier_backup.destination.buckets.crc64 import checksum
from glacier_backup.destination.buckets.description import described
from glacier_backup.destination.buckets.requests import AT_ONCE
from glacier_backup.destination.s3 import S3, SMALL
from glacier_backup.errors import DestinationError, UploadForgotten, UploadLost, UploadOutgrown
from glacier_backup.model.naming import parse_description
from glacier_backup.model.upload import UploadRequest
from glacier_backup.units import MIB
from tests.contract.sending import LABEL, MANIFEST, OTHER, nothing, resumed
from tests.destination.s3_buckets import IN_TREE, KEY, TREE_KEY, begin, complete, held, in_parts, s3_at
from tests.s3_servers.between import Answer, of
from tests.s3_servers.fixtures import Store
from tests.s3_servers.process import RCLONE
from tests.streams import BytesStream, noise

DATA = noise(3 * MIB + 5)


@pytest.fixture
def s3(s3_store: Store) -> Iterator[S3]:
    with closing(s3_at(s3_store)) as made:
        yield made


@pytest.fixture
def later(s3_store: Store) -> Iterator[S3]:
    with closing(s3_at(s3_store)) as made:
        yield made


def head(store: Store, key: str) -> dict[str, object]:
    return dict(store.aws.head_object(Bucket=store.bucket, Key=key, ChecksumMode="ENABLED"))


@pytest.mark.parametrize("send", [held, in_parts])
def test_data_is_cold_and_its_manifest_is_hot(s3: S3, s3_store: Store, send: object) -> None:
    receipt = complete(s3, held(s3, DATA) if send is held else in_parts(s3, DATA))

    assert s3_store.listed() == [KEY, f"{KEY}.recipe.json"]
    assert receipt.locator == KEY
    assert (head(s3_store, KEY)["StorageClass"], receipt.storage_class) == ("DEEP_ARCHIVE", "DEEP_ARCHIVE")
    assert "StorageClass" not in head(s3_store, f"{KEY}.recipe.json")
    assert s3_store.bytes(f"{KEY}.recipe.json") == MANIFEST.encode()
    assert receipt.crc64nvme == checksum(DATA).text == head(s3_store, KEY)["ChecksumCRC64NVME"]


def test_what_is_small_is_one_request_and_its_manifest_another(s3: S3, s3_store: Store) -> None:
    sent = held(s3, DATA)
    assert s3_store.between.asked == []

    complete(s3, sent)

    put = [one for one in s3_store.between.asked if one.operation == "PutObject"]
    assert [one.key for one in put if not one.key.endswith(".json")] == [KEY]
    assert all(one.headers["if-none-match"] == "*" for one in put)
    assert "STREAMING" not in put[0].headers["x-amz-content-sha256"]
    assert put[0].headers["x-amz-checksum-crc64nvme"] == checksum(DATA).text


def test_only_what_is_large_waits_to_be_told_that_it_may_come(s3: S3, s3_store: Store) -> None:
    for data in (noise(AT_ONCE), noise(AT_ONCE + 1)):
        complete(s3, held(s3, data, IN_TREE))

    puts = [asked for asked in s3_store.between.asked if asked.operation == "PutObject"]
    assert ["expect" in put.headers for put in puts] == [False, True]


def test_an_object_says_of_itself_what_it_is(s3: S3, s3_store: Store) -> None:
    label = replace(IN_TREE, path="/photos/ä  b%41.jpg", name="ä  b%41.jpg")
    receipt = complete(s3, held(s3, DATA, label))

    metadata = s3_store.aws.head_object(Bucket=s3_store.bucket, Key=TREE_KEY)["Metadata"]
    assert parse_description(described(metadata["description"])) == replace(label, fixed_key=None)
    assert metadata["tree-hash"] == receipt.tree_hash
    assert sum(len(name) + len(value) for name, value in metadata.items()) < 2048


def test_a_file_of_a_tree_is_whole_by_itself_and_replaced_by_the_next(s3: S3, s3_store: Store) -> None:
    complete(s3, held(s3, b"first", IN_TREE))
    complete(s3, held(s3, b"second", replace(IN_TREE, time=OTHER.time)))

    assert s3_store.listed() == [TREE_KEY]
    assert s3_store.bytes(TREE_KEY) == b"second"


def test_a_large_file_of_a_tree_has_a_manifest(s3: S3, later: S3, s3_store: Store) -> None:
    sent = in_parts(s3, DATA, IN_TREE)

    assert complete(s3, sent).locator == complete(later, sent).locator
    assert s3_store.listed() == [TREE_KEY, f"{TREE_KEY}~20260321T040000.123456Z.recipe.json"]


@pytest.mark.parametrize("size", [None, 0], ids=["in_parts", "in_one_request"])
@pytest.mark.parametrize("label", [LABEL, IN_TREE], ids=["archive", "file_of_a_tree"])
def test_nothing_at_all_is_stored_whatever_was_expected(
    s3: S3, later: S3, s3_store: Store, size: int | None, label: object
) -> None:
    of_label = LABEL if label is LABEL else IN_TREE
    upload = begin(s3, size, of_label)
    checksums = s3.send(upload, BytesStream(b""), nothing)

    receipt = s3.complete(upload, checksums, MANIFEST, nothing)

    assert s3_store.bytes(receipt.locator) == b""
    assert later.complete(resumed(upload), checksums, MANIFEST, nothing).locator == receipt.locator
    assert s3_store.open_uploads() == 0


def test_what_turns_out_larger_than_small_has_outgrown_its_upload(s3: S3) -> None:
    upload = begin(s3, 5)

    with pytest.raises(UploadOutgrown):
        s3.send(upload, BytesStream(bytes(SMALL + 1)), nothing)
    assert s3.send(upload, BytesStream(bytes(SMALL)), nothing).size == SMALL


def test_the_class_of_one_archive_can_be_another(s3: S3, later: S3, s3_store: Store) -> None:
    for label, size in ((LABEL, 3), (OTHER, None)):
        id_ = s3.begin(UploadRequest(label, MIB, size, "GLACIER_IR"), nothing)
        upload = replace(begin(s3, 3), label=label, id=id_)
        checksums = s3.send(upload, BytesStream(b"hot"), nothing)
        receipt = s3.complete(upload, checksums, MANIFEST, nothing)
        assert receipt.storage_class == head(s3_store, receipt.locator)["StorageClass"] == "GLACIER_IR"


def test_what_only_memory_held_is_lost_with_it(s3: S3, later: S3) -> None:
    upload, checksums = held(s3, DATA)

    with pytest.raises(UploadLost):
        later.complete(resumed(upload), checksums, MANIFEST, nothing)


def test_a_later_process_finds_what_was_put(s3: S3, later: S3, s3_store: Store) -> None:
    upload, checksums = held(s3, DATA)
    complete(s3, (upload, checksums))
    s3_store.aws.delete_object(Bucket=s3_store.bucket, Key=f"{KEY}.recipe.json")

    assert complete(later, (resumed(upload), checksums)).locator == KEY
    assert s3_store.listed() == [KEY, f"{KEY}.recipe.json"]


@pytest.mark.parametrize("send", [held, in_parts])
def test_what_another_has_put_there_is_left_alone(s3: S3, s3_store: Store, send: object) -> None:
    s3_store.aws.put_object(Bucket=s3_store.bucket, Key=KEY, Body=b"theirs")
    sent = held(s3, DATA) if send is held else in_parts(s3, DATA)

    with pytest.raises(DestinationError, match="left alone"):
        complete(s3, sent)
    s3.abort(LABEL, sent[0].id, nothing)

    assert s3_store.bytes(KEY) == b"theirs"
    assert s3_store.listed() == [KEY]


def test_an_archive_whose_manifest_is_refused_is_taken_away(s3: S3, s3_store: Store) -> None:
    sent = in_parts(s3, DATA)
    s3_store.between.rules.append(of("PutObject", Answer(400, "KeyTooLongError")))

    with pytest.raises(DestinationError):
        complete(s3, sent)
    assert s3_store.listed() == [KEY]
    s3.abort(LABEL, sent[0].id, nothing)

    assert s3_store.listed() == []


def test_tags_and_encryption_are_on_all_that_is_written(s3_store: Store) -> None:
    tags = [("kind", "backup + more"), ("a", "")]
    with closing(s3_at(s3_store, storage_class="STANDARD", tags=tags, sse="aws:kms", kms_key_id="key-1")) as s3:
        complete(s3, held(s3, DATA))
        complete(s3, in_parts(s3, DATA, OTHER))

    for key in s3_store.listed():
        found = s3_store.aws.get_object_tagging(Bucket=s3_store.bucket, Key=key)["TagSet"]
        assert sorted((one["Key"], one["Value"]) for one in found) == sorted(tags)
        assert head(s3_store, key)["ServerSideEncryption"] == "aws:kms"


def test_the_place_is_named_by_bucket_prefix_and_other_peoples_endpoint(monkeypatch: pytest.MonkeyPatch) -> None:
    def place(access: Access, prefix: str = "") -> tuple[str, str]:
        made = S3("bucket", prefix, access, 1).place
        return made.name, made.region

    assert place(Access()) == ("bucket", "")
    assert place(Access(endpoint_url="https://s3.eu-west-1.amazonaws.com/"), "a/b") == ("bucket/a/b", "")
    assert place(Access(endpoint_url="https://s3.example.org/")) == ("bucket", "https://s3.example.org")
    monkeypatch.setenv("AWS_ENDPOINT_URL_S3", "https://env.example.org")
    assert place(Access())[1] == "https://env.example.org"
    monkeypatch.delenv("AWS_ENDPOINT_URL_S3")
    config = Path(os.environ["HOME"]) / ".aws" / "config"
    config.parent.mkdir()
    config.write_text("[profile minio]\nendpoint_url = https://profile.example.org\n")
    assert place(Access(profile="minio"))[1] == "https://profile.example.org"


def test_memory_of_what_is_small_is_let_go(s3: S3) -> None:
    for label in (LABEL, OTHER):
        upload, checksums = held(s3, DATA, label)
        if label is LABEL:
            complete(s3, (upload, checksums))
        else:
            s3.abort(label, upload.id, nothing)

    assert s3._held == {}


def test_who_may_only_write_is_told_when_it_can_t_be_known(s3: S3, later: S3, s3_store: Store) -> None:
    upload, checksums = in_parts(s3, DATA)
    complete(s3, (upload, checksums))
    s3_store.between.rules.append(of("HeadObject", Answer(403)))

    with pytest.raises(UploadForgotten) as caught:
        complete(later, (resumed(upload), checksums))
    assert "s3:GetObject" in (caught.value.hint or "")


def test_stock_tools_read_back_what_was_written(s3: S3, s3_store: Store, tmp_path: Path) -> None:
    label = replace(LABEL, path="/data/ä b+c%41", kind="file", container="raw", name="x")
    with closing(s3_at(s3_store, storage_class="STANDARD")) as hot:
        locator = complete(hot, in_parts(hot, DATA, label)).locator
    aws = [sys.executable, "-m", "awscli", "--endpoint-url", s3_store.server, "--region", "us-east-1"]
    shown = subprocess.run(
        [*aws, "s3api", "head-object", "--bucket", s3_store.bucket, "--key", locator], check=True, capture_output=True
    )
    assert json.loads(shown.stdout)["ContentLength"] == len(DATA)
    subprocess.run([*aws, "s3", "cp", f"s3://{s3_store.bucket}/{locator}", tmp_path / "aws", "--quiet"], check=True)
    remote = f":s3,provider=Other,env_auth,endpoint='{s3_store.server}':{s3_store.bucket}/{locator}"
    subprocess.run([RCLONE, "--config", "/dev/null", "copyto", remote, tmp_path / "rclone"], check=True)

    assert (tmp_path / "aws").read_bytes() == (tmp_path / "rclone").read_bytes() == DATA


def test_amazon_is_trusted_to_keep_conditions_and_asked_nothing_first(
    s3_store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("glacier_backup.destination.buckets.requests.s3_endpoint", lambda access: "")
    with closing(s3_at(s3_store)) as s3:
        complete(s3, held(s3, DATA))
        assert s3_store.between.operations() == ["PutObject", "PutObject"]
        complete(s3, in_parts(s3, DATA, OTHER))
        asked = s3_store.between.operations()[2:]
        assert [one for one in asked if one != "UploadPart"] == [
            "CreateMultipartUpload",
            "CompleteMultipartUpload",
            "HeadObject",  # for moto's answer says no checksum; S3's does
            "PutObject",
        ]
        s3_store.between.rules.append(of("PutObject", Answer(400, "InvalidRequest", "no such key of KMS")))
        with pytest.raises(DestinationError, match="KMS"):
            complete(s3, held(s3, DATA))
        assert len(s3_store.between.operations()) == 2 + len(asked) + 1  # nothing was left out and tried again
