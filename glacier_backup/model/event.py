"""What happens during a run, as listeners are told it.

A listener is any callable that takes one event. It is called from the thread that does the work, must be quick
and must not raise. ``to`` is the name of the destination that an event is about.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, field
from datetime import datetime

from glacier_backup.model.archive import ArchiveRecord
from glacier_backup.model.plan import BackupPlan, Decision, Expiry, Skip, Upload


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
    to: str = ""


@dataclass(frozen=True, slots=True)
class Waiting:
    """A request failed and will be repeated."""

    cause: str
    seconds: float
    """Until then."""
    to: str = ""


@dataclass(frozen=True, slots=True)
class UploadResumed:
    """An upload that was begun before, by an earlier run as a rule, goes on."""

    path: str
    begun: datetime
    to: str = ""


@dataclass(frozen=True, slots=True)
class UploadAborted:
    """An upload that was begun before can't go on: what was stored of it is removed."""

    path: str
    why: str
    to: str = ""


@dataclass(frozen=True, slots=True)
class ArchiveFound:
    """An archive that an earlier run stored, and could not record before it died, is recorded now."""

    path: str
    locator: str
    to: str = ""


@dataclass(frozen=True, slots=True)
class ArchiveSent:
    upload: Upload
    record: ArchiveRecord

    @property
    def files(self) -> int:
        """How many are in a group; what vanished before it was read, or can't be read, isn't. 0 for all else."""
        record = self.record
        return record.fingerprint.entries - len(record.problems) if record.label.kind == "group" else 0


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
class Expired:
    """What is no part of the newest state any more is put away: the catalog knows since when."""

    expiry: Expiry
    hidden: bool = False
    """Whether nothing of it is seen at the destination any more: there it is an older version now. Where none are kept
    it lies as it did."""


@dataclass(frozen=True, slots=True)
class Warned:
    """Something a person should know that stops nothing."""

    message: str
    lasting: bool = False
    """Whether it is so in every run, as what a store doesn't offer: whoever looks is told, cron's mail isn't."""


@dataclass(frozen=True, slots=True)
class Result:
    """How one decision ended. All else that is known of what was sent is in :class:`ArchiveSent` and in the catalog."""

    decision: Decision
    locator: str | None = None
    """Archive id or key of what was sent."""
    error: str | None = None
    hint: str | None = None
    defect: str | None = None
    """The traceback, where it is a defect of this program."""
    files: int = 0
    """Of a group that was sent: how many files are in it."""

    @property
    def outcome(self) -> str:
        """``sent``, ``expired``, ``failed`` or ``skipped``."""
        if isinstance(self.decision, Skip):
            return "skipped"
        if self.error is not None:
            return "failed"
        return "expired" if isinstance(self.decision, Expiry) else "sent"


@dataclass(frozen=True, slots=True)
class Counts:
    """What results add up to."""

    sent: int = 0
    failed: int = 0
    skipped: int = 0
    bytes: int = 0
    """Source bytes of what was sent."""
    files: int = 0
    """How many files were sent inside of groups; each group counts as one."""
    expired: int = 0
    """How much of what was stored was put away; a file that was deleted out of a group counts, too."""


@dataclass(frozen=True, slots=True)
class Summary:
    """How a run ended: one result per decision, in plan order, and what they add up to."""

    plan: BackupPlan
    results: Collection[Result]
    """There may be millions: they are read one after the other, as often as wanted."""
    sent: int
    """How many were."""
    failed: int
    skipped: int
    bytes: int
    """Source bytes of what was sent."""
    warnings: Collection[str] = ()
    exit_code: int = 0
    ended_early: bool = False
    """Whether something kept it from trying everything."""
    counts: Mapping[str, Counts] = field(default_factory=dict)
    """The same by destination; what concerns none of them is in no count."""
    files: int = 0
    """How many files were sent inside of groups; each group counts as one."""
    expired: int = 0
    """How much of what was stored was put away; a file that was deleted out of a group counts, too."""

    def count(self, name: str) -> Counts:
        """What became of all that concerns the destination of that name."""
        return self.counts.get(name, Counts())


@dataclass(frozen=True, slots=True)
class RunEnded:
    summary: Summary


Event = (
    RunStarted
    | Imported
    | ArchiveStarted
    | BytesSent
    | Waiting
    | UploadResumed
    | UploadAborted
    | ArchiveFound
    | ArchiveSent
    | ArchiveFailed
    | ArchiveSkipped
    | Expired
    | Warned
    | RunEnded
)

Listener = Callable[[Event], None]
