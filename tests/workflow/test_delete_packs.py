"""What deleting by name would remove where files lie in packs, and what it refuses."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path as FilePath

import pytest

from glacier_backup.catalog.catalog import Catalog
from glacier_backup.errors import UsageError
from glacier_backup.model.stored import ArchiveFilter
from tests.workflow.removals import NOW, PHOTOS, Removals, ids

A, B, C = (f"{PHOTOS}/{name}" for name in "abc")


@pytest.fixture
def removals(tmp_path: FilePath) -> Iterator[Removals]:
    with Catalog.open(str(tmp_path / "catalog.sqlite3")) as catalog:
        found = Removals(catalog)
        found.there = set()
        yield found


def test_a_file_in_a_pack_is_not_deleted_alone(removals: Removals) -> None:
    pack = removals.group(9, "a", "b", "c")
    with pytest.raises(UsageError, match=r"one file is meant of the 3 in the pack id:1 of .* as a whole") as caught:
        removals.delete(A)
    assert f"delete id:{pack} deletes them all" in str(caught.value.hint)
    with pytest.raises(UsageError, match="2 files are meant of the 3 in the pack"):
        removals.delete(A, B, A)


def test_a_pack_is_named_by_its_number_its_path_and_its_locator(removals: Removals) -> None:
    pack = removals.group(9, "a", "b")
    (archive,) = (one for one in removals.catalog.stored_archives(ArchiveFilter()) if one.id == pack)
    for word in (f"id:{pack}", archive.path, archive.volumes[0].locator):
        plan = removals.delete(word)
        assert [(one.id, one.why) for one in plan.removals] == [(pack, "named")]


def test_a_pack_goes_when_each_of_its_files_is_named(removals: Removals) -> None:
    pack = removals.group(9, "a", "b")
    plan = removals.delete(A, B)
    assert [(one.id, one.why) for one in plan.removals] == [(pack, "all files in it are named")]
    assert ids(removals.delete(f"{PHOTOS}/*", globs=True)) == [pack]
    assert ids(removals.delete(A, B, f"id:{pack}")) == [pack]


def test_a_whole_tree_goes_with_all_its_versions(removals: Removals) -> None:
    several = [removals.group(9, "a", "b"), removals.sent(8, A), removals.group(7, "a"), removals.sent(6, B)]
    assert sorted(ids(removals.delete(f"{PHOTOS}/*", globs=True, all_versions=True))) == several


def test_of_the_versions_of_a_file_it_has_to_be_said_which(removals: Removals) -> None:
    pack, alone, last = removals.group(9, "a"), removals.sent(8, A), removals.group(7, "a", "b")
    with pytest.raises(UsageError, match="has 3 archives at one place"):
        removals.delete(A)
    assert ids(removals.delete(A, at=NOW - timedelta(days=9))) == [pack]
    assert ids(removals.delete(A, at=NOW - timedelta(days=8))) == [alone]
    with pytest.raises(UsageError, match=f"one file is meant of the 2 in the pack id:{last}"):
        removals.delete(A, at=NOW)
    assert ids(removals.delete(f"id:{alone}")) == [alone]


def test_the_last_good_version_of_a_file_that_is_still_there_keeps_its_pack(removals: Removals) -> None:
    pack = removals.group(9, "a", "b")
    removals.there = {B}
    for words in ((f"id:{pack}",), (A, B)):
        with pytest.raises(UsageError, match=f"nothing good would be left of what is still there: {B}") as caught:
            removals.delete(*words)
        assert A not in str(caught.value)
        assert ids(removals.delete(*words, even_last=True)) == [pack]
    removals.group(1, "b")
    assert ids(removals.delete(f"id:{pack}")) == [pack]


def test_a_version_in_a_pack_is_a_good_one_for_what_lies_alone(removals: Removals) -> None:
    alone = removals.sent(9, A)
    removals.there = {A}
    with pytest.raises(UsageError, match="nothing good would be left"):
        removals.delete(f"id:{alone}")
    removals.group(1, "a", "b")
    assert ids(removals.delete(f"id:{alone}")) == [alone]


def test_of_a_pack_whose_files_nobody_knows_the_directory_has_to_be_gone(removals: Removals) -> None:
    pack = removals.group(9, "a", known=False)
    assert ids(removals.delete(f"id:{pack}")) == [pack]
    removals.there = {PHOTOS}
    with pytest.raises(UsageError, match="nothing good would be left of what is still there: /data/photos/~pack-"):
        removals.delete(f"id:{pack}")
    assert ids(removals.delete(f"id:{pack}", even_last=True)) == [pack]


def test_all_packs_of_a_directory_have_one_name(removals: Removals) -> None:
    first, second = removals.group(9, "a", "b"), removals.group(1, "a")
    with pytest.raises(UsageError, match=r"photos\.pack\.tar has 2 archives at one place"):
        removals.delete("photos.pack.tar")
    assert ids(removals.delete("photos.pack.tar", at=NOW - timedelta(days=2))) == [first]
    assert sorted(ids(removals.delete("photos.pack.tar", all_versions=True))) == [first, second]


def test_what_is_inside_of_one_pack_is_no_archive(removals: Removals) -> None:
    pack = removals.group(9, "2020/a", "b")
    for word in (f"id:{pack}:b", f"id:{pack}:2020", f"id:{pack}:*"):
        with pytest.raises(UsageError, match="inside an archive, and only whole archives"):
            removals.delete(word, globs=True)
    with pytest.raises(UsageError, match="paths below it have"):
        removals.delete(f"{PHOTOS}/2020")
