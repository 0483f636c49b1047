"""Why something is sent, and why something is not: values, never bare strings or ``None``."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import ClassVar

from glacier_backup.units import local_time


@dataclass(frozen=True, slots=True)
class _Reason:
    needs_attention: ClassVar[bool] = False
    """Whether a run with this among its skips must not end with exit code 0."""


@dataclass(frozen=True, slots=True)
class AlreadySent(_Reason):
    at: datetime

    def __str__(self) -> str:
        return f"already sent on {local_time(self.at)}"


@dataclass(frozen=True, slots=True)
class Unchanged(_Reason):
    since: datetime

    def __str__(self) -> str:
        return f"unchanged since {local_time(self.since)}"


@dataclass(frozen=True, slots=True)
class ExcludedBy(_Reason):
    pattern: str

    def __str__(self) -> str:
        return f"excluded by {self.pattern}"


@dataclass(frozen=True, slots=True)
class NoUploadOption(_Reason):
    def __str__(self) -> str:
        return "no upload option set"


@dataclass(frozen=True, slots=True)
class NotAFile(_Reason):
    what: str
    """``FIFO``, ``socket``, ``block device`` or ``character device``."""

    def __str__(self) -> str:
        return f"a {self.what}, not a file or directory"


@dataclass(frozen=True, slots=True)
class BrokenLink(_Reason):
    target: str

    def __str__(self) -> str:
        return f"a symlink to nothing: {self.target}"


@dataclass(frozen=True, slots=True)
class BrokenSection(BrokenLink):
    """The section itself is such a link: what it should look after isn't there."""

    needs_attention: ClassVar[bool] = True


@dataclass(frozen=True, slots=True)
class Missing(_Reason):
    needs_attention: ClassVar[bool] = True

    def __str__(self) -> str:
        return "missing"


@dataclass(frozen=True, slots=True)
class Unreadable(_Reason):
    cause: str
    needs_attention: ClassVar[bool] = True

    def __str__(self) -> str:
        return f"can't be read: {self.cause}"


@dataclass(frozen=True, slots=True)
class LimitReached(_Reason):
    limit: int

    def __str__(self) -> str:
        return f"left for a later run: limit = {self.limit}"


@dataclass(frozen=True, slots=True)
class SentMeanwhile(_Reason):
    def __str__(self) -> str:
        return "sent by another run since this plan was made"


SkipReason = (
    AlreadySent
    | Unchanged
    | ExcludedBy
    | NoUploadOption
    | NotAFile
    | BrokenLink
    | Missing
    | Unreadable
    | LimitReached
    | SentMeanwhile
)


@dataclass(frozen=True, slots=True)
class NeverSent(_Reason):
    def __str__(self) -> str:
        return "not sent yet"


@dataclass(frozen=True, slots=True)
class Changed(_Reason):
    since: datetime

    def __str__(self) -> str:
        return f"changed since {local_time(self.since)}"


@dataclass(frozen=True, slots=True)
class Forced(_Reason):
    def __str__(self) -> str:
        return "forced"


UploadReason = NeverSent | Changed | Forced
