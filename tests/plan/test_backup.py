from __future__ import annotations

import pytest

from glacier_backup.model.plan import BackupPlan, Skip
from glacier_backup.model.reason import LimitReached
from glacier_backup.plan.backup import limited
from tests.plan.values import PLACE, skip, upload

PLAN = BackupPlan(PLACE, (upload("/a"), skip("/b"), upload("/c"), upload("/d")), importable=3)


def test_without_a_limit_a_plan_stays_as_it_is() -> None:
    assert limited(PLAN, None) == PLAN


def test_uploads_beyond_the_limit_are_left_for_a_later_run() -> None:
    plan = limited(PLAN, 1)
    left = LimitReached(1)
    assert plan.decisions == (*PLAN.decisions[:2], Skip("/c", "name.tar", 10, left), Skip("/d", "name.tar", 10, left))
    assert (plan.place, plan.importable) == (PLACE, 3)


@pytest.mark.parametrize(("limit", "uploads"), [(0, 0), (2, 2), (3, 3), (100, 3)])
def test_there_are_never_more_uploads_than_the_limit(limit: int, uploads: int) -> None:
    plan = limited(PLAN, limit)
    assert len(plan.uploads) == uploads
    assert [decision.path for decision in plan.decisions] == ["/a", "/b", "/c", "/d"]
