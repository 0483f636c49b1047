"""Why something is not sent: values, never bare strings or ``None``."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from glacier_backup.units import format_files, local_time


@dataclass(frozen=True, slots=True)
class Reason:
    """Why something is done with a path, or isn't; as text it is what a person is told."""

    @property
    def needs_attention(self) -> bool:
        """Whether a run with this among its skips must not end with exit code 0."""
        return False


@dataclass(frozen=True, slots=True)
class Trouble(Reason):
    """A reason that a person should see to."""

    @property
    def needs_attention(self) -> bool:
        return True


@dataclass(frozen=True, slots=True)
class AlreadySent(Reason):
    at: datetime
    incomplete: int = 0
    """How many inside could not be read when it was sent."""

    @property
    def needs_attention(self) -> bool:
        return self.incomplete > 0

    def __str__(self) -> str:
        return f"already sent on {local_time(self.at)}{_but_incomplete(self.incomplete)}"


@dataclass(frozen=True, slots=True)
class Unchanged(Reason):
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
class Touched(Reason):
    """A file of a tree has the content that was sent, and another time."""

    since: datetime
    archive: int
    """The number of what was sent, in which the file may be one of many."""
    digest: str
    """What it looks like now: whoever carries the plan out has it noted, so that the next run need not read it."""
    unread: bool = False
    """Whether it goes by size and time alone: another system has stored it, and since then nobody has touched it."""

    def __str__(self) -> str:
        why = "not touched after it was stored" if self.unread else "same content, other time"
        return f"unchanged since {local_time(self.since)}: {why}"


@dataclass(frozen=True, slots=True)
class Recognised(Reason):
    """A group of which the catalog knows no more than what another system, or the object itself, said of it: it is of
    the same files, and they are what they were."""

    since: datetime
    archive: int
    """Its number: whoever carries the plan out has it noted what is in it."""
    read: bool = False
    """Whether the content of the files was compared, and not only their sizes and times."""

    def __str__(self) -> str:
        how = "the same content" if self.read else "not touched after they were stored"
        return f"unchanged since {local_time(self.since)}: the same files, {how}"


def _but_incomplete(count: int) -> str:
    if count == 0:
        return ""
    return f", but incomplete: {count:,} inside could not be read; -p PATH --force sends it again"


@dataclass(frozen=True, slots=True)
class ExcludedBy(Reason):
    pattern: str

    def __str__(self) -> str:
        return f"excluded by {self.pattern}"


@dataclass(frozen=True, slots=True)
class NoUploadOption(Reason):
    def __str__(self) -> str:
        return "no upload option set"


@dataclass(frozen=True, slots=True)
class NotAFile(Reason):
    what: str
    """``FIFO``, ``socket``, ``block device`` or ``character device``."""

    def __str__(self) -> str:
        return f"a {self.what}, not a file or directory"


@dataclass(frozen=True, slots=True)
class BrokenLink(Reason):
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
class LinkLeftOut(Reason):
    def __str__(self) -> str:
        return "a symlink, and symlinks = skip"


@dataclass(frozen=True, slots=True)
class Loop(Reason):
    above: str
    """Path of the directory that it is once more."""

    def __str__(self) -> str:
        return f"a loop: it leads back to {self.above}"


@dataclass(frozen=True, slots=True)
class Missing(Trouble):
    def __str__(self) -> str:
        return "missing"


@dataclass(frozen=True, slots=True)
class Unreadable(Trouble):
    cause: str

    def __str__(self) -> str:
        return f"can't be read: {self.cause}"


@dataclass(frozen=True, slots=True)
class _Unavailable(Trouble):
    cause: str
    """With the name of what it is about."""
    hint: str | None = None
    """What to do about it."""

    @property
    def _told(self) -> str:
        return self.cause + (f"; {self.hint}" if self.hint else "")


@dataclass(frozen=True, slots=True)
class ServerUnavailable(_Unavailable):
    """The server that a section lies on can't be used, so that nobody knows what is there."""

    def __str__(self) -> str:
        return f"can't be looked at: {self._told}"


@dataclass(frozen=True, slots=True)
class DatasetUnavailable(_Unavailable):
    """A dataset isn't there, or can't be sent as its section wants it, or nobody here can be asked about datasets."""

    def __str__(self) -> str:
        return f"can't be sent: {self._told}"


@dataclass(frozen=True, slots=True)
class HoldsItsDestination(Trouble):
    """It is the directory that archives are stored in, or lies above it."""

    vault: str
    """Path of that directory, as configured."""

    def __str__(self) -> str:
        return f"holds the vault it would be sent to, {self.vault}: leave it out or move the vault"


@dataclass(frozen=True, slots=True)
class LiesInItsDestination(HoldsItsDestination):
    def __str__(self) -> str:
        return f"lies in the vault it would be sent to, {self.vault}: leave it out or move the vault"


@dataclass(frozen=True, slots=True)
class IsTheVault(Reason):
    """Inside a whole tree, where leaving it out leaves out nothing else."""

    vault: str
    """Path of that directory, as configured."""

    def __str__(self) -> str:
        return f"belongs to the vault in {self.vault}, which is never sent"


@dataclass(frozen=True, slots=True)
class LimitReached(Reason):
    limit: int

    def __str__(self) -> str:
        return f"left for a later run: limit = {self.limit}"


@dataclass(frozen=True, slots=True)
class SentMeanwhile(Reason):
    def __str__(self) -> str:
        return "sent by another run since this plan was made"


@dataclass(frozen=True, slots=True)
class Vanished(Reason):
    """Of a group: between the plan and its sending. Whatever is gone is no failure."""

    def __str__(self) -> str:
        return "all of its files are gone by now"


@dataclass(frozen=True, slots=True)
class FilteredOut(Reason):
    """Of a whole tree: its filters leave nothing of its name."""

    line: str
    """The filter that has left it out."""

    def __str__(self) -> str:
        return f"left out by the filter {self.line}"


@dataclass(frozen=True, slots=True)
class FilterFailed(Trouble):
    """Of a whole tree: a filter makes no key of its name."""

    line: str
    """The filter."""
    cause: str

    def __str__(self) -> str:
        return f"the filter {self.line} {self.cause}"


@dataclass(frozen=True, slots=True)
class SameKey(Trouble):
    """Filters make the same key of it as of another file, and one would take the other's place."""

    key: str
    other: str
    """Path of the one that has it."""

    def __str__(self) -> str:
        return (
            f"its filters make the key {self.key} of it, which is that of {self.other}: neither may replace the other"
        )


@dataclass(frozen=True, slots=True)
class TooManyGone(Trouble):
    """Of a section: more of its files are gone than may be at a time."""

    gone: int
    known: int
    """How many were known before."""
    limit: str
    """As ``max_delete`` says it."""

    def __str__(self) -> str:
        return (
            f"{self.gone:,} of {format_files(self.known)} are gone, and max_delete = {self.limit}: nothing is taken "
            "for deleted; if that is right, run it once with a larger --max-delete"
        )


@dataclass(frozen=True, slots=True)
class Emptied(Trouble):
    """Of a section: nothing is left of all that was stored of it."""

    known: int
    """How many files that were."""

    def __str__(self) -> str:
        return (
            f"nothing is left of the {format_files(self.known)} that are stored: is its disk mounted? "
            "None of them is taken for deleted"
        )


@dataclass(frozen=True, slots=True)
class Postponed(Reason):
    """Of what would be put away when all else is stored, in a run that couldn't store all."""

    def __str__(self) -> str:
        return "stays until a run has stored all that is to take its place"


@dataclass(frozen=True, slots=True)
class OneADay(Reason):
    """Of a dataset: its layout has a name for one archive of each day."""

    def __str__(self) -> str:
        return "sent today already: layout = zfs-to-aws has one a day"


SkipReason = (
    AlreadySent
    | Unchanged
    | Touched
    | Recognised
    | ExcludedBy
    | NoUploadOption
    | NotAFile
    | BrokenLink
    | LinkLeftOut
    | Loop
    | Missing
    | Unreadable
    | ServerUnavailable
    | DatasetUnavailable
    | HoldsItsDestination
    | IsTheVault
    | LimitReached
    | SentMeanwhile
    | Vanished
    | FilteredOut
    | FilterFailed
    | SameKey
    | TooManyGone
    | Emptied
    | Postponed
    | OneADay
)
