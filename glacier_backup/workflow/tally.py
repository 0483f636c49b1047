"""What a run's results add up to, gathered one after the other."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterator
from typing import NamedTuple

from glacier_backup.errors import DestinationUnavailable, GlacierBackupError
from glacier_backup.model.event import Result, Summary
from glacier_backup.model.plan import BackupPlan, Skip
from glacier_backup.spool import Spool


class Done(NamedTuple):
    """One decision, dealt with."""

    result: Result
    incomplete: bool = False
    """Whether something inside could not be read."""
    fatal: GlacierBackupError | None = None
    """What no other candidate can do better with: it ends the run."""


class Tally:
    """Results in the order of their decisions, however many, and their counts."""

    def __init__(self) -> None:
        self._results = _Results()
        self._counts: Counter[str] = Counter()
        self._bytes = 0
        self._imperfect = False

    def add(self, done: Done) -> None:
        """Behind the last one."""
        self._results.places.append(done.result)
        self._count(done)

    def keep_place(self) -> int:
        """Go on without the next one, whose place is kept until :meth:`fill`."""
        self._results.places.append(None)
        return len(self._results) - 1

    def fill(self, place: int, done: Done) -> None:
        self._results.late[place] = done.result
        self._count(done)

    def summary(self, plan: BackupPlan, ended: GlacierBackupError | None) -> Summary:
        """How the run ended; ``ended`` is what ended it early."""
        counts = self._counts
        return Summary(
            plan,
            self._results,
            sent=counts["sent"],
            failed=counts["failed"],
            skipped=counts["skipped"],
            bytes=self._bytes,
            exit_code=self._exit_code(ended),
            ended_early=ended is not None,
        )

    def _count(self, done: Done) -> None:
        result, decision = done.result, done.result.decision
        self._counts[result.outcome] += 1
        self._bytes += decision.bytes if result.outcome == "sent" else 0
        troubled = isinstance(decision, Skip) and decision.reason.needs_attention
        self._imperfect |= done.incomplete or troubled or result.outcome == "failed"

    def _exit_code(self, ended: GlacierBackupError | None) -> int:
        """DESIGN, section 4: 4 only when nothing could be done; changed while read is told but is no failure."""
        if ended is not None and (not self._counts["sent"] or not isinstance(ended, DestinationUnavailable)):
            return ended.exit_code
        return 1 if self._imperfect else 0


class _Results(Collection[Result]):
    """Results in order, though some came late."""

    def __init__(self) -> None:
        self.places: Spool[Result | None] = Spool()
        self.late: dict[int, Result] = {}
        """By their places, which hold None."""

    def __len__(self) -> int:
        return len(self.places)

    def __iter__(self) -> Iterator[Result]:
        for place, result in enumerate(self.places):
            yield self.late[place] if result is None else result

    def __contains__(self, value: object) -> bool:
        return any(value == one for one in self)
