"""What happens during a run, as listeners are told it.

A listener is any callable that takes one event. It is called from the thread that does the work, must be quick
and must not raise.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from glacier_backup.model.archive import ArchiveRecord
from glacier_backup.model.plan import BackupPlan, Skip, Upload


@dataclass(frozen=True, slots=True)
class RunStarted:
    plan: BackupPlan


@dataclass(frozen=True, slots=True)
class Imported:
    """Archives recorded by another system were taken over."""

    source: str
    count: int


@dataclass(frozen=True, slots=True)
class ArchiveStarted:
    upload: Upload
    estimate: int
    """Bytes that will be stored, as far as known: a tar of small files is much larger than they are."""


@dataclass(frozen=True, slots=True)
class BytesSent:
    """Bytes are on their way to the destination; negative when they have to be sent again."""

    path: str
    bytes: int


@dataclass(frozen=True, slots=True)
class ArchiveSent:
    upload: Upload
    record: ArchiveRecord


@dataclass(frozen=True, slots=True)
class ArchiveFailed:
    upload: Upload
    error: str
    hint: str | None = None
    """What to do about it."""
    defect: str | None = None
    """The traceback, where it is a defect of this program."""


@dataclass(frozen=True, slots=True)
class ArchiveSkipped:
    skip: Skip


@dataclass(frozen=True, slots=True)
class Warned:
    """Something a person should know that stops nothing."""

    message: str


@dataclass(frozen=True, slots=True)
class Result:
    """How one decision ended."""

    decision: Upload | Skip
    record: ArchiveRecord | None = None
    error: str | None = None
    hint: str | None = None
    defect: str | None = None
    """The traceback, where it is a defect of this program."""

    @property
    def locator(self) -> str | None:
        """Archive id or key of what was sent."""
        return None if self.record is None else self.record.receipts[0].locator

    @property
    def outcome(self) -> str:
        """``sent``, ``failed`` or ``skipped``."""
        if isinstance(self.decision, Skip):
            return "skipped"
        return "sent" if self.error is None else "failed"


@dataclass(frozen=True, slots=True)
class Summary:
    """How a run ended: one result per decision, in plan order."""

    plan: BackupPlan
    results: tuple[Result, ...]
    warnings: tuple[str, ...] = ()
    exit_code: int = 0

    @property
    def sent(self) -> tuple[Result, ...]:
        return tuple(result for result in self.results if result.outcome == "sent")

    @property
    def failed(self) -> tuple[Result, ...]:
        return tuple(result for result in self.results if result.outcome == "failed")

    @property
    def skipped(self) -> tuple[Result, ...]:
        return tuple(result for result in self.results if result.outcome == "skipped")

    @property
    def bytes(self) -> int:
        """Source bytes of what was sent."""
        return sum(result.decision.bytes for result in self.sent)


@dataclass(frozen=True, slots=True)
class RunEnded:
    summary: Summary


Event = (
    RunStarted
    | Imported
    | ArchiveStarted
    | BytesSent
    | ArchiveSent
    | ArchiveFailed
    | ArchiveSkipped
    | Warned
    | RunEnded
)

Listener = Callable[[Event], None]
