"""What can't be looked at, or read, while it is decided what is sent."""

from __future__ import annotations

from glacier_backup.errors import SourceError, SourceUnavailable
from glacier_backup.model.candidate import Candidate
from glacier_backup.model.naming import archive_name
from glacier_backup.model.plan import Skip
from glacier_backup.model.reason import DatasetUnavailable, ServerUnavailable, Unreadable


def unread(candidate: Candidate, error: SourceError) -> Skip:
    """It is skipped, wherever it was to go, for this reason."""
    cause = error.without(candidate.path)
    reason: ServerUnavailable | DatasetUnavailable | Unreadable = Unreadable(cause)
    if candidate.kind == "dataset":
        reason = DatasetUnavailable(cause, error.hint)
    elif isinstance(error, SourceUnavailable):
        reason = ServerUnavailable(cause, error.hint)
    return Skip(candidate.path, archive_name(candidate.path, "raw", candidate.kind), 0, reason)
