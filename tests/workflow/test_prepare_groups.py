"""Deciding for whole trees whose small files go into ZIPs by their prefixes: each ZIP is sent when its list of files,
or one of them, has changed."""

from __future__ import annotations

import os
import random
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime
from io import BytesIO
from pathlib import Path
from zipfile import ZipFile

import pytest

from glacier_backup.catalog.catalog import Catalog
from glacier_backup.config.settings import DestinationSettings
from glacier_backup.model.event import Summary
from glacier_backup.model.place import Place
from glacier_backup.model.plan import BackupPlan, Skip, Upload
from glacier_backup.model.stored import ArchiveFilter
from glacier_backup.model.upload_reason import Gathered
from glacier_backup.plan.grouping import files_of
from glacier_backup.resolve.source import Selection, TreeRules
from glacier_backup.workflow.backup import preview
from glacier_backup.workflow.sending import hashing
from tests.fakes import MemoryDestination
from tests.permissions import with_mode, without_privilege
from tests.workflow.grove import Grove, grouping

LATER = 1_700_000_000
OLD = 1_000_000_000


@pytest.fixture
def grove(tmp_path: Path) -> Iterator[Grove]:
    with Catalog.open(str(tmp_path / "catalog.sqlite3")) as catalog:
        yield Grove(tmp_path / "tree", catalog, TreeRules(prefixing=grouping(10, names="root")))


def write(grove: Grove, *names: str, size: int = 5, mtime: int = 1_600_000_000) -> None:
    for name in names:
        grove.write(name, name[-1] * size, mtime)


def sent(what: BackupPlan | Summary, to: str = "main") -> dict[str, str]:
    """Why each is, by what comes behind the tree's path."""
    decisions = what.decisions if isinstance(what, BackupPlan) else [one.decision for one in what.results]
    return {
        one.path.partition("/tree/")[2]: str(one.reason)
        for one in decisions
        if isinstance(one, Upload) and one.to == to
    }


def whys(plan: BackupPlan) -> dict[str, str]:
    """Of the files of the groups that are sent."""
    sent_groups = (one for one in plan.decisions if isinstance(one, Upload) and one.contents is not None)
    return {file.path.partition("/tree/")[2]: file.reason for one in sent_groups for file in files_of(one)}


def stored(grove: Grove) -> dict[str, str]:
    """What somebody sees in the bucket: content of each file, alone or in a ZIP, by key below the tree's."""
    start, found = f"nas{grove.path}/", {}
    for key, data in grove.bucket.listed().items():
        if not key.endswith(".zip"):
            found[key.removeprefix(start)] = data.decode()
            continue
        with ZipFile(BytesIO(data)) as file:
            found.update({name.removeprefix(start): file.read(name).decode() for name in file.namelist()})
    return found


def content(grove: Grove) -> dict[str, str]:
    return {str(one.relative_to(grove.folder)): one.read_text() for one in grove.folder.rglob("*") if one.is_file()}


def test_small_files_go_together_and_large_ones_by_themselves(grove: Grove) -> None:
    write(grove, "d/a", "d/b", "e")
    write(grove, "large", size=10)

    assert sent(grove.run()) == {
        "large": "not sent yet",
        "d/*~.zip": "2 files, not sent yet",
        "*~.zip": "1 file, not sent yet",
    }
    assert stored(grove) == content(grove)
    assert grove.seen() == ["*~.zip", "d/*~.zip", "large"]


def test_a_second_run_sends_nothing(grove: Grove) -> None:
    write(grove, "d/a", "d/b", "e")
    grove.run()

    summary = grove.run()

    assert (summary.sent, summary.skipped) == (0, 2)
    assert all(str(one.decision.reason).startswith("unchanged since") for one in summary.results)


def test_one_changed_file_sends_its_group_and_says_which_it_was(grove: Grove) -> None:
    write(grove, "d/a", "d/b", "d/c", "d/d", "e/a", "e/b")
    grove.run()
    write(grove, "d/b", mtime=LATER)
    write(grove, "d/c", size=6)
    write(grove, "d/x", size=4)
    grove.remove("d/d")

    plan = grove.plan()

    assert sent(plan) == {"d/*~.zip": "4 files: 1 not sent yet, 2 changed, 1 unchanged; 1 no longer in it"}
    assert whys(plan) == {"d/a": "unchanged", "d/b": "changed", "d/c": "changed", "d/x": "not sent yet"}
    assert sent(grove.run()) == sent(plan)
    assert stored(grove) == content(grove)
    assert grove.run().sent == 0


def test_a_group_that_has_lost_a_file_is_sent_without_it(grove: Grove) -> None:
    write(grove, "d/a", "d/b", "d/c")
    grove.run()
    grove.remove("d/c")

    assert sent(grove.run()) == {"d/*~.zip": "2 files, unchanged; 1 no longer in it"}
    assert stored(grove) == content(grove)


# What s3-backup lost: it looked at times first, and at the list of files not at all.


def test_s3_backup_defect_1_a_group_that_falls_below_the_threshold_leaves_its_files_stored(grove: Grove) -> None:
    write(grove, "d/a", "d/b", "e", mtime=OLD)
    grove.run()
    grove.remove("d/a")

    assert sent(grove.run()) == {"*~.zip": "2 files, unchanged"}
    assert stored(grove)["d/b"] == "bbbbb"
    assert {name: stored(grove)[name] for name in content(grove)} == content(grove)


def test_s3_backup_defect_1_a_new_group_leaves_what_it_doesn_t_take_stored(grove: Grove) -> None:
    """The shorter group is dissolved, and what is left of it goes to the root's."""
    write(grove, "d/a1", "d/b1", mtime=OLD)
    write(grove, "e", size=1, mtime=OLD)
    grove.run()
    assert grove.seen() == ["*~.zip", "d/*~.zip"]
    write(grove, "d/a2", mtime=OLD)

    grove.run()

    assert grove.current() == {"d/a1": "d/a*~.zip", "d/a2": "d/a*~.zip", "d/b1": "*~.zip", "e": "*~.zip"}
    assert stored(grove) == content(grove)


def test_s3_backup_defect_1_an_old_file_that_is_moved_in_is_stored(grove: Grove) -> None:
    write(grove, "d/a", "d/b", mtime=OLD)
    grove.run()
    os.rename(grove.folder / "d" / "b", grove.folder / "d" / "c")
    write(grove, "d/x", mtime=OLD - 10**8)

    assert sent(grove.run()) == {"d/*~.zip": "3 files: 1 not sent yet, 1 renamed, 1 unchanged; 1 no longer in it"}
    assert stored(grove) == content(grove)


@pytest.mark.parametrize("names", [(), ("a",), ("d/a", "d/b")], ids=["no group", "only that of the root", "one group"])
def test_s3_backup_defect_5_fewer_than_two_groups_are_no_trouble(grove: Grove, names: tuple[str, ...]) -> None:
    grove.folder.mkdir()
    write(grove, *names)
    write(grove, "large", size=50)

    assert grove.run().exit_code == 0
    assert stored(grove) == content(grove)
    assert grove.run().exit_code == 0


def test_s3_backup_defect_14_a_dry_run_asks_nobody_and_the_cold_is_the_default(grove: Grove) -> None:
    write(grove, "d/a", "d/b")
    grove.run()
    asked, stored_before = grove.bucket.asked, dict(grove.bucket.stored)
    write(grove, "d/c", "e")

    assert len(sent(grove.plan())) == 2
    assert (grove.bucket.asked, grove.bucket.stored) == (asked, stored_before)
    assert DestinationSettings(name="main", kind="s3").storage_class == "DEEP_ARCHIVE"


def test_any_sequence_of_edits_leaves_every_file_stored_as_it_is(grove: Grove) -> None:
    """Adding, removing, renaming with the old time, touching, growing beyond the threshold and shrinking."""
    source = random.Random(5)
    names = [f"{folder}{letter}{number}" for folder in ("", "d/", "d/e/") for letter in "ab" for number in range(3)]
    grove.folder.mkdir()
    write(grove, "stays")
    for _ in range(12):
        for name in source.sample(names, 3):
            there = grove.folder / name
            if not there.exists() or source.random() < 0.5:
                write(grove, name, size=source.choice([0, 1, 4, 9, 15]), mtime=source.choice([OLD, LATER]))
            elif source.random() < 0.5:
                grove.remove(name)
            else:
                os.replace(
                    there, grove.folder / source.choice([one for one in names if (grove.folder / one).parent.exists()])
                )
        grove.run()
        seen = stored(grove)
        assert {name: seen.get(name) for name in content(grove)} == content(grove)
        assert grove.run().sent == 0


# Comparing by content.


def read_by(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The names of the files that are read to compare them, as they are."""
    names: list[str] = []
    really = hashing._read_now

    def noted(candidate: object, *rest: object) -> object:
        names.append(candidate.path.partition("/tree/")[2])  # type: ignore[attr-defined]  # it is one
        return really(candidate, *rest)  # type: ignore[arg-type]  # as they came

    monkeypatch.setattr(hashing, "_read_now", noted)
    return names


def test_a_touched_file_sends_nothing_where_content_is_compared(grove: Grove, monkeypatch: pytest.MonkeyPatch) -> None:
    grove.change(hashing="other time")
    write(grove, "d/a", "d/b", "d/c")
    grove.run()
    read = read_by(monkeypatch)
    write(grove, "d/a", mtime=LATER)

    summary = grove.run()

    assert (summary.sent, read) == (0, ["d/a"])
    (skip,) = [one.decision for one in summary.results]
    assert str(skip.reason).endswith("same content, other time")
    assert (grove.run().sent, read) == (0, ["d/a"])


def test_nothing_is_read_of_a_group_that_is_sent_anyway(grove: Grove, monkeypatch: pytest.MonkeyPatch) -> None:
    grove.change(hashing="other time")
    write(grove, "d/a", "d/b", "d/c")
    grove.run()
    read = read_by(monkeypatch)
    write(grove, "d/a", mtime=LATER)
    write(grove, "d/x")

    plan = grove.plan()

    assert (whys(plan)["d/a"], whys(plan)["d/b"], read) == ("changed", "unchanged", [])


def test_other_content_sends_the_group(grove: Grove, monkeypatch: pytest.MonkeyPatch) -> None:
    grove.change(hashing="other time")
    write(grove, "d/a", "d/b")
    grove.run()
    read_by(monkeypatch)
    grove.write("d/a", "other", LATER)

    assert sent(grove.run()) == {"d/*~.zip": "2 files: 1 changed, 1 unchanged"}


def test_an_edit_that_keeps_size_and_time_is_seen_where_all_is_read(grove: Grove) -> None:
    grove.change(hashing="always")
    write(grove, "d/a", "d/b")
    grove.run()
    assert grove.run().sent == 0
    grove.write("d/a", "other")

    assert sent(grove.run()) == {"d/*~.zip": "2 files: 1 changed, 1 unchanged"}
    assert stored(grove)["d/a"] == "other"


def test_a_file_that_can_t_be_read_to_compare_it_is_said_and_its_group_is_left(grove: Grove) -> None:
    grove.change(hashing="other time")
    write(grove, "d/a", "d/b")
    grove.run()
    write(grove, "d/a", mtime=LATER)

    with with_mode(grove.folder / "d" / "a"), without_privilege():
        summary = grove.run()

    assert (summary.sent, summary.exit_code) == (0, 1)
    assert [str(one.decision.reason) for one in summary.results if one.decision.path.endswith("/a")] == [
        "can't be read: Permission denied"
    ]


# What is alone, and what isn't any more.


def test_a_file_that_grows_is_sent_by_itself_and_its_group_without_it(grove: Grove) -> None:
    write(grove, "d/a", "d/b", "d/c")
    grove.run()
    write(grove, "d/c", size=10)

    why = sent(grove.run())

    assert why["d/*~.zip"] == "2 files, unchanged; 1 no longer in it"
    assert why["d/c"].startswith("changed since")
    assert stored(grove) == content(grove)


def test_a_file_that_is_large_by_now_is_sent_by_itself_though_it_hasn_t_changed(grove: Grove) -> None:
    write(grove, "d/a", "d/b", "d/c", size=7)
    grove.run()
    grove.change(prefixing=grouping(7, names="root"))

    plan = grove.plan()

    group = f"{grove.path}/d/*~.zip"
    assert sent(plan) == {f"d/{name}": f"was in {group}" for name in "abc"}
    grove.run()
    assert grove.current() == {"d/a": "", "d/b": "", "d/c": ""}
    assert grove.run().sent == 0


def test_what_is_said_of_a_file_that_was_stored_elsewhere(grove: Grove) -> None:
    write(grove, "d/a", "d/b", "d/c", size=7)
    grove.change(prefixing=None)
    grove.run()
    grove.change(prefixing=grouping(10, names="root"))
    write(grove, "d/b", size=7, mtime=LATER)

    assert whys(grove.plan()) == {"d/a": "unchanged", "d/b": "changed", "d/c": "unchanged"}


def test_a_renamed_file_says_what_it_was(grove: Grove) -> None:
    write(grove, "d/a", "d/b", "d/c")
    grove.run()
    os.rename(grove.folder / "d" / "b", grove.folder / "d" / "x")

    plan = grove.plan()

    assert whys(plan)["d/x"] == f"renamed, was {grove.path}/d/b"


def test_what_was_sent_once_is_not_sent_again_unless_the_list_differs(grove: Grove) -> None:
    write(grove, "d/a", "d/b")
    grove.run()
    write(grove, "d/a", mtime=LATER)
    once = Selection(grove.path, compare=False, destinations=("main",), tree=grove.rules)

    assert grove.run(once, ad_hoc=True).sent == 0
    write(grove, "d/c")
    assert sent(grove.run(once, ad_hoc=True)) == {"d/*~.zip": "3 files: 1 not sent yet, 2 unchanged"}


# What was asked for.


def named(grove: Grove, *names: str) -> list[Selection]:
    tree = Selection(grove.path, compare=True, destinations=("main",), tree=grove.rules)
    return [
        Selection(f"{grove.path}/{name}", single_dir=True, compare=True, destinations=("main",), within=tree)
        for name in names
    ]


def test_who_names_a_small_file_gets_its_group(grove: Grove) -> None:
    write(grove, "d/a", "d/b", "e/a", "e/b", "f")
    write(grove, "large", size=20)

    summary = grove.run(*named(grove, "d/b", "large", "d/a"), ad_hoc=True)

    assert sent(summary) == {"large": "not sent yet", "d/*~.zip": "2 files, not sent yet"}
    assert sent(grove.run()) == {"e/*~.zip": "2 files, not sent yet", "*~.zip": "1 file, not sent yet"}


def test_a_small_file_that_the_tree_leaves_out_is_sent_by_itself_when_it_is_named(grove: Grove) -> None:
    write(grove, "d/a", "d/b", "d/c")
    grove.change(exclude_paths=("d/c",))

    assert sent(grove.run(*named(grove, "d/c"), ad_hoc=True)) == {"d/c": "not sent yet"}


def test_force_sends_every_group(grove: Grove) -> None:
    write(grove, "d/a", "d/b", "e")
    grove.run()
    write(grove, "d/c")
    backup = grove.backup()
    forced = replace(backup, order=replace(backup.order, force=True))

    assert sent(preview(forced)) == {
        "d/*~.zip": "3 files: 1 not sent yet, 2 forced",
        "*~.zip": "1 file, forced",
    }


def test_a_group_that_is_damaged_where_it_is_stored_is_sent_again(grove: Grove) -> None:
    write(grove, "d/a", "d/b", "e")
    grove.run()
    (group,) = (one for one in grove.catalog.stored_archives(ArchiveFilter(path=f"{grove.path}/d/*~.zip")))
    grove.catalog.note_damaged([(group.id, 1, "not there")], datetime.now(UTC))

    assert sent(grove.plan()) == {"d/*~.zip": "2 files, damaged at the destination"}


def test_two_destinations_each_get_what_they_lack(grove: Grove) -> None:
    write(grove, "d/a", "d/b", "e")
    grove.run()
    grove.others = {"disk": MemoryDestination(place=Place("local", "/disk"))}
    write(grove, "e", mtime=LATER)

    plan = grove.plan()

    assert sent(plan) == {"*~.zip": "1 file, changed"}
    assert sent(plan, "disk") == {"d/*~.zip": "2 files, not sent yet", "*~.zip": "1 file, not sent yet"}
    decisions = [one for one in plan.decisions if isinstance(one, Upload | Skip)]
    assert [one.to for one in decisions] == ["main", "disk"] * 2
    assert decisions[0].contents is not None
    assert decisions[0].contents == decisions[1].contents


def test_a_limit_leaves_groups_for_later(grove: Grove) -> None:
    write(grove, "d/a", "d/b", "e/a", "e/b", "f")

    assert [grove.run(limit=2).sent for _ in range(3)] == [2, 1, 0]
    assert stored(grove) == content(grove)


def test_a_plan_says_how_large_the_files_are_and_how_many_go_together(grove: Grove) -> None:
    write(grove, "d/a", "d/b", "e", "f", size=3)
    write(grove, "large", size=20)

    (sizes,) = grove.plan().trees

    assert (sizes.section, sizes.below, sizes.groups) == (grove.path, 10, 1)
    assert sizes.small == (4, 12)
    assert {bits: one for bits, one in enumerate(sizes.sizes) if one.files} == {2: (4, 12), 5: (1, 20)}


def test_a_group_has_its_reasons_in_the_order_of_its_files(grove: Grove) -> None:
    write(grove, "d/b", "d/c")
    grove.run()
    write(grove, "d/a", "d/d")

    (upload,) = [one for one in grove.plan().decisions if isinstance(one, Upload)]

    assert isinstance(upload.reason, Gathered)
    assert upload.reason.each == bytes([0, 5, 5, 0])


def test_a_group_with_a_file_that_can_t_be_read_is_sent_again_when_it_can(grove: Grove) -> None:
    write(grove, "d/a", "d/b", "d/c")
    with with_mode(grove.folder / "d" / "a"), without_privilege():
        first = grove.run()
        second = grove.run()

    assert (first.sent, first.exit_code, second.sent, second.exit_code) == (1, 1, 0, 1)
    assert "incomplete" in str([one.decision.reason for one in second.results][-1])
    assert sent(grove.run()) == {"d/*~.zip": "3 files: 1 not sent yet, 2 unchanged"}
    assert grove.run().exit_code == 0
    assert stored(grove) == content(grove)
