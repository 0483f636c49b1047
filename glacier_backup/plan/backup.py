"""From decisions to the plan of a run."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import replace

from glacier_backup.model.plan import BackupPlan, Decision, Skip, Upload
from glacier_backup.model.reason import LimitReached


def limited(plan: BackupPlan, limit: int | None) -> BackupPlan:
    """What becomes of ``plan`` in a run that ends after ``limit`` uploads, if none of them fails.

    A run itself counts what it has sent: a failed upload doesn't use up the limit, or one that always fails would
    keep all later ones from being tried.
    """
    return plan if limit is None else replace(plan, decisions=tuple(_limited(plan.decisions, limit)))


def left_for_later(upload: Upload, limit: int) -> Skip:
    """``upload``, in a run that has reached its limit."""
    return Skip(upload.path, upload.name, upload.bytes, LimitReached(limit))


def _limited(decisions: Iterable[Decision], limit: int) -> Iterator[Decision]:
    uploads = 0
    for decision in decisions:
        uploads += isinstance(decision, Upload)
        yield left_for_later(decision, limit) if isinstance(decision, Upload) and uploads > limit else decision
