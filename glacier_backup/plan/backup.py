"""From decisions to the plan of a run."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import replace

from glacier_backup.model.place import Place
from glacier_backup.model.plan import BackupPlan, Decision, Expiry, Share, Skip, Upload
from glacier_backup.model.reason import LimitReached
from glacier_backup.spool import Spool


def planned(places: Mapping[str, Place], decisions: Iterable[Decision]) -> BackupPlan:
    """The plan that ``decisions`` are, however many: taken one after the other, and not held in memory.

    Those about one path follow each other.
    """
    kept: Spool[Decision] = Spool(weigh=weight)
    added = _Sum()
    troubles = 0
    for decision in decisions:
        kept.append(decision)
        added.add(decision)
        if isinstance(decision, Skip):
            troubles += decision.reason.needs_attention
    return added.plan(BackupPlan(places, kept, 0, 0, 0, troubles))


def weight(decision: Decision) -> int:
    """Bytes that the files of a group take in memory; 0 of all else."""
    return 0 if decision.contents is None else len(decision.contents.packed)


def limited(plan: BackupPlan, limit: int | None) -> BackupPlan:
    """What becomes of ``plan`` in a run that ends after ``limit`` uploads to each destination, if none of them fails.

    A run itself counts what it has sent: a failed upload doesn't use up the limit, or one that always fails would
    keep all later ones from being tried.
    """
    if limit is None or all(plan.share(name).uploads <= limit for name in plan.places):
        return plan
    added = _Sum()
    decisions = _Limited(plan.decisions, limit)
    for decision in decisions:
        added.add(decision)
    return added.plan(replace(plan, decisions=decisions))


def left_for_later(decision: Upload | Expiry, limit: int) -> Skip:
    """``decision``, in a run that has reached its limit."""
    return Skip(decision.path, decision.name, decision.bytes, LimitReached(limit), decision.to, decision.contents)


class _Sum:
    """What decisions add up to."""

    def __init__(self) -> None:
        self._uploads: Counter[str] = Counter()
        self._skips: Counter[str] = Counter()
        self._bytes: Counter[str] = Counter()
        self._files: Counter[str] = Counter()
        self._expiries: Counter[str] = Counter()

    def add(self, decision: Decision) -> None:
        if isinstance(decision, Upload):
            self._uploads[decision.to] += 1
            self._bytes[decision.to] += decision.bytes
            self._files[decision.to] += 0 if decision.contents is None else len(decision.contents)
        elif isinstance(decision, Expiry):
            self._expiries[decision.to] += 1
        else:
            self._skips[decision.to] += 1

    def plan(self, plan: BackupPlan) -> BackupPlan:
        """``plan`` with these counts."""
        shares = {
            name: Share(
                self._uploads[name], self._skips[name], self._bytes[name], self._files[name], self._expiries[name]
            )
            for name in plan.places
        }
        return replace(
            plan,
            uploads=self._uploads.total(),
            skips=self._skips.total(),
            bytes=self._bytes.total(),
            shares=shares,
            files=self._files.total(),
            expiries=self._expiries.total(),
        )


class _Limited(Collection[Decision]):
    """Decisions as a limit changes them, worked out whenever they are read."""

    def __init__(self, decisions: Collection[Decision], limit: int) -> None:
        self._decisions = decisions
        self._limit = limit

    def __len__(self) -> int:
        return len(self._decisions)

    def __iter__(self) -> Iterator[Decision]:
        uploads: Counter[str] = Counter()
        for decision in self._decisions:
            if isinstance(decision, Upload):
                uploads[decision.to] += 1
                if uploads[decision.to] > self._limit:
                    decision = left_for_later(decision, self._limit)
            elif isinstance(decision, Expiry) and uploads[decision.to] > self._limit:
                # What is to take its place isn't stored then.
                decision = left_for_later(decision, self._limit)
            yield decision

    def __contains__(self, value: object) -> bool:
        return any(value == one for one in self)
