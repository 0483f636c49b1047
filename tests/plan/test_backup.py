from __future__ import annotations

from dataclasses import replace
from itertools import islice

import pytest

from glacier_backup.model.plan import Share, Skip
from glacier_backup.model.reason import LimitReached, Missing
from glacier_backup.plan.backup import limited, planned
from glacier_backup.spool import TOGETHER
from tests.plan.values import PLACE, PLACES, skip, upload

DECISIONS = (upload("/a"), skip("/b"), upload("/c"), upload("/d"))
PLAN = replace(planned(PLACES, DECISIONS), importable=3)


def test_a_plan_can_be_read_as_often_as_wanted_and_knows_what_it_adds_up_to() -> None:
    assert tuple(PLAN.decisions) == tuple(PLAN.decisions) == DECISIONS
    assert (len(PLAN.decisions), PLAN.uploads, PLAN.skips, PLAN.bytes, PLAN.troubles) == (4, 3, 1, 30, 0)


def test_skips_that_need_attention_are_counted() -> None:
    assert planned(PLACES, [*DECISIONS, Skip("/e", "e", 0, Missing())]).troubles == 1


def test_nothing_is_a_plan_too() -> None:
    plan = planned(PLACES, ())

    assert not plan.decisions
    assert (plan.uploads, plan.skips, plan.bytes) == (0, 0, 0)


def test_without_a_limit_a_plan_stays_as_it_is() -> None:
    assert limited(PLAN, None) is PLAN


def test_uploads_beyond_the_limit_are_left_for_a_later_run() -> None:
    plan = limited(PLAN, 1)
    left = LimitReached(1)
    assert tuple(plan.decisions) == (
        *DECISIONS[:2],
        Skip("/c", "name.tar", 10, left, "main"),
        Skip("/d", "name.tar", 10, left, "main"),
    )
    assert (plan.places, plan.importable) == (PLACES, 3)


@pytest.mark.parametrize(("limit", "uploads"), [(0, 0), (2, 2), (3, 3), (100, 3)])
def test_there_are_never_more_uploads_than_the_limit(limit: int, uploads: int) -> None:
    plan = limited(PLAN, limit)
    assert (plan.uploads, plan.skips, plan.bytes, len(plan.decisions)) == (uploads, 4 - uploads, 10 * uploads, 4)
    assert [decision.path for decision in plan.decisions] == ["/a", "/b", "/c", "/d"]
    assert limited(plan, limit).decisions is plan.decisions


def test_a_limit_counts_for_each_destination_by_itself() -> None:
    decisions = [upload(f"/{number}", to) for number in range(3) for to in ("nas", "vault")]
    plan = limited(planned({"nas": PLACE, "vault": PLACE}, [*decisions, upload("/9", "vault"), skip("/x", "")]), 3)

    assert plan.shares == {"nas": Share(3, 0, 30), "vault": Share(3, 1, 30)}
    assert (plan.uploads, plan.skips, plan.bytes) == (6, 2, 60)
    assert tuple(plan.decisions)[-2:] == (Skip("/9", "name.tar", 10, LimitReached(3), "vault"), skip("/x", ""))


def test_a_limit_is_applied_while_the_plan_is_read() -> None:
    """Nothing is worked out, or held, before it is asked for."""
    plan = limited(planned(PLACES, (upload(f"/{number}") for number in range(10 * TOGETHER))), 5 * TOGETHER)

    assert [decision.action for decision in islice(plan.decisions, 5 * TOGETHER - 1, 5 * TOGETHER + 1)] == [
        "upload",
        "skip",
    ]
    assert upload("/1") in plan.decisions
    assert upload("/4999") not in plan.decisions
