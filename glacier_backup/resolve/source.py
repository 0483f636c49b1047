"""The Source Protocol: where candidates come from."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Protocol

from glacier_backup.model.candidate import Candidate, Fingerprint, Resolved


@dataclass(frozen=True, slots=True)
class Selection:
    """What one section selects below its path. The rules are in ``docs/candidates.md``."""

    path: str
    """Absolute, without a trailing slash."""
    single_dir: bool = False
    dirs: bool = False
    files: bool = False
    compare: bool = False
    exclude: Sequence[str] = ()


class Source(Protocol):
    """Says what is there. It never writes, never follows a link out of a candidate, never blocks on a FIFO,
    and an entry that vanishes or can't be read never ends the scan."""

    def resolve(self, selection: Selection) -> Iterator[Resolved]:
        """The section's candidates, and what is passed over with its reason, ordered by name (as bytes).

        A path that doesn't exist yields one PassedOver(Missing). Raises nothing for what the disk holds.
        """
        ...

    def look(self, candidate: Candidate) -> Fingerprint:
        """What the candidate looks like now; recursive for a directory.

        Entries that vanish meanwhile are left out; unreadable directories count as empty. Raises SourceError
        when the candidate itself is gone or has become something that can't be backed up.
        """
        ...
