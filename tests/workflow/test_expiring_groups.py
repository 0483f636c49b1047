"""Groups that go by a prefix: what nothing is left in is put away, and never a moment before all of it is elsewhere."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from glacier_backup.catalog.catalog import Catalog
from glacier_backup.errors import DestinationError
from glacier_backup.model.archive import Label
from glacier_backup.resolve.source import Selection, TreeRules
from tests.permissions import with_mode, without_privilege
from tests.workflow.grove import Grove, expiries, grouping
from tests.workflow.world import failing

ROOT = grouping(20, names="root")


@pytest.fixture
def grove(tmp_path: Path) -> Iterator[Grove]:
    with Catalog.open(str(tmp_path / "catalog.sqlite3")) as catalog:
        yield Grove(tmp_path / "tree", catalog, TreeRules(expire_deleted=True, prefixing=ROOT))


def ten(grove: Grove, *names: str) -> None:
    """Files of ten bytes."""
    for name in names:
        grove.write(name, "x" * 10)


def test_a_file_that_is_in_a_group_now_is_no_more_alone(grove: Grove) -> None:
    grove.change(prefixing=None)
    ten(grove, "d/a", "d/b", "e")
    grove.run()
    grove.change(prefixing=ROOT)

    summary = grove.run()

    there = f"is in {grove.path}"
    assert expiries(summary) == [
        ("a", f"{there}/d/*~.zip now"),
        ("b", f"{there}/d/*~.zip now"),
        ("e", f"{there}/*~.zip now"),
    ]
    assert grove.seen() == ["*~.zip", "d/*~.zip"]
    assert all(grove.current().values())
    assert grove.run().expired == 0


def test_a_group_whose_files_are_alone_now_is_put_away(grove: Grove) -> None:
    ten(grove, "d/a", "d/b")
    grove.run()
    grove.change(prefixing=None)

    summary = grove.run()

    assert expiries(summary) == [("*~.zip", "its files are stored elsewhere now, or were deleted")]
    assert grove.seen() == ["d/a", "d/b"]
    assert grove.current() == {"d/a": "", "d/b": ""}


def test_a_group_that_shrinks_below_the_size_gives_its_files_to_a_shorter_one(grove: Grove) -> None:
    ten(grove, "d/a", "d/b", "e/a", "e/b")
    grove.run()
    before = grove.seen()
    grove.remove("d/b")

    summary = grove.run()

    assert before == ["d/*~.zip", "e/*~.zip"]
    assert sorted(expiries(summary)) == [
        ("*~.zip", "its files are stored elsewhere now, or were deleted"),
        ("b", "deleted at the source"),
    ]
    assert "d/*~.zip" not in grove.seen()
    assert set(grove.current()) == {"d/a", "e/a", "e/b"}


def test_a_section_of_its_own_within_takes_over_what_was_grouped_there(grove: Grove) -> None:
    ten(grove, "d/fo1", "d/fo2", "d/x", "e/a", "e/b")
    grove.run()
    assert grove.seen() == ["*~.zip", "d/fo*~.zip", "e/*~.zip"]
    grove.write("d/fo1", "changed", mtime=1_700_000_000)
    within = Selection(f"{grove.path}/d", compare=True, destinations=("main",), tree=grove.rules)

    summary = grove.run(within)

    gone = "its files are stored elsewhere now, or were deleted"
    assert (expiries(summary), summary.exit_code) == ([("fo*~.zip", gone)], 0)
    assert expiries(grove.run(within)) == [("*~.zip", gone)]
    assert grove.seen() == ["d/*~.zip", "e/*~.zip"]
    assert set(grove.current().values()) == {"d/*~.zip", "e/*~.zip"}
    assert (grove.run(within).sent, grove.run(within).expired) == (0, 0)

    grove.write("d/fo1", "changed it", mtime=1_700_000_001)
    grove.run()
    assert grove.seen() == ["*~.zip", "d/fo*~.zip", "e/*~.zip"]
    assert (grove.run().sent, grove.run().expired) == (0, 0)


def test_a_group_keeps_what_a_section_within_has_no_newer_version_of(grove: Grove) -> None:
    grove.change(expire_deleted=False)
    ten(grove, "d/fo1", "d/fo2", "d/x", "e/a", "e/b")
    grove.run()
    grove.remove("d/fo2")
    within = Selection(f"{grove.path}/d", compare=True, destinations=("main",), tree=grove.rules)

    grove.run(within)

    assert "d/fo*~.zip" in grove.seen()
    assert grove.current()["d/fo2"] == "d/fo*~.zip"


@pytest.mark.parametrize("size", [5, 50])
def test_a_file_that_is_called_like_a_group_is_not_taken_for_it(grove: Grove, size: int) -> None:
    ten(grove, "d/a", "d/b", "d/c")
    names = {"d/a", "d/b", "d/c", "d/*~.zip", "d/*~2.zip"}
    grove.run()
    grove.write("d/*~.zip", "z" * size)
    grove.write("d/*~2.zip", "z" * size)

    assert grove.run().exit_code == 0
    assert set(grove.current()) == names
    assert (grove.run().sent, grove.run().expired) == (0, 0)

    grove.write("d/*~.zip", "y" * 50, mtime=1_700_000_000)
    assert grove.run().exit_code == 0
    assert set(grove.current()) == names
    grove.remove("d/*~.zip")
    grove.run()
    assert set(grove.current()) == names - {"d/*~.zip"}
    grove.write("d/*~.zip", "x" * 50)
    grove.run()
    grove.remove("d/a", "d/b", "d/c")
    grove.run()
    assert set(grove.current()) == {"d/*~.zip", "d/*~2.zip"}
    assert (grove.run().sent, grove.run().expired) == (0, 0)


def test_what_only_a_group_of_before_holds_keeps_it_where_nothing_is_deleted(grove: Grove) -> None:
    grove.change(expire_deleted=False)
    ten(grove, "d/a", "d/b", "e/a", "e/b")
    grove.run()
    grove.remove("d/b")

    summary = grove.run()

    assert summary.expired == 0
    assert "d/*~.zip" in grove.seen()
    assert grove.current()["d/b"] == "d/*~.zip"
    grove.change(expire_deleted=True)
    assert sorted(path for path, _ in expiries(grove.run())) == ["*~.zip", "b"]


def test_nothing_is_put_away_before_its_files_are_stored_elsewhere(grove: Grove) -> None:
    ten(grove, "d/a", "d/b", "e/a", "e/b")
    grove.run()
    grove.remove("d/b")
    grove.bucket.on_send = failing(f"{grove.path}/*~.zip", DestinationError("no"))

    assert grove.run().expired == 0
    assert "d/*~.zip" in grove.seen()

    grove.bucket.on_send = lambda label: None
    assert grove.run().expired == 2


def test_a_crash_between_a_group_and_what_it_replaces_leaves_nothing_behind(grove: Grove) -> None:
    grove.change(prefixing=None)
    ten(grove, "d/a", "d/b")
    grove.run()
    grove.change(prefixing=ROOT)

    def crash(key: str) -> None:
        raise KeyboardInterrupt

    grove.bucket.on_expire = crash
    with pytest.raises(KeyboardInterrupt):
        grove.run()
    assert [name for name in grove.seen() if not name.endswith(".zip")] == ["d/a", "d/b"]

    grove.bucket.on_expire = lambda key: None
    assert (grove.run().expired, [name for name in grove.seen() if not name.endswith(".zip")]) == (2, [])


def test_an_old_object_of_a_deleted_file_goes_too(grove: Grove) -> None:
    """As after a run that has died between the group and the file that it replaces."""
    grove.change(prefixing=None)
    ten(grove, "d/a", "d/b", "d/c")
    grove.run()
    grove.change(prefixing=ROOT)

    def crash(key: str) -> None:
        raise KeyboardInterrupt

    grove.bucket.on_expire = crash
    with pytest.raises(KeyboardInterrupt):
        grove.run()
    grove.bucket.on_expire = lambda key: None
    grove.remove("d/c")

    grove.run()

    assert [name for name in grove.seen() if not name.endswith(".zip")] == []
    assert set(grove.current()) == {"d/a", "d/b"}


def test_a_file_that_vanishes_while_its_new_group_is_read_keeps_the_one_before(grove: Grove) -> None:
    grove.change(expire_deleted=False)
    ten(grove, "d/a", "d/b", "e/a", "e/b")
    grove.run()
    grove.remove("d/b")
    (grove.folder / "e/c").write_text("y")
    grove.bucket.after_begin = lambda label: (grove.folder / "d/a").unlink(missing_ok=True)

    grove.run()

    assert "d/*~.zip" in grove.seen()
    assert grove.current()["d/a"] == "d/*~.zip"


def test_s3_backup_defect_2_a_file_that_vanishes_while_it_is_sent_stays_stored(grove: Grove) -> None:
    grove.change(prefixing=None)
    ten(grove, "a", "b", "c")
    grove.run()
    grove.write("b", "changed and larger")
    grove.bucket.on_begin = lambda label: (grove.folder / "b").unlink(missing_ok=True)

    grove.run()

    assert "b" in grove.seen()
    assert "b" in grove.current()


def test_s3_backup_defect_2_a_file_that_can_t_be_read_stays_stored(grove: Grove) -> None:
    grove.change(prefixing=None)
    ten(grove, "a", "folder/b", "folder/c")
    grove.run()

    with with_mode(grove.folder / "folder"), without_privilege():
        summary = grove.run()

    assert (summary.expired, summary.exit_code) == (0, 1)
    assert grove.seen() == ["a", "folder/b", "folder/c"]


def test_s3_backup_defect_2_a_member_that_can_t_be_read_leaves_its_zip_as_it_is(grove: Grove) -> None:
    ten(grove, "d/a", "d/b", "e/a", "e/b")
    grove.run()

    with with_mode(grove.folder / "d"), without_privilege():
        summary = grove.run()

    assert summary.exit_code == 1
    assert "d/*~.zip" in grove.seen()
    assert grove.current()["d/a"] == "d/*~.zip"


def test_s3_backup_defect_3_an_empty_source_deletes_nothing(grove: Grove) -> None:
    ten(grove, "d/a", "d/b", "e")
    grove.run()
    before = grove.seen()
    grove.remove("d", "e")

    summary = grove.run()

    assert (summary.expired, summary.exit_code, grove.seen()) == (0, 1, before)
    assert "is its disk mounted?" in grove.warnings()[0]


def test_s3_backup_defect_3_a_source_that_isn_t_mounted_deletes_nothing(grove: Grove) -> None:
    ten(grove, "d/a", "d/b", "e")
    grove.run()
    before = grove.seen()
    grove.folder.rename(grove.folder.parent / "unmounted")

    summary = grove.run()

    assert (summary.expired, summary.exit_code, grove.seen()) == (0, 1, before)


def test_s3_backup_defect_6_touched_files_are_not_hashed_again(grove: Grove, monkeypatch: pytest.MonkeyPatch) -> None:
    from glacier_backup.workflow.sending import hashing

    read: list[str] = []
    really = hashing._read_now

    def noted(candidate: object, *rest: object) -> object:
        read.append(candidate.path.rpartition("/")[2])  # type: ignore[attr-defined]  # it is one
        return really(candidate, *rest)  # type: ignore[arg-type]  # as they came

    monkeypatch.setattr(hashing, "_read_now", noted)
    grove.change(hashing="other time")
    grove.write("large", "x" * 50)
    ten(grove, "d/a", "d/b")
    grove.run()
    read.clear()
    grove.write("large", "x" * 50, mtime=1_700_000_000)
    grove.write("d/a", "x" * 10, mtime=1_700_000_000)

    sent = [grove.run().sent for _ in range(3)]

    assert (sent, sorted(read)) == ([0, 0, 0], ["a", "large"])


def test_s3_backup_defect_7_an_edit_of_the_same_size_during_the_upload_is_seen(grove: Grove) -> None:
    grove.write("large", "a" * 50)
    ten(grove, "d/a", "d/b")

    def edit(label: Label) -> None:
        # Of each what is being sent, for the other may not have been read yet.
        name, content = ("d/a", "y" * 10) if label.kind == "group" else ("large", "b" * 50)
        grove.write(name, content, mtime=1_600_000_001)

    grove.bucket.on_complete = edit
    grove.run()
    grove.bucket.on_complete = lambda label: None

    assert grove.run().sent == 2
    assert grove.run().sent == 0
