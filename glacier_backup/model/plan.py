"""What a run would do and why, before anything is done."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime
from typing import ClassVar, Literal

from glacier_backup.model.archive import Container
from glacier_backup.model.candidate import Candidate, Fingerprint
from glacier_backup.model.place import Place
from glacier_backup.model.reason import SkipReason, UploadReason

Action = Literal["upload", "skip"]


@dataclass(frozen=True, slots=True)
class Upload:
    """One candidate that is to be sent."""

    candidate: Candidate
    name: str
    """The archive's name."""
    container: Container
    fingerprint: Fingerprint
    """As planned; the one that counts is taken again just before sending."""
    reason: UploadReason
    previous: datetime | None
    """When the last archive of this path was sent, as far as the plan knew."""

    action: ClassVar[Action] = "upload"

    @property
    def path(self) -> str:
        return self.candidate.path

    @property
    def bytes(self) -> int:
        return self.fingerprint.bytes


@dataclass(frozen=True, slots=True)
class Skip:
    """One path that is not sent."""

    path: str
    name: str
    """The name that its archive has or would have."""
    bytes: int
    """Of the source, as far as known without reading it: 0 where nothing was looked at."""
    reason: SkipReason

    action: ClassVar[Action] = "skip"


Decision = Upload | Skip


@dataclass(frozen=True, slots=True)
class BackupPlan:
    """The decisions of one run, in the order of the sections and, within one, of the names.

    There may be millions: they are read one after the other, as often as wanted, and the counts come with them.
    """

    place: Place
    decisions: Collection[Decision]
    uploads: int
    """How many are to be sent."""
    skips: int
    """How many are not."""
    bytes: int
    """Of the sources that would be sent."""
    troubles: int = 0
    """Skips that need attention: a run with one must not end with exit code 0."""
    importable: int = 0
    """Archives that a run would first take over from the record of glacier_backup 1.2."""
    unfinished: int = 0
    """Uploads that an earlier run began, and that a run would go on with or remove."""
