"""Why something is sent, and why something is not: values, never bare strings or ``None``."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from glacier_backup.units import local_time


@dataclass(frozen=True, slots=True)
class _Reason:
    @property
    def needs_attention(self) -> bool:
        """Whether a run with this among its skips must not end with exit code 0."""
        return False


@dataclass(frozen=True, slots=True)
class AlreadySent(_Reason):
    at: datetime
    incomplete: int = 0
    """How many inside could not be read when it was sent."""

    @property
    def needs_attention(self) -> bool:
        return self.incomplete > 0

    def __str__(self) -> str:
        return f"already sent on {local_time(self.at)}{_but_incomplete(self.incomplete)}"


@dataclass(frozen=True, slots=True)
class Unchanged(_Reason):
    since: datetime
    incomplete: int = 0
    """How many inside could not be read when it was sent."""

    @property
    def needs_attention(self) -> bool:
        return self.incomplete > 0

    def __str__(self) -> str:
        return f"unchanged since {local_time(self.since)}{_but_incomplete(self.incomplete)}"


def _but_incomplete(count: int) -> str:
    if count == 0:
        return ""
    return f", but incomplete: {count:,} inside could not be read; -p PATH --force sends it again"


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

    @property
    def needs_attention(self) -> bool:
        return True


@dataclass(frozen=True, slots=True)
class LinkLeftOut(_Reason):
    def __str__(self) -> str:
        return "a symlink, and symlinks = skip"


@dataclass(frozen=True, slots=True)
class Loop(_Reason):
    above: str
    """Path of the directory that it is once more."""

    def __str__(self) -> str:
        return f"a loop: it leads back to {self.above}"


@dataclass(frozen=True, slots=True)
class Missing(_Reason):
    @property
    def needs_attention(self) -> bool:
        return True

    def __str__(self) -> str:
        return "missing"


@dataclass(frozen=True, slots=True)
class Unreadable(_Reason):
    cause: str

    @property
    def needs_attention(self) -> bool:
        return True

    def __str__(self) -> str:
        return f"can't be read: {self.cause}"


@dataclass(frozen=True, slots=True)
class ServerUnavailable(_Reason):
    """The server that a section lies on can't be used, so that nobody knows what is there."""

    cause: str
    """With the name of the server."""
    hint: str | None = None
    """What to do about it."""

    @property
    def needs_attention(self) -> bool:
        return True

    def __str__(self) -> str:
        return f"can't be looked at: {self.cause}" + (f"; {self.hint}" if self.hint else "")


@dataclass(frozen=True, slots=True)
class HoldsItsDestination(_Reason):
    """It is the directory that archives are stored in, or lies above it."""

    vault: str
    """Path of that directory, as configured."""

    @property
    def needs_attention(self) -> bool:
        return True

    def __str__(self) -> str:
        return f"holds the vault it would be sent to, {self.vault}: leave it out or move the vault"


@dataclass(frozen=True, slots=True)
class LiesInItsDestination(HoldsItsDestination):
    def __str__(self) -> str:
        return f"lies in the vault it would be sent to, {self.vault}: leave it out or move the vault"


@dataclass(frozen=True, slots=True)
class IsTheVault(_Reason):
    """Inside a whole tree, where leaving it out leaves out nothing else."""

    vault: str
    """Path of that directory, as configured."""

    def __str__(self) -> str:
        return f"belongs to the vault in {self.vault}, which is never sent"


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
    | LinkLeftOut
    | Loop
    | Missing
    | Unreadable
    | ServerUnavailable
    | HoldsItsDestination
    | IsTheVault
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


@dataclass(frozen=True, slots=True)
class DamagedThere(_Reason):
    """What was sent last is known to be missing or wrong where it is stored."""

    damage: str
    """In what way."""

    def __str__(self) -> str:
        return f"damaged at the destination: {self.damage}"


UploadReason = NeverSent | Changed | DamagedThere | Forced
