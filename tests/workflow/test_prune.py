"""What pruning would remove, and what it leaves alone."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path as FilePath

import pytest

from glacier_backup.catalog.catalog import Catalog
from glacier_backup.errors import UsageError
from glacier_backup.model.place import Place
from glacier_backup.model.restore import RestoreItem, Wish
from glacier_backup.model.retention import Policy
from glacier_backup.workflow import prune
from tests.workflow.removals import BUCKET, NOW, PHOTOS, VAULT, Removals, ids

LAST = Policy(keep_last=1)


@pytest.fixture
def removals(tmp_path: FilePath) -> Iterator[Removals]:
    with Catalog.open(str(tmp_path / "catalog.sqlite3")) as catalog:
        yield Removals(catalog)


def test_what_no_rule_keeps_is_to_go(removals: Removals) -> None:
    old, new = removals.sent(30), removals.sent(1)
    plan = removals.prune(LAST, with_retained=True)
    assert ids(plan) == [old]
    assert [one.why for one in plan.removals] == ["not kept by keep_last 1"]
    assert [(one.id, one.why) for one in plan.retained] == [(new, "keep_last: number 1 of 1, the newest")]
    assert (plan.kept, plan.bytes, plan.is_charged) == (1, 10_240, False)


def test_without_a_rule_everything_stays(removals: Removals) -> None:
    removals.sent(30)
    removals.sent(1)
    assert ids(removals.prune(Policy())) == []
    assert ids(removals.prune(LAST, section="/elsewhere")) == []
    assert removals.prune(Policy()).unruled == 2


def test_each_place_is_judged_by_itself(removals: Removals) -> None:
    here = [removals.sent(days) for days in (9, 8)]
    there = [removals.sent(days, place=BUCKET, storage_class="STANDARD") for days in (7, 6)]
    assert ids(removals.prune(LAST)) == [here[0], there[0]]


def test_each_path_is_judged_by_itself(removals: Removals) -> None:
    removals.sent(9, "/data/a")
    removals.sent(8, "/data/b")
    assert ids(removals.prune(LAST)) == []


def test_what_another_machine_has_sent_is_left_to_that(removals: Removals) -> None:
    removals.sent(9, host="other")
    removals.sent(8, host="other")
    removals.sent(7)
    plan = removals.prune(LAST)
    assert ids(plan) == []
    assert plan.elsewhere == 2


def test_only_what_is_named_is_pruned(removals: Removals) -> None:
    paths = ["/data/a", "/data/a/b", "/data/c", "/data/ab"]
    first = {path: removals.sent(9, path) for path in paths}
    for path in paths:
        removals.sent(1, path)
    assert ids(removals.prune(LAST, "a")) == [first["/data/a"], first["/data/a/b"]]
    assert ids(removals.prune(LAST, "/data/?")) == [first["/data/a"], first["/data/c"]]
    assert ids(removals.prune(LAST, "a/b", "/data/a*")) == [first["/data/a/b"], first["/data/a"], first["/data/ab"]]


def test_a_name_that_nothing_has_is_told_with_what_is_like_it(removals: Removals) -> None:
    removals.sent(1)
    with pytest.raises(UsageError, match="nothing that is stored is called photo") as caught:
        removals.prune(LAST, "photo")
    assert PHOTOS in str(caught.value.hint)


def test_what_is_left_of_the_least_term_is_charged(removals: Removals) -> None:
    deep = {"place": BUCKET, "storage_class": "DEEP_ARCHIVE", "size": 1 << 40}
    removals.sent(170, **deep)  # type: ignore[arg-type]  # as sent() has them
    removals.sent(1, **deep)  # type: ignore[arg-type]
    plan = removals.prune(LAST)
    # 10 of 180 days, 1 TiB at 0.00099 a GiB and month
    assert plan.charge == pytest.approx(1024 * 0.00099 * 10 / (365 / 12), rel=1e-3)
    assert plan.charged_until is not None
    assert (plan.charged_until - NOW).days == 10


def test_a_vault_has_a_least_term_too(removals: Removals) -> None:
    for days in (91, 89, 1):
        removals.sent(days, place=VAULT, size=1 << 30)
    plan = removals.prune(LAST)
    assert [one.charge.amount for one in plan.removals] == [0, pytest.approx(0.004 / (365 / 12))]


def test_what_would_be_charged_can_be_left_for_later(removals: Removals) -> None:
    old = removals.sent(200, place=BUCKET, storage_class="DEEP_ARCHIVE")
    for days in (170, 1):
        removals.sent(days, place=BUCKET, storage_class="DEEP_ARCHIVE")
    plan = removals.prune(LAST, free_only=True)
    assert ids(plan) == [old]
    assert (plan.deferred, plan.is_charged) == (1, False)


def test_what_was_overwritten_costs_and_frees_nothing(removals: Removals) -> None:
    first = removals.sent(20, place=BUCKET, storage_class="DEEP_ARCHIVE", locator="key")
    removals.sent(10, place=BUCKET, storage_class="DEEP_ARCHIVE", locator="key")
    plan = removals.prune(Policy(keep_last=5))
    assert ids(plan) == [first]
    assert (plan.bytes, plan.is_charged) == (0, False)


def test_the_last_whole_one_stays(removals: Removals) -> None:
    removals.sent(9)
    whole = removals.sent(8)
    removals.sent(7, problems=1)
    plan = removals.prune(LAST, with_retained=True)
    assert len(ids(plan)) == 1
    assert next((one.id, one.why) for one in plan.retained) == (whole, "the last one that is whole")


def _restore(removals: Removals, *archives: int, purpose: str = "restore") -> int:
    wish = Wish(purpose, "/target", ())  # type: ignore[arg-type]  # one of two words
    return removals.catalog.begin_restore(wish, [RestoreItem(archive, "x") for archive in archives])


def test_what_a_restore_under_way_needs_stays(removals: Removals, monkeypatch: pytest.MonkeyPatch) -> None:
    old, other, _ = removals.sent(30), removals.sent(20), removals.sent(1)
    restore = _restore(removals, old)
    monkeypatch.setattr(prune, "PATIENCE", prune.PATIENCE * 1_000)
    assert ids(removals.prune(LAST)) == [other]
    removals.catalog.set_items(restore, [(0, "restored", None)])
    assert ids(removals.prune(LAST)) == [old, other]


def test_what_is_known_to_be_damaged_is_not_the_last_good_one(removals: Removals) -> None:
    first, second, third = (removals.sent(days) for days in (3, 2, 1))
    removals.catalog.note_damaged([(third, 1, "it is not there any more")], NOW, listed=True)
    assert ids(removals.prune(LAST)) == [first]
    removals.catalog.note_verified(third, 1, NOW.replace(year=2999))
    assert ids(removals.prune(LAST)) == [first, second]


def test_what_was_verified_before_the_damage_was_seen_is_damaged_all_the_same(removals: Removals) -> None:
    first, _, third = (removals.sent(days) for days in (3, 2, 1))
    removals.catalog.note_damaged([(third, 1, "the tree hash differs")], NOW)
    removals.catalog.note_verified(third, 1, NOW - timedelta(seconds=1))
    assert ids(removals.prune(LAST)) == [first]


def test_two_plans_for_the_same_archives_have_the_same_mark(removals: Removals) -> None:
    removals.sent(3)
    removals.sent(2)
    mark = removals.prune(LAST).mark
    removals.sent(1, "/data/else")
    assert removals.prune(LAST).mark == mark
    removals.sent(1)
    assert removals.prune(LAST).mark != mark


def test_versions_of_a_bucket_are_told_apart(removals: Removals) -> None:
    place = Place("s3", "bucket")
    for locator in ("key?versionId=1", "key?versionId=2", "photos/1.tar", "photos/2.tar"):
        removals.sent(len(removals.left()) * -1.0, place=place, locator=locator, storage_class="STANDARD")
    (share,) = removals.prune(LAST).shares.values()
    assert (share.count, share.versions) == (3, 2)
