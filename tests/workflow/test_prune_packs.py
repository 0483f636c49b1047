"""What pruning would remove where files lie in packs."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path as FilePath

import pytest

from glacier_backup.catalog.catalog import Catalog
from glacier_backup.model.restore import RestoreItem, Wish
from glacier_backup.model.retention import Policy, RemovalPlan
from tests.workflow.removals import BUCKET, NOW, PHOTOS, Removals, ids

LAST = Policy(keep_last=1)


@pytest.fixture
def removals(tmp_path: FilePath) -> Iterator[Removals]:
    with Catalog.open(str(tmp_path / "catalog.sqlite3")) as catalog:
        yield Removals(catalog)


def whys(plan: RemovalPlan) -> dict[int, str]:
    return {one.id: one.why for one in plan.removals} | {one.id: one.why for one in plan.retained}


def test_a_pack_goes_when_each_of_its_files_may(removals: Removals) -> None:
    old = removals.group(9, "a", "b")
    new = removals.group(1, "a", "b", "c")
    plan = removals.prune(LAST, with_retained=True)
    assert ids(plan) == [old]
    assert whys(plan)[old] == "its 2 files: not kept by keep_last 1"
    assert whys(plan)[new] == f"3 of its 3 files kept, such as {PHOTOS}/a (keep_last: number 1 of 1, the newest)"
    assert (plan.kept, plan.bytes, plan.mixed, plan.history) == (1, 10_240, 0, 0)


def test_one_file_that_is_kept_keeps_the_pack_and_what_is_only_history_is_told(removals: Removals) -> None:
    old = removals.group(9, "a", "b", "c")
    removals.group(1, "a", "c")
    plan = removals.prune(LAST, with_retained=True)
    assert ids(plan) == []
    assert whys(plan)[old].startswith(f"1 of its 3 files kept, such as {PHOTOS}/b (")
    assert whys(plan)[old].endswith("; 2.0 KiB in it are only history")
    assert (plan.kept, plan.mixed, plan.history) == (2, 1, 2_000)


def test_a_file_counts_whether_it_lies_alone_or_in_a_pack(removals: Removals) -> None:
    pack = removals.group(9, "a")
    alone = removals.sent(5, f"{PHOTOS}/a")
    newest = removals.group(1, "a")
    assert sorted(ids(removals.prune(LAST))) == [pack, alone]
    assert ids(removals.prune(Policy(keep_last=2))) == [pack]
    assert newest not in ids(removals.prune(LAST))


def test_the_last_good_version_of_a_file_keeps_its_pack(removals: Removals) -> None:
    good, bad = removals.group(9, "a", "b"), removals.group(1, "a", "b")
    removals.catalog.note_damaged([(bad, 1, "it is not there any more")], NOW, listed=True)
    assert ids(removals.prune(LAST)) == []
    again = removals.group(0, "a", "b")
    assert ids(removals.prune(LAST)) == [good, bad]
    assert again not in ids(removals.prune(LAST))


def test_each_place_has_packs_of_its_own(removals: Removals) -> None:
    here = [removals.group(days, "a") for days in (9, 8)]
    there = [removals.group(days, "a", place=BUCKET, storage_class="STANDARD") for days in (7, 6)]
    assert ids(removals.prune(LAST)) == [here[0], there[0]]


def test_a_rule_of_a_section_inside_holds_for_its_files(removals: Removals) -> None:
    old = removals.group(9, "a", "b")
    removals.group(1, "a", "b")
    assert ids(removals.prune(LAST, section=PHOTOS)) == [old]
    plan = removals.prune(LAST, section=f"{PHOTOS}/a", with_retained=True)
    assert ids(plan) == []
    assert "no section names it" in whys(plan)[old]
    assert plan.unruled == 2


def test_what_another_machine_has_sent_is_left_to_that(removals: Removals) -> None:
    theirs = removals.group(9, "a", host="other")
    removals.group(1, "a")
    plan = removals.prune(LAST, with_retained=True)
    assert ids(plan) == []
    assert (whys(plan)[theirs], plan.elsewhere) == ("sent by other: to be pruned there", 1)


def test_a_pack_whose_files_nobody_knows_stays(removals: Removals) -> None:
    unknown = [removals.group(days, "a", known=False) for days in (9, 1)]
    plan = removals.prune(LAST, with_retained=True)
    assert ids(plan) == []
    assert {whys(plan)[one] for one in unknown} == {"a pack whose files aren't known"}


def test_with_words_a_pack_goes_only_if_they_mean_all_of_it(removals: Removals) -> None:
    old = removals.group(9, "2019/a", "2020/b")
    removals.group(1, "2019/a", "2020/b")
    plan = removals.prune(LAST, f"{PHOTOS}/2019", with_retained=True)
    assert ids(plan) == []
    assert whys(plan)[old].startswith("1 of its 2 files were not asked about")
    assert ids(removals.prune(LAST, f"{PHOTOS}/2019", f"{PHOTOS}/2020")) == [old]
    assert ids(removals.prune(LAST, f"{PHOTOS}/20*")) == [old]
    assert ids(removals.prune(LAST, PHOTOS)) == [old]


def test_deleting_a_young_pack_is_charged(removals: Removals) -> None:
    for days in (170, 1):
        removals.group(days, "a", place=BUCKET, storage_class="DEEP_ARCHIVE")
    plan = removals.prune(LAST)
    assert (len(ids(plan)), plan.is_charged) == (1, True)
    later = removals.prune(LAST, free_only=True)
    assert (ids(later), later.deferred) == ([], 1)


def test_what_a_restore_under_way_needs_stays(removals: Removals, monkeypatch: pytest.MonkeyPatch) -> None:
    old, _ = removals.group(9, "a"), removals.group(1, "a")
    wish = Wish("restore", "/target", ())
    removals.catalog.begin_restore(wish, [RestoreItem(old, ".", numbers=((0, 0),))])
    monkeypatch.setattr("glacier_backup.workflow.prune.PATIENCE", NOW - NOW.replace(year=1970))
    assert ids(removals.prune(LAST)) == []


def test_a_pack_that_is_removed_is_gone_with_the_records_of_its_files(removals: Removals) -> None:
    old = removals.group(9, "a", "b")
    new = removals.group(1, "a", "b")
    removals.carry_out(removals.prune(LAST))
    assert removals.left() == [new]
    place = removals.catalog.places()[0][0]
    assert {one.id for one in removals.catalog.last_sent(place, [f"{PHOTOS}/a", f"{PHOTOS}/b"]).values()} == {new}
    assert old not in removals.left()
