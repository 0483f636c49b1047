"""What a run's results add up to, gathered one after the other."""

from __future__ import annotations

from typing import NamedTuple

from glacier_backup.errors import DestinationUnavailable, GlacierBackupError
from glacier_backup.model.event import Result, Summary
from glacier_backup.model.plan import BackupPlan, Skip
from glacier_backup.spool import Spool


class Done(NamedTuple):
    """One decision, dealt with."""

    result: Result
    warnings: tuple[str, ...] = ()
    incomplete: bool = False
    """Whether something inside could not be read."""
    fatal: GlacierBackupError | None = None
    """What no other candidate can do better with: it ends the run."""


class Tally:
    """Results and warnings in the order in which they are added, however many, and their counts."""

    def __init__(self) -> None:
        self._results: Spool[Result] = Spool()
        self._warnings: Spool[str] = Spool()
        self._counts = {"sent": 0, "failed": 0, "skipped": 0}
        self._bytes = 0
        self._imperfect = False

    def add(self, done: Done) -> None:
        result, decision = done.result, done.result.decision
        self._results.append(result)
        self._counts[result.outcome] += 1
        self._bytes += decision.bytes if result.outcome == "sent" else 0
        troubled = isinstance(decision, Skip) and decision.reason.needs_attention
        self._imperfect |= done.incomplete or troubled or result.outcome == "failed"
        for warning in done.warnings:
            self.warn(warning)

    def warn(self, warning: str) -> None:
        self._warnings.append(warning)

    def summary(self, plan: BackupPlan, ended: GlacierBackupError | None) -> Summary:
        """How the run ended; ``ended`` is what ended it early."""
        code = self._exit_code(ended)
        return Summary(plan, self._results, **self._counts, bytes=self._bytes, warnings=self._warnings, exit_code=code)

    def _exit_code(self, ended: GlacierBackupError | None) -> int:
        """DESIGN, section 4: 4 only when nothing could be done; changed while read is told but is no failure."""
        if ended is not None and (not self._counts["sent"] or not isinstance(ended, DestinationUnavailable)):
            return ended.exit_code
        return 1 if self._imperfect else 0
