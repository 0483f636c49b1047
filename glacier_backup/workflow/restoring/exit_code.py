"""How a run ends, by how far the things are."""

from __future__ import annotations

from collections.abc import Collection, Mapping

from glacier_backup.errors import GlacierBackupError
from glacier_backup.model.restore import ItemState
from glacier_backup.workflow.restoring.reachable import Reachable

THAWING, DAMAGED, FAILED = 75, 5, 1
"""Exit codes (DESIGN, section 4)."""


def exit_code(
    counts: Mapping[ItemState, int],
    error: GlacierBackupError | None,
    reachable: Reachable,
    open_states: Collection[ItemState],
    *,
    done: int,
) -> int:
    """``error`` has ended the run; ``open_states`` are those that a later run goes on with, and ``done`` is how many
    things this one has dealt with for good."""
    if error is not None:
        return error.exit_code
    if counts.get("thawing"):
        return THAWING
    if counts.get("damaged"):
        return DAMAGED
    left = sum(counts.get(state, 0) for state in open_states)
    if reachable.out and left and not done:
        return next(iter(reachable.out.values())).exit_code
    return FAILED if left or counts.get("failed") or counts.get("kept") else 0
