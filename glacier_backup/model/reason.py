"""Why something is sent, and why something is not: values, never bare strings or ``None``."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from glacier_backup.units import format_files, local_time


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
    unhashed: bool = False
    """Whether its content was to be compared, and couldn't be: nobody has hashed what was sent."""

    @property
    def needs_attention(self) -> bool:
        return self.incomplete > 0

    def __str__(self) -> str:
        of_what = ", by size and time: no hash of what was sent is known" if self.unhashed else ""
        return f"unchanged since {local_time(self.since)}{of_what}{_but_incomplete(self.incomplete)}"


@dataclass(frozen=True, slots=True)
class Touched(_Reason):
    """A file of a tree has the content that was sent, and another time."""

    since: datetime
    archive: int
    """The number of what was sent, in which the file may be one of many."""
    digest: str
    """What it looks like now: whoever carries the plan out has it noted, so that the next run need not read it."""

    def __str__(self) -> str:
        return f"unchanged since {local_time(self.since)}: same content, other time"


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


@dataclass(frozen=True, slots=True)
class Vanished(_Reason):
    """Of a group: between the plan and its sending. Whatever is gone is no failure."""

    def __str__(self) -> str:
        return "all of its files are gone by now"


SkipReason = (
    AlreadySent
    | Unchanged
    | Touched
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
    | Vanished
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


@dataclass(frozen=True, slots=True)
class Renamed(_Reason):
    """Never sent under this path, and yet it was stored, as far as size and time tell, when it was called otherwise."""

    was: str
    """Path that it is stored under, and that is gone."""

    def __str__(self) -> str:
        return f"renamed, was {self.was}"


_WORDS = ("not sent yet", "changed", "renamed", "damaged at the destination", "forced")
"""For the fields of :class:`Gathered`, in their order."""


@dataclass(frozen=True, slots=True)
class Gathered(_Reason):
    """Why the files of a group are sent: how many for which reason."""

    new: int = 0
    changed: int = 0
    renamed: int = 0
    damaged: int = 0
    forced: int = 0
    each: bytes = b""
    """Which it is of each file, in their order: the number of the field, a byte for each; empty where nobody knows."""

    @classmethod
    def of(cls, reasons: bytes) -> Gathered:
        """That of files with these, as :attr:`each` has them."""
        new, changed, renamed, damaged, forced = map(reasons.count, range(len(_WORDS)))
        return cls(new, changed, renamed, damaged, forced, reasons)

    @property
    def files(self) -> int:
        """How many."""
        return sum(self._counts)

    def why(self, number: int) -> str:
        """Of the file of that number, from 0; empty where nobody knows."""
        return _WORDS[self.each[number]] if number < len(self.each) else ""

    @property
    def _counts(self) -> tuple[int, ...]:
        return (self.new, self.changed, self.renamed, self.damaged, self.forced)

    def __str__(self) -> str:
        files = format_files(self.files)
        told = [(count, words) for count, words in zip(self._counts, _WORDS, strict=True) if count]
        if len(told) == 1:
            return f"{files}, {told[0][1]}"
        return f"{files}: {', '.join(f'{count:,} {words}' for count, words in told)}"


REASONS: tuple[type[_Reason], ...] = (NeverSent, Changed, Renamed, DamagedThere, Forced)
"""Those of files, by the numbers that :attr:`Gathered.each` has."""

UploadReason = NeverSent | Changed | DamagedThere | Forced | Renamed | Gathered
