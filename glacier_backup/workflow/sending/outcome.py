"""What has become of a decision, told."""

from __future__ import annotations

from glacier_backup.errors import GlacierBackupError, Interrupted
from glacier_backup.model.event import ArchiveFailed, ArchiveSkipped, Result, Warned
from glacier_backup.model.plan import Skip, Upload
from glacier_backup.model.reason import ServerUnavailable
from glacier_backup.workflow.sending.desk import Sending
from glacier_backup.workflow.sending.tally import Done


def skipped(skip: Skip, sending: Sending) -> Done:
    """``skip`` is dealt with, and told."""
    if skip.reason.needs_attention:
        about = sending.about(skip.path) if skip.to else skip.path
        sending.tell(Warned(f"{about}: {skip.reason}"))
    sending.tell(ArchiveSkipped(skip))
    return Done(Result(skip), out_of_reach=isinstance(skip.reason, ServerUnavailable))


def failed(result: Result, sending: Sending, fatal: GlacierBackupError | None = None) -> Done:
    """``result`` is told; ``fatal`` is what no other candidate can do better with."""
    # A stop is no failure of any of those under way, and told once for all.
    if isinstance(result.decision, Upload) and not isinstance(fatal, Interrupted):
        sending.tell(ArchiveFailed(result.decision, result.error or "", result.hint, result.defect))
    return Done(result, fatal=fatal)
