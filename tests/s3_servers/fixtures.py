"""Fixtures of the S3 servers; started once, by the first test that needs one. Each test has a bucket of its own."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass
from typing import TYPE_CHECKING

import pytest

from glacier_backup.destination.aws.access import Access
from tests.s3_servers.between import Between
from tests.s3_servers.process import moto, rclone

if TYPE_CHECKING:
    from mypy_boto3_s3.client import S3Client

PREFIX = "backups/here"


@dataclass(frozen=True)
class Store:
    """A bucket, and the ways to it."""

    bucket: str
    server: str
    """The address of the server itself."""
    between: Between
    """The proxy in front of it."""
    aws: S3Client
    """A client of others, straight to the server."""

    @property
    def access(self) -> Access:
        """The way that the tests' destinations take."""
        return Access(region="us-east-1", endpoint_url=self.between.endpoint)

    def listed(self) -> list[str]:
        """All that is there."""
        return [one["Key"] for one in self.aws.list_objects_v2(Bucket=self.bucket).get("Contents", [])]

    def bytes(self, key: str) -> bytes:
        """What is stored, as another program reads it."""
        try:
            return self.aws.get_object(Bucket=self.bucket, Key=key)["Body"].read()
        except self.aws.exceptions.InvalidObjectState:
            self.aws.restore_object(Bucket=self.bucket, Key=key, RestoreRequest={"Days": 1})
            return self.aws.get_object(Bucket=self.bucket, Key=key)["Body"].read()

    def open_uploads(self) -> int:
        try:
            return len(self.aws.list_multipart_uploads(Bucket=self.bucket).get("Uploads", []))
        except self.aws.exceptions.NoSuchUpload:
            return 0  # what rclone's says where there never was one


@pytest.fixture(scope="session")
def moto_server() -> Iterator[str]:
    with moto() as endpoint:
        yield endpoint


@pytest.fixture(scope="session")
def rclone_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    with rclone(tmp_path_factory.mktemp("rclone")) as endpoint:
        yield endpoint


@pytest.fixture
def s3_store(moto_server: str, s3_keys_set: None) -> Iterator[Store]:
    """A bucket at moto's."""
    yield from _store(moto_server)


@pytest.fixture
def others_store(rclone_server: str, s3_keys_set: None) -> Iterator[Store]:
    """A bucket at a store of others."""
    yield from _store(rclone_server)


@pytest.fixture
def s3_keys_set(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "AKIAEXAMPLE")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "secret")


_made = 0


def _store(server: str) -> Iterator[Store]:
    import boto3
    from botocore.config import Config

    global _made
    _made += 1
    bucket = f"bucket-{_made}"
    checksums = Config(request_checksum_calculation="when_required", response_checksum_validation="when_required")
    with (
        Between(server) as between,
        closing(boto3.client("s3", region_name="us-east-1", endpoint_url=server, config=checksums)) as aws,
    ):
        aws.create_bucket(Bucket=bucket)
        yield Store(bucket, server, between, aws)
