"""From decisions to the plan of a run."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from glacier_backup.model.place import Place
from glacier_backup.model.plan import BackupPlan, Decision, Skip, Upload
from glacier_backup.model.reason import LimitReached


def backup_plan(
    place: Place, decisions: Iterable[Decision], limit: int | None = None, importable: int = 0
) -> BackupPlan:
    """The plan that carries out ``decisions``, with at most ``limit`` uploads; their order is kept."""
    kept = decisions if limit is None else limited(decisions, limit)
    return BackupPlan(place, tuple(kept), importable)


def limited(decisions: Iterable[Decision], limit: int) -> Iterator[Decision]:
    """``decisions`` as they come, where every upload after the first ``limit`` is left for a later run."""
    uploads = 0
    for decision in decisions:
        if isinstance(decision, Upload):
            uploads += 1
            if uploads > limit:
                yield Skip(decision.path, decision.name, decision.bytes, LimitReached(limit))
                continue
        yield decision
