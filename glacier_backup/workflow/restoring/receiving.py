"""One stream of a dataset handed on to what makes a snapshot of it, without a copy on the disk.

Its last MiB is held back until all of it has proved right: a stream without its end becomes nothing. So what is
damaged, or was opened with a wrong key, is never taken for what was sent. A stream that was broken off begins anew the
next time: what is stored of it can't go on in its middle, for ``zfs receive`` with a token takes another stream than
that, which only ``zfs send -t`` makes, out of the snapshot that it was sent of.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager, ExitStack, suppress
from functools import partial
from typing import NamedTuple

from glacier_backup.errors import DamageFound, GlacierBackupError, TargetError
from glacier_backup.model.event import Warned
from glacier_backup.model.restore import WHOLE, RestoreItem
from glacier_backup.model.snapshot import Snapshot, Span, dataset_of
from glacier_backup.model.stored import StoredArchive
from glacier_backup.model.stream_head import may_lead_to, stream_head
from glacier_backup.units import MIB
from glacier_backup.workflow.restoring.desk import Desk, Work
from glacier_backup.workflow.restoring.draining import drain
from glacier_backup.workflow.restoring.receiver import Incoming, Receiver
from glacier_backup.workflow.restoring.rest_of_package import NothingFollows, RestOfPackage
from glacier_backup.workflow.restoring.staging import name_of
from glacier_backup.workflow.restoring.target import troubles
from glacier_backup.workflow.restoring.undone import wrongly_undone
from glacier_backup.workflow.restoring.unsealed import Stream

HELD_BACK = MIB
"""Bytes at the end of a stream, at least: far more than its last record has."""


class Goal(NamedTuple):
    """What a stream is to become."""

    dataset: str
    """Without a scheme."""
    snapshot: str


def goal_of(item: RestoreItem) -> Goal:
    """Raises ValueError for an item of a restore into a directory."""
    dataset, _, snapshot = item.to.rpartition("@")
    return Goal(dataset_of(dataset)[1], snapshot)


def is_there(span: Span, snapshots: Sequence[Snapshot]) -> bool:
    """Whether what a stream leads to is among them: by what the file system tells it by, else by its name."""
    if span.guid:
        return any(one.guid == span.guid for one in snapshots)
    return any(one.name == span.to for one in snapshots)


def span_of(archive: StoredArchive) -> Span:
    """Raises GlacierBackupError for what is no stream."""
    if archive.span is None:
        raise GlacierBackupError(f"{archive.name} isn't known to be a stream of a dataset")
    return archive.span


def receive(work: Work, desk: Desk, receiver: Receiver) -> None:
    """Have a stream received, and right.

    Raises DamageFound, TargetError, and what reading raises: then nothing of it is there, but for snapshots in between
    that are whole.
    """
    desk.started(work)
    try:
        try:
            _receive_what_follows(work, desk, receiver)
        except DamageFound:
            if all(volume.has_leaves for volume in work.archive.volumes):
                raise
            # Without leaves nobody can say which piece was spoiled on its way: all of it comes once more.
            _receive_what_follows(work, desk, receiver)
    except DamageFound as error:
        if (wrong := wrongly_undone(work.archive, error)) is not None:
            raise wrong from error
        raise


def _receive_what_follows(work: Work, desk: Desk, receiver: Receiver) -> None:
    """Some of a package may be there already: where zfs doesn't pass over that by itself, it gets the rest alone."""
    dataset, span = goal_of(work.record.item).dataset, span_of(work.archive)
    try:
        _receive(work, desk, receiver, partial(receiver.receiving, dataset))
    except TargetError as error:
        newest = _half_way(span, receiver.snapshots(dataset) or ())
        if newest is None:
            raise
        try:
            _receive(work, desk, receiver, partial(RestOfPackage, receiver, dataset, newest.guid, span.guid))
        except NothingFollows:
            raise _in_the_way(dataset, span, newest, error) from error


def _half_way(span: Span, there: Sequence[Snapshot]) -> Snapshot | None:
    """The newest snapshot of a dataset in which something follows what the stream builds on; None where nothing does.
    It may be of the same stream, which has brought several and was broken off."""
    names = [one.name for one in there]
    return there[-1] if span.base in names[:-1] and not is_there(span, there) else None


def _in_the_way(dataset: str, span: Span, newest: Snapshot, error: TargetError) -> TargetError:
    return TargetError(
        f"{error}: somebody else has made @{newest.name} there since @{span.base} was received",
        hint=f"name another dataset with --to; or, to drop all that has become of it since, zfs rollback -r "
        f"'{dataset}@{span.base}', and have nothing make snapshots there until all is received",
    )


def _receive(
    work: Work, desk: Desk, receiver: Receiver, opened: Callable[[], AbstractContextManager[Incoming]]
) -> None:
    span, goal = span_of(work.archive), goal_of(work.record.item)
    folder = _Scratch(work, desk)
    reading = desk.reading(work, None, scratch=folder.made if desk.tools.scratch_dir else None)
    with desk.unsealed(work, reading) as unsealed, ExitStack() as stack:
        stream = stack.enter_context(unsealed.bytes(WHOLE))
        ahead = _Ahead(stream)
        ahead.must_be(span, work.archive.name)
        incoming = stack.enter_context(opened())
        try:
            held = ahead.hand_on(incoming, desk.check)
        except NothingFollows:
            raise
        except TargetError:
            if not reading.is_proven:  # it may well be the stream that is wrong
                drain(stream, desk.check)
                unsealed.finish()
                reading.finish()
            raise
        unsealed.finish()
        proven = reading.finish()
        for piece in held:
            incoming.write(piece)
        incoming.finish()
    if not is_there(span, receiver.snapshots(goal.dataset) or ()):
        raise GlacierBackupError(
            f"{work.archive.name} was received into zfs:{goal.dataset}, and it isn't the snapshot {span.to} that was "
            "sent: something else is stored in its place",
            hint=f"nothing in zfs:{goal.dataset} is to be trusted: zfs destroy -r '{goal.dataset}' drops it",
        )
    folder.remove()
    if proven in ("nothing", "size"):
        desk.tell(Warned(f"{work.path}: the catalog has no checksum of it, so only its size is checked"))


class _Scratch:
    """Where volumes are mended on the way."""

    def __init__(self, work: Work, desk: Desk) -> None:
        self._above = desk.tools.scratch_dir
        locators = [volume.locator for volume in work.archive.volumes]
        self._path = os.path.join(self._above, f"mending-{name_of(work.place, locators, None, work.record.item.to)}")

    def made(self) -> str:
        """Its path; the same for a later process."""
        with troubles(self._above):
            os.makedirs(self._path, mode=0o700, exist_ok=True)
        return self._path

    def remove(self) -> None:
        with suppress(OSError):
            os.rmdir(self._path)


class _Ahead:
    """Hands a stream on, but for what comes last."""

    def __init__(self, stream: Stream) -> None:
        self._stream = stream
        self._pieces = [memoryview(bytearray(HELD_BACK)), memoryview(bytearray(HELD_BACK))]
        self._first = stream.readinto(self._pieces[0])

    def must_be(self, span: Span, name: str) -> None:
        """Raises DamageFound for what doesn't begin as a stream of that span does."""
        begins = bytes(self._pieces[0][: self._first])
        head = stream_head(begins)
        if head is None:
            raise DamageFound(f"{name} isn't a stream of ZFS")
        if span.guid and not head.is_package and head.guid != span.guid:
            raise DamageFound(f"{name} is a stream of the snapshot with guid {head.guid}, and {span.guid} was sent")
        if span.guid and not may_lead_to(begins, span.guid):
            raise DamageFound(f"{name} is a stream of other snapshots than that with guid {span.guid}, which was sent")

    def hand_on(self, incoming: Incoming, check: Callable[[], object]) -> Sequence[memoryview]:
        """All but the last MiB or two, which are returned."""
        before, now = self._pieces
        count = self._first
        if count < HELD_BACK:
            return [before[:count]]
        while (count := self._stream.readinto(now)) == HELD_BACK:
            check()
            incoming.write(before)
            before, now = now, before
        return [before, now[:count]]
