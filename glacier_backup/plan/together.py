"""What becomes of groups: their files can only go together.

Each file is judged like an archive of its own (:mod:`glacier_backup.plan.retention`). A group goes when nothing keeps
any of its files; until then what nothing keeps stays with the others, as history that takes room.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import NamedTuple

from glacier_backup.model.pyarchiver import ORIGIN as PYARCHIVER
from glacier_backup.model.stored import StoredArchive
from glacier_backup.plan.retention import Verdict
from glacier_backup.units import format_size

_NOT_OURS = "a tar of pyArchiver, which no rule removes: glacier-backup delete does"


class GroupVerdict(NamedTuple):
    """What becomes of one group."""

    verdict: Verdict
    history: int
    """Bytes of its files that nothing keeps, where it stays all the same; as they were before packing."""


@dataclass(slots=True)
class _Share:
    """What was said of the files of one group so far."""

    files: int = 0
    kept: int = 0
    unruled: int = 0
    elsewhere: int = 0
    history: int = 0
    kept_for: str = ""
    """Of the first that is kept."""
    example: str = ""
    """Its path."""
    goes_for: str = ""
    """Of the first that isn't."""
    alike: bool = True
    """Whether that holds for all that aren't."""

    def add(self, verdict: Verdict) -> None:
        self.files += 1
        if not verdict.kept:
            self.history += verdict.archive.source_bytes or 0
            self.alike = self.alike and self.goes_for in ("", verdict.why)
            self.goes_for = verdict.why
            return
        if not self.kept:
            self.kept_for, self.example = verdict.why, verdict.archive.path
        self.kept += 1
        self.unruled += verdict.unruled
        self.elsewhere += verdict.elsewhere


class Together:
    """Collects what is said of the files of groups. It takes some hundred bytes for each group, however many files."""

    def __init__(self) -> None:
        self._shares: dict[int, _Share] = {}

    def __iter__(self) -> Iterator[int]:
        """The ids of all groups of which something was said."""
        return iter(self._shares)

    def add(self, verdict: Verdict) -> None:
        """It is about one file of a group."""
        self._shares.setdefault(verdict.archive.id, _Share()).add(verdict)

    def may_go(self, group: int) -> bool:
        """Whether nothing keeps any of the files that something was said of."""
        return self._shares[group].kept == 0

    def of(self, group: StoredArchive, unasked: int = 0) -> GroupVerdict:
        """What becomes of ``group``, which has ``unasked`` files more that nothing was said of."""
        share = self._shares[group.id]
        if group.origin == PYARCHIVER:
            return GroupVerdict(Verdict(group, kept=True, why=_NOT_OURS), 0)
        if share.kept == 0 and not unasked:
            return GroupVerdict(Verdict(group, kept=False, why=_why_gone(share)), 0)
        why = _why_kept(share, unasked)
        verdict = Verdict(group, kept=True, why=why, unruled=share.unruled > 0, elsewhere=share.elsewhere > 0)
        return GroupVerdict(verdict, share.history)


def _why_gone(share: _Share) -> str:
    whose = "its file" if share.files == 1 else f"its {share.files:,} files"
    return f"{whose}: {share.goes_for if share.alike else 'kept by no rule'}"


def _why_kept(share: _Share, unasked: int) -> str:
    if share.files in (share.unruled, share.elsewhere):
        return share.kept_for
    all_files = share.files + unasked
    if share.kept:
        why = f"{share.kept:,} of its {all_files:,} files kept, such as {share.example} ({share.kept_for})"
    else:
        why = f"{unasked:,} of its {all_files:,} files were not asked about"
    return why + (f"; {format_size(share.history)} in it are only history" if share.history else "")
