"""Hiding objects in a bucket that keeps versions: a delete marker, and nothing else."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing
from dataclasses import replace

import pytest

from glacier_backup.destination.s3 import S3
from glacier_backup.errors import DestinationError, DestinationUnavailable
from glacier_backup.model.thaw import Thaw, ThawRequest
from tests.contract.sending import OTHER, nothing
from tests.destination.s3_buckets import IN_TREE, TREE_KEY, complete, held, in_parts, s3_at
from tests.s3_servers.between import Answer, of
from tests.s3_servers.fixtures import PREFIX, Store
from tests.streams import noise

LATER = replace(IN_TREE, time=OTHER.time)


@pytest.fixture(autouse=True)
def _quick(quick_retries: None) -> None:
    return


@pytest.fixture
def s3(s3_store: Store) -> Iterator[S3]:
    with closing(s3_at(s3_store, storage_class="STANDARD")) as made:
        yield made


@pytest.fixture
def versioned(s3_store: Store) -> Store:
    _keep_versions(s3_store)
    return s3_store


def _keep_versions(store: Store) -> None:
    store.aws.put_bucket_versioning(Bucket=store.bucket, VersioningConfiguration={"Status": "Enabled"})


def _markers(store: Store) -> list[str]:
    return [one["Key"] for one in store.aws.list_object_versions(Bucket=store.bucket).get("DeleteMarkers", [])]


def _read(s3: S3, locator: str) -> bytes:
    buffer = memoryview(bytearray(100))
    (thaw,) = s3.thawing([s3.thaw(ThawRequest(locator), nothing)], nothing)
    return bytes(buffer[: s3.fetch(thaw, 0, buffer, nothing)])


def test_what_is_hidden_has_no_key_and_stays_by_its_version(s3: S3, versioned: Store) -> None:
    receipt = complete(s3, held(s3, b"x", IN_TREE))

    assert s3.expire(receipt.locator, nothing)

    assert versioned.listed() == []
    assert _markers(versioned) == [TREE_KEY]
    assert _read(s3, receipt.locator) == b"x"
    assert [one.locator for one in s3.inventory(Thaw(None, "", "ready"), nothing)] == [receipt.locator]


def test_hiding_it_again_adds_no_second_marker(s3: S3, versioned: Store) -> None:
    receipt = complete(s3, held(s3, b"x", IN_TREE))

    assert [s3.expire(receipt.locator, nothing) for _ in range(2)] == [True, True]
    assert _markers(versioned) == [TREE_KEY]


def test_what_has_taken_its_place_stays(s3: S3, versioned: Store) -> None:
    first = complete(s3, held(s3, b"first", IN_TREE))
    complete(s3, held(s3, b"second", LATER))

    assert not s3.expire(first.locator, nothing)

    assert versioned.bytes(TREE_KEY) == b"second"
    assert _markers(versioned) == []


def test_what_comes_after_the_marker_is_there(s3: S3, versioned: Store) -> None:
    first = complete(s3, held(s3, b"first", IN_TREE))
    s3.expire(first.locator, nothing)

    complete(s3, held(s3, b"second", LATER))

    assert versioned.bytes(TREE_KEY) == b"second"
    assert _read(s3, first.locator) == b"first"


def test_what_was_stored_before_versions_were_kept_is_hidden_as_well(s3_store: Store) -> None:
    with closing(s3_at(s3_store, storage_class="STANDARD")) as before:
        receipt = complete(before, held(before, b"x", IN_TREE))
    assert receipt.locator == TREE_KEY
    _keep_versions(s3_store)

    with closing(s3_at(s3_store)) as after:
        assert after.expire(receipt.locator, nothing)

    assert s3_store.listed() == []
    assert _markers(s3_store) == [TREE_KEY]


def test_the_manifest_beside_it_stays(s3: S3, versioned: Store) -> None:
    receipt = complete(s3, in_parts(s3, noise(100), IN_TREE))

    assert s3.expire(receipt.locator, nothing)

    assert versioned.listed() == [f"{TREE_KEY}~20260321T040000.123456Z.recipe.json"]


def test_nothing_outside_the_prefix_is_hidden(s3: S3, versioned: Store) -> None:
    versioned.aws.put_object(Bucket=versioned.bucket, Key="elsewhere", Body=b"x")

    assert not s3.expire("elsewhere", nothing)
    assert versioned.listed() == ["elsewhere"]


def test_credentials_that_may_not_delete_stop_nothing_else(s3: S3, versioned: Store) -> None:
    receipt = complete(s3, held(s3, b"x", IN_TREE))
    versioned.between.rules.append(of("DeleteObject", Answer(403, "AccessDenied")))

    with pytest.raises(DestinationError, match="DeleteObject was refused") as caught:
        s3.expire(receipt.locator, nothing)

    assert not isinstance(caught.value, DestinationUnavailable)
    assert "s3:DeleteObject" in (caught.value.hint or "")
    assert versioned.listed() == [f"{PREFIX}/nas/photos/a.jpg"]
