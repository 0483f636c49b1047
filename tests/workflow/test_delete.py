"""What deleting by name would remove, and what it refuses."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path as FilePath

import pytest

from glacier_backup.catalog.catalog import Catalog
from glacier_backup.errors import UsageError
from glacier_backup.model.place import Place
from tests.workflow.removals import BUCKET, NOW, PHOTOS, Removals, ids

OTHER = "/data/gone"
DISK = Place("local", "/disk")


@pytest.fixture
def removals(tmp_path: FilePath) -> Iterator[Removals]:
    with Catalog.open(str(tmp_path / "catalog.sqlite3")) as catalog:
        yield Removals(catalog)


def test_the_only_archive_of_a_path_is_named_by_the_path(removals: Removals) -> None:
    one = removals.sent(1, OTHER)
    removals.sent(1)
    assert ids(removals.delete("gone")) == [one]
    assert ids(removals.delete("gone", at=NOW)) == [one]


def test_of_several_it_has_to_be_said_which(removals: Removals) -> None:
    several = [removals.sent(days, OTHER) for days in (9, 5, 1)]
    with pytest.raises(UsageError, match="has 3 archives at one place, and it isn't clear which"):
        removals.delete(OTHER)
    assert ids(removals.delete(OTHER, at=NOW - timedelta(days=4))) == several[1:2]
    assert ids(removals.delete(OTHER, all_versions=True)) == several
    assert ids(removals.delete(f"id:{several[0]}", f"{OTHER[1:]} 1")) == [several[0], several[2]]


def test_before_the_first_there_is_none(removals: Removals) -> None:
    removals.sent(9, OTHER)
    with pytest.raises(UsageError, match=r"there is no archive of /data/gone .*the first is of"):
        removals.delete(OTHER, at=NOW - timedelta(days=10))


def test_one_that_is_named_twice_goes_once(removals: Removals) -> None:
    one = removals.sent(1, OTHER)
    assert ids(removals.delete(OTHER, f"id:{one}", "/data/*", globs=True)) == [one]


def test_the_last_archive_of_what_is_still_there_is_refused(removals: Removals) -> None:
    one, other = removals.sent(2), removals.sent(1)
    assert ids(removals.delete(f"id:{one}")) == [one]
    for words in ([PHOTOS], [f"id:{one}", f"id:{other}"]):
        with pytest.raises(
            UsageError, match="nothing good would be left of what is still there: /data/photos"
        ) as caught:
            removals.delete(*words, all_versions=True)
        assert "--even-last" in str(caught.value.hint)
    assert ids(removals.delete(PHOTOS, all_versions=True, even_last=True)) == [one, other]


def test_a_worse_one_that_is_left_is_not_enough(removals: Removals) -> None:
    whole, incomplete = removals.sent(2), removals.sent(1, problems=2)
    assert ids(removals.delete(f"id:{incomplete}")) == [incomplete]
    with pytest.raises(UsageError, match="nothing good would be left"):
        removals.delete(f"id:{whole}")


def test_a_copy_elsewhere_is_enough(removals: Removals) -> None:
    here, there = removals.sent(2), removals.sent(2, place=DISK)
    disk = removals.catalog.place_id(DISK)
    assert ids(removals.delete(PHOTOS, place_id=disk)) == [there]
    assert here not in ids(removals.delete(PHOTOS, place_id=disk))


def test_what_another_machine_has_sent_may_go(removals: Removals) -> None:
    theirs = removals.sent(2, host="other")
    removals.sent(1)
    assert ids(removals.delete(f"id:{theirs}")) == [theirs]
    gone = removals.sent(2, OTHER, host="other")
    assert ids(removals.delete(OTHER)) == [gone]


def test_what_this_machine_has_sent_under_another_name_is_the_last_archive_too(removals: Removals) -> None:
    before = removals.sent(2, host="the name before")
    with pytest.raises(UsageError, match="nothing good would be left"):
        removals.delete(PHOTOS)
    assert ids(removals.delete(PHOTOS, even_last=True)) == [before]


def test_what_another_machine_has_sent_is_no_copy_of_ours(removals: Removals) -> None:
    removals.sent(2, host="other")
    ours = removals.sent(1)
    with pytest.raises(UsageError, match="nothing good would be left"):
        removals.delete(f"id:{ours}")


def test_a_glob_has_to_be_allowed(removals: Removals) -> None:
    several = [removals.sent(1, f"/data/gone/{name}") for name in "ab"]
    with pytest.raises(UsageError, match="may mean many archives"):
        removals.delete("/data/gone/*")
    assert ids(removals.delete("/data/gone/*", globs=True)) == several


def test_a_folder_above_archives_is_no_name_of_theirs(removals: Removals) -> None:
    removals.sent(1, "/data/gone/a")
    with pytest.raises(UsageError, match="paths below it have") as caught:
        removals.delete("/data/gone")
    assert "'/data/gone/*'" in str(caught.value.hint)


def test_of_a_glob_paths_without_an_archive_that_old_are_passed_over(removals: Removals) -> None:
    old, _ = removals.sent(9, "/data/gone/a"), removals.sent(1, "/data/gone/b")
    assert ids(removals.delete("/data/gone/*", at=NOW - timedelta(days=5), globs=True)) == [old]


def test_a_member_is_no_archive(removals: Removals) -> None:
    removals.sent(1)
    with pytest.raises(UsageError, match=r"nothing that is stored is called|inside an archive"):
        removals.delete(f"{PHOTOS}/a.jpg")


def test_a_key_that_is_in_use_at_two_places_needs_one_of_them_named(removals: Removals) -> None:
    removals.sent(1, OTHER, locator="nas/data/gone")
    there = removals.sent(1, OTHER, place=DISK, locator="nas/data/gone")
    with pytest.raises(UsageError, match="at several places"):
        removals.delete("nas/data/gone")
    assert ids(removals.delete("nas/data/gone", place_id=removals.catalog.place_id(DISK))) == [there]


def test_what_is_elsewhere_is_not_there(removals: Removals) -> None:
    removals.sent(1, OTHER)
    removals.sent(1, place=DISK)
    with pytest.raises(UsageError, match="nothing of /data/gone is stored there"):
        removals.delete(OTHER, place_id=removals.catalog.place_id(DISK))


def test_what_was_overwritten_goes_with_what_has_its_key(removals: Removals) -> None:
    older = [removals.sent(days, OTHER, place=BUCKET, locator="key", storage_class="STANDARD") for days in (3, 2)]
    last = removals.sent(1, OTHER, place=BUCKET, locator="key", storage_class="STANDARD")
    plan = removals.delete(OTHER)
    assert ids(plan) == [*older, last]
    assert [one.bytes for one in plan.removals] == [0, 0, 10_240]
    assert ids(removals.delete("key")) == [*older, last]


def test_of_what_is_overwritten_only_the_record_goes(removals: Removals) -> None:
    older = removals.sent(3, place=BUCKET, locator="key")
    removals.sent(2, place=BUCKET, locator="key")
    plan = removals.delete(f"id:{older}")
    assert (ids(plan), plan.bytes) == ([older], 0)
