"""Whether one candidate is sent, and why: a pure decision."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from glacier_backup.model.candidate import Candidate, Fingerprint
from glacier_backup.model.naming import archive_name
from glacier_backup.model.plan import Decision, Skip, Upload
from glacier_backup.model.reason import AlreadySent, Changed, DamagedThere, Forced, NeverSent, Unchanged, UploadReason
from glacier_backup.model.record import LastSent
from glacier_backup.model.tree_digest import SizeAndTime, parse_tree_digest
from glacier_backup.plan.container import container_for

_SECOND = 10**9
"""In ns."""

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


def needs_look(candidate: Candidate, last: LastSent | None, force: bool) -> bool:
    """Whether deciding takes a fingerprint that there isn't yet: not for what is sent once and has been, and held
    still meanwhile, nor for what was seen in a tree.

    What changed while it was read may be torn, such as photos that were still being copied in: no good copy yet. Nor is
    what is known to be missing or wrong at the destination.
    """
    return candidate.seen is None and _counts(candidate, last, force)


def _counts(candidate: Candidate, last: LastSent | None, force: bool) -> bool:
    """Whether it matters what the candidate looks like now."""
    return last is None or force or candidate.compare or last.changed_while_read or last.damage is not None


def decide(
    candidate: Candidate, last: LastSent | None, fingerprint: Fingerprint | None, force: bool, least: int
) -> Decision:
    """Send ``candidate`` or not.

    ``last`` is its newest archive at the destination, ``least`` the bytes of the smallest archive that is taken
    there. ``fingerprint`` may only be None where :func:`needs_look` says so; ValueError otherwise.
    """
    fingerprint = fingerprint or candidate.seen
    if last is not None and not _counts(candidate, last, force):
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
    if last.damage is not None:
        return DamagedThere(last.damage)
    same = Unchanged if candidate.compare else AlreadySent
    return same(last.sent_at, last.problems)


def _differs(last: LastSent, now: Fingerprint) -> bool:
    """Without a fingerprint, as after a take-over, whatever has a later mtime than the archive's date is new."""
    if last.digest is not None:
        return not same_look(last.digest, now.digest)
    return now.newest_mtime_ns > _nanoseconds(last.sent_at)


def same_look(one: str, other: str) -> bool:
    """Whether two digests of fingerprints mean that nothing has changed.

    Of files of a whole tree the sizes have to be equal, and the times too, or one of them is a whole second and the
    other lies in it: SFTP knows no finer ones, and what a server lists may be compared with another system's record.
    """
    if one == other:
        return True
    a, b = parse_tree_digest(one), parse_tree_digest(other)
    return a is not None and b is not None and a[:2] == b[:2] and _same_time(a, b)


def _same_time(one: SizeAndTime, other: SizeAndTime) -> bool:
    earlier, later = sorted((one.mtime_ns, other.mtime_ns))
    return earlier in (later, later // _SECOND * _SECOND)


def _nanoseconds(moment: datetime) -> int:
    return (moment - _EPOCH) // timedelta(microseconds=1) * 1000


def _name(candidate: Candidate, size: int, least: int) -> str:
    return archive_name(candidate.path, container_for(candidate.kind, size, least), candidate.kind)
