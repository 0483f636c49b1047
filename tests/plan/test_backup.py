from __future__ import annotations

from collections.abc import Iterator

import pytest

from glacier_backup.model.plan import Decision, Skip
from glacier_backup.model.reason import LimitReached
from glacier_backup.plan.backup import backup_plan, limited
from tests.plan.values import PLACE, skip, upload

DECISIONS = (upload("/a"), skip("/b"), upload("/c"), upload("/d"))


def test_a_plan_keeps_all_decisions_in_order() -> None:
    plan = backup_plan(PLACE, iter(DECISIONS), importable=3)
    assert (plan.place, plan.decisions, plan.importable) == (PLACE, DECISIONS, 3)


def test_uploads_beyond_the_limit_are_left_for_a_later_run() -> None:
    plan = backup_plan(PLACE, DECISIONS, limit=1)
    left = LimitReached(1)
    assert plan.decisions == (*DECISIONS[:2], Skip("/c", "name.tar", 10, left), Skip("/d", "name.tar", 10, left))


@pytest.mark.parametrize(("limit", "uploads"), [(0, 0), (2, 2), (3, 3), (100, 3)])
def test_there_are_never_more_uploads_than_the_limit(limit: int, uploads: int) -> None:
    plan = backup_plan(PLACE, DECISIONS, limit)
    assert len(plan.uploads) == uploads
    assert [decision.path for decision in plan.decisions] == ["/a", "/b", "/c", "/d"]


def test_decisions_are_taken_one_by_one() -> None:
    taken: list[str] = []

    def decisions() -> Iterator[Decision]:
        for decision in DECISIONS:
            taken.append(decision.path)
            yield decision

    next(limited(decisions(), 1))
    assert taken == ["/a"]
