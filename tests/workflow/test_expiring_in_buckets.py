"""The same in real buckets: one that keeps versions looks as the one in memory does, which the rule of looking up is
tried on; in one that keeps none all stays."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from glacier_backup.catalog.catalog import Catalog
from glacier_backup.destination.s3 import S3
from glacier_backup.resolve.source import TreeRules
from tests.s3_servers.fixtures import PREFIX, Store
from tests.workflow.grove import ANY, Grove, grouping
from tests.workflow.test_looking_up import looked_up


@pytest.fixture
def grove(tmp_path: Path) -> Iterator[Grove]:
    with Catalog.open(str(tmp_path / "catalog.sqlite3")) as catalog:
        rules = TreeRules(expire_deleted=True, max_delete=ANY, prefixing=grouping(20, names="root"))
        yield Grove(tmp_path / "tree", catalog, rules)


def seasons(grove: Grove) -> Iterator[None]:
    """Edits, after each of which a run comes."""
    for name in ("d/a", "d/b", "e/a", "e/b", "f"):
        grove.write(name, name * 3)
    grove.write("large", "x" * 50)
    yield
    grove.remove("d/b")
    grove.write("large", "small", mtime=1_600_000_001)
    yield
    grove.write("d/b", "y" * 12, mtime=1_600_000_002)
    grove.write("f", "f" * 60, mtime=1_600_000_003)
    grove.remove("e")
    yield


def connect(store: Store) -> S3:
    return S3(store.bucket, PREFIX, store.access, 3, storage_class="STANDARD")


def listed(store: Store) -> dict[str, bytes]:
    return {key.removeprefix(f"{PREFIX}/"): store.bytes(key) for key in store.listed()}


def test_a_bucket_that_keeps_versions_shows_the_newest_state(grove: Grove, s3_store: Store) -> None:
    s3_store.aws.put_bucket_versioning(Bucket=s3_store.bucket, VersioningConfiguration={"Status": "Enabled"})
    for _ in seasons(grove):
        with closing(connect(s3_store)) as s3:
            grove.others = {"s3": s3}
            assert grove.run().exit_code == 0
        there = listed(s3_store)
        assert there == grove.bucket.listed()
        for path in (one for one in grove.folder.rglob("*") if one.is_file()):
            assert looked_up(f"nas{path}", there) == path.read_bytes()


def test_a_bucket_that_keeps_none_keeps_all(grove: Grove, others_store: Store) -> None:
    ever: set[str] = set()
    for _ in seasons(grove):
        with closing(connect(others_store)) as s3:
            grove.others = {"s3": s3}
            assert grove.run().exit_code == 0
        there = set(listed(others_store))
        assert ever <= there
        ever = there
