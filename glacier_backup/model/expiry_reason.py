"""Why something that is stored is no part of the newest state any more."""

from __future__ import annotations

from dataclasses import dataclass

from glacier_backup.model.reason import Reason


@dataclass(frozen=True, slots=True)
class Deleted(Reason):
    """Gone at its source, and ``deleted = expire``."""

    def __str__(self) -> str:
        return "deleted at the source"


@dataclass(frozen=True, slots=True)
class Superseded(Reason):
    """A file that was stored by itself, and is in a group now."""

    group: str
    """Its path."""

    def __str__(self) -> str:
        return f"is in {self.group} now"


@dataclass(frozen=True, slots=True)
class Dissolved(Reason):
    """A group whose files are stored elsewhere now, all of them that there are; the others were deleted."""

    def __str__(self) -> str:
        return "its files are stored elsewhere now, or were deleted"


ExpiryReason = Deleted | Superseded | Dissolved
