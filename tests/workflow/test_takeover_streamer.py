"""Taking over the record of the Storage Box streamer: what is really in the bucket counts."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack, closing
from pathlib import Path

import pytest

from glacier_backup.catalog.catalog import Catalog
from glacier_backup.catalog.matching import Matching
from glacier_backup.destination.buckets.requests import BucketRequests
from glacier_backup.errors import DestinationUnavailable
from glacier_backup.model.event import Event, Warned
from glacier_backup.workflow.takeover_streamer import Record, TakenOver, take_over_files
from tests.catalog.streamer_record import write_record
from tests.destination.s3_buckets import s3_at
from tests.s3_servers.between import Answer, of
from tests.s3_servers.fixtures import PREFIX, Store

SECTION = "sftp://u1@box:23/home/photos"


class Moving:
    """A bucket, a record and a catalog."""

    def __init__(self, store: Store, folder: Path, catalog: Catalog, open_: ExitStack) -> None:
        self.store = store
        self.catalog = catalog
        self.told: list[str] = []
        self._folder = folder
        self._open = open_

    def put(self, key: str, size: int = 5) -> None:
        """An object as the streamer left it, below the prefix."""
        body = b"x" * size
        self.store.aws.put_object(
            Bucket=self.store.bucket, Key=f"{PREFIX}/{key}", Body=body, StorageClass="DEEP_ARCHIVE"
        )

    def take(self, *rows: tuple[object, ...] | str, section: str = SECTION) -> TakenOver:
        """Take over these rows; one that is a path has 5 bytes."""
        file = self._folder / "archive_state.db"
        file.unlink(missing_ok=True)
        write_record(file, [(row, 5, 1_600_000_000, 1_700_000_000) if isinstance(row, str) else row for row in rows])
        record = Record(str(file), section, self._open.enter_context(Matching()))
        with closing(s3_at(self.store)) as s3:
            place_id = self.catalog.register(s3.place, s3.place)
            return take_over_files(record, self.catalog, place_id, s3, self._tell, BucketRequests.is_denial)

    def locators(self, section: str = SECTION) -> dict[str, str]:
        """By path below the section."""
        return {one.path.removeprefix(section).lstrip("/"): one.locator for one in self.catalog.archives()}

    def _tell(self, event: Event) -> None:
        if isinstance(event, Warned):
            self.told.append(event.message)


@pytest.fixture
def moving(s3_store: Store, tmp_path: Path) -> Iterator[Moving]:
    with Catalog.open(str(tmp_path / "catalog.sqlite3")) as catalog, ExitStack() as open_:
        yield Moving(s3_store, tmp_path, catalog, open_)


def test_what_is_in_the_bucket_is_recorded_with_what_was_known_of_it(moving: Moving) -> None:
    moving.put("2024/a.jpg")
    taken = moving.take(("2024/a.jpg", 5, 1_600_000_000, 1_700_000_000))
    assert (taken.imported, taken.stored, taken.keys, taken.listed, taken.unrecorded) == (1, 1, "relative", True, 0)
    (listed,) = moving.catalog.archives()
    assert (listed.path, listed.name) == (f"{SECTION}/2024/a.jpg", "a.jpg")
    assert (listed.locator, listed.bytes) == (f"{PREFIX}/2024/a.jpg", 5)
    assert listed.sent_at.timestamp() == 1_700_000_000
    (last,) = moving.catalog.last_sent(1, [listed.path]).values()
    assert last.digest == "file 5 1600000000000000000"
    assert moving.told == []


def test_rows_without_an_object_and_of_another_size_are_not_trusted(moving: Moving) -> None:
    for key in ("a", "b", "c"):
        moving.put(key)
    taken = moving.take("a", ("b", 6, 0, 0), "d", "e")
    assert (taken.imported, taken.unrecorded) == (1, 1)
    assert [one.path for one in taken.missing()] == ["d", "e"]
    assert [one.path for one in taken.of_other_size()] == ["b"]
    assert set(moving.locators()) == {"a"}


@pytest.mark.parametrize(
    ("path", "key", "keys"),
    [
        ("2024/a.jpg", "2024/a.jpg", "relative"),
        ("2024/a.jpg", "home/photos/2024/a.jpg", "full"),
        ("/home/photos/2024/a.jpg", "2024/a.jpg", "relative"),
        ("/home/photos//2024/a.jpg", "home/photos/2024/a.jpg", "full"),
        ("/home/photos/2024/a.jpg", "/home/photos/2024/a.jpg", "absolute"),
        ("home/photos/2024/a.jpg", "2024/a.jpg", "relative"),
        ("home/photos/2024/a.jpg", "home/photos/2024/a.jpg", "full"),
        ("./2024/a.jpg", "2024/a.jpg", "relative"),
    ],
)
def test_however_paths_and_keys_are_made_they_are_matched(moving: Moving, path: str, key: str, keys: str) -> None:
    moving.put(key)
    assert moving.take(path).keys == keys
    assert moving.locators() == {"2024/a.jpg": f"{PREFIX}/{key}"}


def test_a_folder_that_is_called_like_the_directory_is_no_part_of_it(moving: Moving) -> None:
    for key in ("home/photos/a", "b"):
        moving.put(key)
    taken = moving.take("home/photos/a", "b")
    assert (taken.keys, moving.locators()) == (
        "relative",
        {"home/photos/a": f"{PREFIX}/home/photos/a", "b": f"{PREFIX}/b"},
    )


def test_the_root_of_a_server_can_be_the_directory(moving: Moving) -> None:
    root = "sftp://u1@box:23/"
    for key in ("a", "b/c"):
        moving.put(key)
    assert moving.take("/a", "b/c", section=root).imported == 2
    assert {one.path for one in moving.catalog.archives()} == {f"{root}a", f"{root}b/c"}


def test_the_kind_of_key_that_most_have_counts_for_all(moving: Moving) -> None:
    for key in ("a", "home/photos/a", "home/photos/b"):
        moving.put(key)
    assert moving.take("a", "b").keys == "full"
    assert moving.locators() == {"a": f"{PREFIX}/home/photos/a", "b": f"{PREFIX}/home/photos/b"}


def test_a_second_time_adds_nothing_and_what_was_sent_since_is_added(moving: Moving) -> None:
    moving.put("a")
    moving.put("b")
    assert moving.take("a").imported == 1
    again = moving.take("a", "b")
    assert (again.stored, again.imported) == (2, 1)
    moving.put("a", 7)
    assert moving.take(("a", 7, 1_650_000_000, 1_750_000_000), "b").imported == 1
    last = moving.catalog.last_sent(1, [f"{SECTION}/a"])[f"{SECTION}/a"]
    assert last.digest == "file 7 1650000000000000000"


def test_rows_of_no_use_and_of_elsewhere_are_told(moving: Moving) -> None:
    moving.put("a")
    taken = moving.take("/home/photos/a", ("b", None, 1, 2), ("c", -1, 1, 2), "/home/photos2/x", "/etc/x")
    assert (taken.imported, taken.left_out) == (1, 4)
    useless, elsewhere = moving.told
    assert "2 rows are left out" in useless
    assert "2 files are left out, for they don't lie in sftp://u1@box:23/home/photos: /home/photos2/x, …" in elsewhere


def test_without_the_right_to_list_the_record_is_believed_and_that_is_said(moving: Moving) -> None:
    moving.store.between.rules.append(of("ListObjectsV2", Answer(403, "AccessDenied")))
    taken = moving.take("/home/photos/a", "/home/photos/b/c")
    assert (taken.imported, taken.listed, taken.keys) == (2, False, "relative")
    assert (list(taken.missing()), list(taken.of_other_size())) == ([], [])
    assert moving.locators() == {"a": f"{PREFIX}/a", "b/c": f"{PREFIX}/b/c"}
    (said,) = moving.told
    assert "may not be listed, so the record is believed" in said


def test_a_bucket_that_cannot_be_asked_is_no_reason_to_believe_anything(moving: Moving) -> None:
    moving.store.between.rules.append(of("ListObjectsV2", Answer(403, "InvalidAccessKeyId")))
    with pytest.raises(DestinationUnavailable):
        moving.take("a")
    assert list(moving.catalog.archives()) == []


def test_names_of_any_kind_are_found(moving: Moving) -> None:
    names = ["ä ö.jpg", "100%.jpg", "a'b", "a\tb", "x" * 200]
    for name in names:
        moving.put(name)
    assert moving.take(*names, (b"caf\xe9", 5, 0, 0)).imported == len(names)
