"""From decisions to the plan of a run."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator
from dataclasses import replace
from itertools import islice

from glacier_backup.model.place import Place
from glacier_backup.model.plan import BackupPlan, Decision, Skip, Upload
from glacier_backup.model.reason import LimitReached
from glacier_backup.spool import Spool


def planned(place: Place, decisions: Iterable[Decision]) -> BackupPlan:
    """The plan that ``decisions`` are, however many: taken one after the other, and not held in memory."""
    kept: Spool[Decision] = Spool()
    uploads = size = troubles = 0
    for decision in decisions:
        kept.append(decision)
        if isinstance(decision, Upload):
            uploads += 1
            size += decision.bytes
        else:
            troubles += decision.reason.needs_attention
    return BackupPlan(place, kept, uploads, len(kept) - uploads, size, troubles)


def limited(plan: BackupPlan, limit: int | None) -> BackupPlan:
    """What becomes of ``plan`` in a run that ends after ``limit`` uploads, if none of them fails.

    A run itself counts what it has sent: a failed upload doesn't use up the limit, or one that always fails would
    keep all later ones from being tried.
    """
    if limit is None or plan.uploads <= limit:
        return plan
    sent = islice((decision for decision in plan.decisions if isinstance(decision, Upload)), limit)
    return replace(
        plan,
        decisions=_Limited(plan.decisions, limit),
        uploads=limit,
        skips=plan.skips + plan.uploads - limit,
        bytes=sum(upload.bytes for upload in sent),
    )


def left_for_later(upload: Upload, limit: int) -> Skip:
    """``upload``, in a run that has reached its limit."""
    return Skip(upload.path, upload.name, upload.bytes, LimitReached(limit))


class _Limited(Collection[Decision]):
    """Decisions as a limit changes them, worked out whenever they are read."""

    def __init__(self, decisions: Collection[Decision], limit: int) -> None:
        self._decisions = decisions
        self._limit = limit

    def __len__(self) -> int:
        return len(self._decisions)

    def __iter__(self) -> Iterator[Decision]:
        uploads = 0
        for decision in self._decisions:
            uploads += isinstance(decision, Upload)
            if isinstance(decision, Upload) and uploads > self._limit:
                decision = left_for_later(decision, self._limit)
            yield decision

    def __contains__(self, value: object) -> bool:
        return any(value == one for one in self)
