"""The files of a group as they were when it was planned, and what is there now."""

from __future__ import annotations

import stat

from glacier_backup.errors import SourceGone
from glacier_backup.model.contents import Contents, Held


def is_as_held(mode: int, held: Held) -> bool:
    """Whether what is there now is of the type that it was."""
    return stat.S_ISLNK(mode) if held.is_link else stat.S_ISREG(mode)


def none_left(section: str, contents: Contents) -> SourceGone:
    """The error for a group of which nothing is there."""
    return SourceGone(f"{section}: of the {len(contents):,} files that were to be packed together none is left")
