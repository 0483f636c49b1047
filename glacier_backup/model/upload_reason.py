"""Why something is sent: values, never bare strings or ``None``."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from glacier_backup.model.reason import Reason, Unchanged
from glacier_backup.units import format_files, local_time


@dataclass(frozen=True, slots=True)
class NeverSent(Reason):
    def __str__(self) -> str:
        return "not sent yet"


@dataclass(frozen=True, slots=True)
class Changed(Reason):
    since: datetime

    def __str__(self) -> str:
        return f"changed since {local_time(self.since)}"


@dataclass(frozen=True, slots=True)
class Forced(Reason):
    def __str__(self) -> str:
        return "forced"


@dataclass(frozen=True, slots=True)
class DamagedThere(Reason):
    """What was sent last is known to be missing or wrong where it is stored."""

    damage: str
    """In what way."""

    def __str__(self) -> str:
        return f"damaged at the destination: {self.damage}"


@dataclass(frozen=True, slots=True)
class Renamed(Reason):
    """Never sent under this path, and yet it was stored, as far as size and time tell, when it was called otherwise."""

    was: str
    """Path that it is stored under, and that is gone."""
    copied: bool | None = None
    """Of a file that is sent alone: whether the destination is to copy what it has, and nothing is sent unless it can't
    after all."""

    def __str__(self) -> str:
        how = {None: "", True: "; to be copied there", False: "; to be sent again, for it can't be copied there"}
        return f"renamed, was {self.was}{how[self.copied]}"


@dataclass(frozen=True, slots=True)
class Apart(Reason):
    """Stored in a group until now that doesn't hold it any more, and so is to be stored by itself."""

    group: str
    """Its path."""

    def __str__(self) -> str:
        return f"was in {self.group}"


_WORDS = ("not sent yet", "changed", "renamed", "damaged at the destination", "forced", "unchanged")
"""For the fields of :class:`Gathered`, in their order."""


@dataclass(frozen=True, slots=True)
class Gathered(Reason):
    """Why the files of a group are sent: how many for which reason."""

    new: int = 0
    changed: int = 0
    renamed: int = 0
    damaged: int = 0
    forced: int = 0
    unchanged: int = 0
    """Those that are sent again because the others are."""
    each: bytes = b""
    """Which it is of each file, in their order: the number of the field, a byte for each; empty where nobody knows."""
    left: int = 0
    """How many more were in it when it was sent before, and are elsewhere now, or nowhere."""

    @classmethod
    def of(cls, reasons: bytes) -> Gathered:
        """That of files with these, as :attr:`each` has them."""
        new, changed, renamed, damaged, forced, unchanged = map(reasons.count, range(len(_WORDS)))
        return cls(new, changed, renamed, damaged, forced, unchanged, reasons)

    @property
    def files(self) -> int:
        """How many."""
        return sum(self._counts)

    def why(self, number: int) -> str:
        """Of the file of that number, from 0; empty where nobody knows."""
        return _WORDS[self.each[number]] if number < len(self.each) else ""

    @property
    def _counts(self) -> tuple[int, ...]:
        return (self.new, self.changed, self.renamed, self.damaged, self.forced, self.unchanged)

    def __str__(self) -> str:
        files = format_files(self.files)
        told = [(count, words) for count, words in zip(self._counts, _WORDS, strict=True) if count]
        gone = f"; {self.left:,} no longer in it" if self.left else ""
        if len(told) == 1:
            return f"{files}, {told[0][1]}{gone}"
        return f"{files}: {', '.join(f'{count:,} {words}' for count, words in told)}{gone}"


REASONS: tuple[type[Reason], ...] = (NeverSent, Changed, Renamed, DamagedThere, Forced, Unchanged)
"""Those of files, by the numbers that :attr:`Gathered.each` has."""


@dataclass(frozen=True, slots=True)
class InChain(Reason):
    """Sent as one archive of a chain: in full, or as an increment."""

    reason: UploadReason
    """Why it is sent at all."""
    number: int
    """Of the increment; 0: it is sent in full."""
    why: str = ""
    """Why it is sent in full though there is something to build on."""
    new: int = 0
    changed: int = 0
    deleted: int = 0
    """How many entries, and trees of them, aren't there any more."""

    def __str__(self) -> str:
        if not self.number:
            return f"{self.reason}; in full" + (f": {self.why}" if self.why else "")
        return (
            f"{self.reason}; increment {self.number:,}: {self.new:,} new, {self.changed:,} changed, "
            f"{self.deleted:,} deleted"
        )


@dataclass(frozen=True, slots=True)
class InSpans(Reason):
    """A dataset, sent as one stream between snapshots: as a baseline, or as an increment."""

    reason: UploadReason
    """Why it is sent at all."""
    to: str
    """The name of the snapshot that the stream leads to."""
    base: str = ""
    """Of the one that it begins with; empty: it is a baseline."""
    number: int = 0
    """Of the increment."""
    why: str = ""
    """Why it is a baseline though there is something stored."""
    is_new: bool = False
    """Whether that snapshot is yet to be made."""

    def __str__(self) -> str:
        new = ", to be made" if self.is_new else ""
        if self.base:
            return f"{self.reason}; increment {self.number:,}: {self.base} to {self.to}{new}"
        return f"{self.reason}; baseline {self.to}{new}" + (f": {self.why}" if self.why else "")


UploadReason = NeverSent | Changed | DamagedThere | Forced | Renamed | Apart | Gathered | InChain | InSpans
