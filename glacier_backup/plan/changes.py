"""Whether one candidate is sent, and why: a pure decision."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import NamedTuple

from glacier_backup.model.candidate import Candidate, Fingerprint
from glacier_backup.model.naming import archive_name, is_prefix_group_path
from glacier_backup.model.plan import Skip, Upload
from glacier_backup.model.reason import AlreadySent, Touched, Unchanged
from glacier_backup.model.record import LastSent
from glacier_backup.model.tree_digest import Hashing, is_untimed, same_look, same_size
from glacier_backup.model.upload_reason import Apart, Changed, DamagedThere, Forced, NeverSent, Renamed, UploadReason
from glacier_backup.plan.container import container_for

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)

SKEW = timedelta(minutes=15)
"""How much the clock here may differ from that of a place which says when it stored something (S3 API reference, "Error
responses", RequestTimeTooSkewed); and how long somebody may have taken to store it, of what he had read before."""


class Content(NamedTuple):
    """What was read of a file, or a link, to compare it."""

    sha256: str
    """Hex."""
    changed: bool = False
    """Whether it changed meanwhile."""


class Contents(NamedTuple):
    """What a decision goes by, of what is in a file of a whole tree."""

    hashing: Hashing = "never"
    """When that counts at all."""
    now: Content | None = None
    """None where nothing was read."""


_UNREAD = Contents()


def needs_look(candidate: Candidate, last: LastSent | None, force: bool) -> bool:
    """Whether deciding takes a fingerprint that there isn't yet: not for what is sent once and has been, and held
    still meanwhile, nor for what was seen in a tree.

    What changed while it was read may be torn, such as photos that were still being copied in: no good copy yet. Nor is
    what is known to be missing or wrong at the destination.
    """
    return candidate.seen is None and _counts(candidate, last, force)


def _counts(candidate: Candidate, last: LastSent | None, force: bool) -> bool:
    """Whether it matters what the candidate looks like now."""
    if last is None or force or candidate.compare or _is_apart(last):
        return True
    return last.changed_while_read or last.damage is not None


def _is_apart(last: LastSent) -> bool:
    """Whether it was stored in a group that goes by a prefix, and is stored by itself from now on."""
    return is_prefix_group_path(last.group)


def needs_content(candidate: Candidate, last: LastSent | None, force: bool, hashing: Hashing) -> bool:
    """Whether deciding takes what is in it: of a file of a tree that is compared so, that has the size of the one sent
    last, whose content is known, and that isn't sent whatever is in it."""
    seen = candidate.seen
    if hashing == "never" or force or not candidate.compare or seen is None or last is None or last.digest is None:
        return False
    if last.sha256 is None or last.damage is not None or _is_apart(last) or not same_size(last.digest, seen.digest):
        return False
    return hashing == "always" or not (same_look(last.digest, seen.digest) or _was_there(last, seen))


def decide(
    candidate: Candidate,
    last: LastSent | None,
    fingerprint: Fingerprint | None,
    force: bool,
    least: int,
    was: str | None = None,
    contents: Contents = _UNREAD,
    to: str = "",
) -> Upload | Skip:
    """Send ``candidate`` to the destination ``to``, or not.

    ``last`` is its newest archive at the destination, ``least`` the bytes of the smallest archive that is taken
    there. ``fingerprint`` may only be None where :func:`needs_look` says so, and what was read only where
    :func:`needs_content` does; ValueError otherwise. ``was`` is the path under which something that is never sent is
    stored there all the same, as it seems.
    """
    fingerprint = fingerprint or candidate.seen
    if last is not None and not _counts(candidate, last, force):
        size = last.bytes if fingerprint is None else fingerprint.bytes
        return Skip(candidate.path, _name(candidate, size, least), size, AlreadySent(last.sent_at, last.problems), to)
    if fingerprint is None:
        raise ValueError(f"{candidate.path} has to be looked at first")
    reason = _why(candidate, last, fingerprint, force, was, contents)
    name = _name(candidate, fingerprint.bytes, least)
    if isinstance(reason, Unchanged | AlreadySent | Touched):
        return Skip(candidate.path, name, fingerprint.bytes, reason, to)
    container = container_for(candidate.kind, fingerprint.bytes, least)
    previous = None if last is None else last.sent_at
    return Upload(candidate, name, container, fingerprint, reason, previous, to=to)


def _why(
    candidate: Candidate, last: LastSent | None, now: Fingerprint, force: bool, was: str | None, contents: Contents
) -> UploadReason | Unchanged | AlreadySent | Touched:
    if last is None:
        return NeverSent() if was is None else Renamed(was)
    if force:
        return Forced()
    if needs_content(candidate, last, force, contents.hashing):
        return _by_content(candidate, last, now, contents.now)
    if _differs(last, now):
        return Changed(last.sent_at)
    if _is_apart(last):
        return Apart(last.group)
    if last.damage is not None:
        return DamagedThere(last.damage)
    if not candidate.compare:
        return AlreadySent(last.sent_at, last.problems)
    if last.digest is not None and is_untimed(last.digest):
        return Touched(last.sent_at, last.id, now.digest, unread=True)
    return Unchanged(last.sent_at, last.problems, unhashed=contents.hashing == "always" and last.sha256 is None)


def _by_content(
    candidate: Candidate, last: LastSent, now: Fingerprint, content: Content | None
) -> Changed | Unchanged | Touched:
    if content is None:
        raise ValueError(f"{candidate.path} has to be read first")
    if content.changed or content.sha256 != last.sha256:
        return Changed(last.sent_at)
    if last.digest is not None and same_look(last.digest, now.digest):
        return Unchanged(last.sent_at, last.problems)
    return Touched(last.sent_at, last.id, now.digest)


def _differs(last: LastSent, now: Fingerprint) -> bool:
    """Without a fingerprint, as after a take-over, whatever has a later mtime than the archive's date is new."""
    if last.digest is not None and not is_untimed(last.digest):
        return not same_look(last.digest, now.digest)
    if last.digest is not None and not same_size(last.digest, now.digest):
        return True
    return now.newest_mtime_ns > _nanoseconds(last.sent_at)


def _was_there(last: LastSent, now: Fingerprint) -> bool:
    """Whether it surely has been as it is now since before it was stored, by whoever kept no time of it."""
    is_untold = last.digest is not None and is_untimed(last.digest)
    return is_untold and now.newest_mtime_ns < _nanoseconds(last.sent_at - SKEW)


def _nanoseconds(moment: datetime) -> int:
    return (moment - _EPOCH) // timedelta(microseconds=1) * 1000


def _name(candidate: Candidate, size: int, least: int) -> str:
    return archive_name(candidate.path, container_for(candidate.kind, size, least), candidate.kind)
