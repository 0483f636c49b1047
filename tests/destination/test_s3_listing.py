from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing
from datetime import UTC, datetime
from typing import TYPE_CHECKING

import pytest

from glacier_backup.destination.buckets.listing import Marks
from glacier_backup.destination.s3 import S3
from glacier_backup.model.thaw import Stored, Thaw
from tests.contract.sending import nothing
from tests.destination.s3_buckets import s3_at
from tests.s3_servers.fixtures import PREFIX, Store

if TYPE_CHECKING:
    from mypy_boto3_s3.type_defs import DeleteMarkerEntryTypeDef

TIME = datetime(2026, 3, 1, tzinfo=UTC)
INVENTORY = Thaw(None, "", "ready")


@pytest.fixture
def store(s3_store: Store) -> Store:
    s3_store.aws.put_bucket_versioning(Bucket=s3_store.bucket, VersioningConfiguration={"Status": "Enabled"})
    return s3_store


@pytest.fixture
def s3(store: Store) -> Iterator[S3]:
    with closing(s3_at(store)) as made:
        yield made


def put(store: Store, *keys: str) -> None:
    for key in keys:
        store.aws.put_object(Bucket=store.bucket, Key=f"{PREFIX}/{key}", Body=b"x", Metadata={"hash": f"of {key}"})


def delete(store: Store, *keys: str) -> None:
    for key in keys:
        store.aws.delete_object(Bucket=store.bucket, Key=f"{PREFIX}/{key}")


def listed(s3: S3) -> list[tuple[str, bool]]:
    found = s3.inventory(INVENTORY, nothing)
    return [(one.locator.removeprefix(f"{PREFIX}/").partition("?")[0], one.hidden_at is not None) for one in found]


def test_what_is_deleted_says_so_by_its_newest_version_alone(s3: S3, store: Store) -> None:
    put(store, "a", "b", "b", "c", "d")
    delete(store, "b", "c", "c")
    put(store, "c")
    delete(store, "d", "nothing")
    delete(store, "0")

    assert listed(s3) == [("a", False), ("b", True), ("b", False), ("c", False), ("c", False), ("d", True)]


def test_a_mark_counts_for_a_version_on_a_later_page_and_not_for_one_of_another_key() -> None:
    marks = Marks()
    marks.add([mark("a"), mark("b"), mark("d", latest=False)])
    marks.add([mark("ü")])

    assert [marks.of(key) for key in ("b", "b", "c", "d", "ü")] == [TIME, None, None, None, TIME]


def mark(key: str, *, latest: bool = True) -> DeleteMarkerEntryTypeDef:
    return {"Key": key, "IsLatest": latest, "LastModified": TIME}


def test_what_an_object_says_of_itself_is_told_when_it_is_asked(s3: S3, store: Store) -> None:
    put(store, "a")
    (found,) = s3.inventory(INVENTORY, nothing)

    assert isinstance(found, Stored)
    assert found.metadata == {}
    assert s3.examine(found, nothing).metadata == {"hash": "of a"}
