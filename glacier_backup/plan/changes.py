"""Whether one candidate is sent, and why: a pure decision."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from glacier_backup.model.candidate import Candidate, Fingerprint
from glacier_backup.model.naming import archive_name
from glacier_backup.model.plan import Decision, Skip, Upload
from glacier_backup.model.reason import AlreadySent, Changed, Forced, NeverSent, Unchanged, UploadReason
from glacier_backup.model.record import LastSent
from glacier_backup.plan.container import container_for

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


def needs_look(candidate: Candidate, last: LastSent | None, force: bool) -> bool:
    """Whether deciding takes a fingerprint: not for what is sent once and has been, and held still meanwhile.

    What changed while it was read may be torn, such as photos that were still being copied in: no good copy yet.
    """
    return last is None or force or candidate.compare or last.changed_while_read


def decide(
    candidate: Candidate, last: LastSent | None, fingerprint: Fingerprint | None, force: bool, least: int
) -> Decision:
    """Send ``candidate`` or not.

    ``last`` is its newest archive at the destination, ``least`` the bytes of the smallest archive that is taken
    there. ``fingerprint`` may only be None where :func:`needs_look` says so; ValueError otherwise.
    """
    if last is not None and not needs_look(candidate, last, force):
        size = last.bytes if fingerprint is None else fingerprint.bytes
        return Skip(candidate.path, _name(candidate, size, least), size, AlreadySent(last.sent_at, last.problems))
    if fingerprint is None:
        raise ValueError(f"{candidate.path} has to be looked at first")
    reason = _why(candidate, last, fingerprint, force)
    name = _name(candidate, fingerprint.bytes, least)
    if isinstance(reason, Unchanged | AlreadySent):
        return Skip(candidate.path, name, fingerprint.bytes, reason)
    container = container_for(candidate.kind, fingerprint.bytes, least)
    return Upload(candidate, name, container, fingerprint, reason, None if last is None else last.sent_at)


def _why(
    candidate: Candidate, last: LastSent | None, now: Fingerprint, force: bool
) -> UploadReason | Unchanged | AlreadySent:
    if last is None:
        return NeverSent()
    if force:
        return Forced()
    if _differs(last, now):
        return Changed(last.sent_at)
    same = Unchanged if candidate.compare else AlreadySent
    return same(last.sent_at, last.problems)


def _differs(last: LastSent, now: Fingerprint) -> bool:
    """Without a fingerprint, as after a take-over, whatever has a later mtime than the archive's date is new."""
    if last.digest is not None:
        return now.digest != last.digest
    return now.newest_mtime_ns > _nanoseconds(last.sent_at)


def _nanoseconds(moment: datetime) -> int:
    return (moment - _EPOCH) // timedelta(microseconds=1) * 1000


def _name(candidate: Candidate, size: int, least: int) -> str:
    return archive_name(candidate.path, container_for(candidate.kind, size, least), candidate.kind)
