"""One thing on its way back: fetched, unpacked into its hidden folder, and proved right; in a thread of its own.

Nothing of it has its name before all of it has proved right. A process that is killed goes on from the last checkpoint,
with as many bytes fetched again as lie between two of them at most.
"""

from __future__ import annotations

import hashlib
import os
import time
from collections.abc import Generator, Iterator
from contextlib import contextmanager
from dataclasses import replace

from glacier_backup.errors import DamageFound, GlacierBackupError, WrongKey
from glacier_backup.model.archive import WITH_MEMBERS, Member
from glacier_backup.model.event import Warned
from glacier_backup.model.naming import stored_name
from glacier_backup.model.restore import WHOLE, ByteRange, RestoreItem
from glacier_backup.model.stored import StoredArchive
from glacier_backup.pack.unpacker import LeadsOut, Unpacking, UnpackOrder
from glacier_backup.plan.chain import is_increment
from glacier_backup.plan.mending import may_mend
from glacier_backup.seal.order import COMMAND
from glacier_backup.units import MIB
from glacier_backup.workflow.restoring import beneath
from glacier_backup.workflow.restoring.chain_items import list_in
from glacier_backup.workflow.restoring.checkpoint import Checkpoint
from glacier_backup.workflow.restoring.chosen import Chosen
from glacier_backup.workflow.restoring.contents import Comparison, Judge
from glacier_backup.workflow.restoring.desk import Desk, Work, folder_of
from glacier_backup.workflow.restoring.draining import drain
from glacier_backup.workflow.restoring.hurt import VolumeHurt
from glacier_backup.workflow.restoring.item_folder import ItemFolder
from glacier_backup.workflow.restoring.narrowing import narrowed
from glacier_backup.workflow.restoring.publish import Brought, all_came
from glacier_backup.workflow.restoring.same_password import begins_alike, tells_late
from glacier_backup.workflow.restoring.sameness import in_the_way
from glacier_backup.workflow.restoring.several import Several, outlook
from glacier_backup.workflow.restoring.staging import Staging
from glacier_backup.workflow.restoring.stream import identity
from glacier_backup.workflow.restoring.target import Obstacle, Target
from glacier_backup.workflow.restoring.undone import wrongly_undone
from glacier_backup.workflow.restoring.unsealed import Stream

CHECKPOINT_BYTES, CHECKPOINT_SECONDS = 64 * MIB, 10.0
"""A checkpoint is written when so much was handed on since the last, or so long ago."""

FLUSH_SECONDS = 300.0
"""How often what was unpacked is flushed to the disk, so that the machine may go down."""


def bring(work: Work, desk: Desk, staging: Staging) -> Brought | None:
    """Have all of an item in its folder, right; None where it has its name already.

    Raises Obstacle where something else has that and stays, DamageFound, TargetError, and what reading raises; what
    there is of it then stays for a later process, but where it is damaged.
    """
    folder = folder_of(work.record, work.archive, work.place, staging)
    several = Several.of(work.record.item, work.archive, desk.catalog)
    of_many = work.archive.container in WITH_MEMBERS and several is None
    done = folder.done()
    if done is not None and all_came(staging.target, folder, done, work.record.item, several):
        return Brought(work.record, folder, done, of_many, several)
    if work.record.item.chain:
        pass  # what is in the way of all of it together is seen when it gets its name
    elif several is None:
        obstacle = in_the_way(work.record.item, work.archive, staging.target, desk.catalog)
        if obstacle is True:
            return None
        if isinstance(obstacle, Obstacle) and not desk.overwrite:
            raise obstacle
    else:
        if done is not None:
            folder.remove()  # some have left it, and aren't where they went to any more
        item = _to_fetch(several, desk, staging.target)
        if item is None:
            return None
        work = work._replace(record=replace(work.record, item=item))
    desk.started(work)
    try:
        try:
            left_out, root = _unpacked(work, desk, folder)
        except DamageFound:
            if work.archive.volumes and all(volume.has_leaves for volume in work.archive.volumes):
                raise
            # Without leaves nobody can say which piece was spoiled on its way: all of it comes once more.
            folder.remove()
            left_out, root = _unpacked(work, desk, folder)
    except DamageFound as error:
        if not _will_be_mended(work, error):
            folder.remove()
        if (wrong := wrongly_undone(work.archive, error)) is not None:
            raise wrong from error
        raise
    except WrongKey:
        if tells_late(work.archive):
            folder.remove()
        raise
    return Brought(work.record, folder, folder.finish(root, left_out), of_many, several)


def _to_fetch(several: Several, desk: Desk, target: Target) -> RestoreItem | None:
    """The files that aren't there already, of what is to come; None where all are. Raises Obstacle or TargetError where
    no other can get its name: else what gets none is told when those get theirs."""
    seen = outlook(several, target, overwrite=desk.overwrite)
    if seen.known != len(several):
        raise GlacierBackupError(
            f"the catalog doesn't know all of the files any more that were to come out of {several.archive.name}",
            hint="give this restore up (glacier-backup thaw cancel), and ask for it again",
        )
    if seen.missing:
        return narrowed(several.item, seen.numbers, several.archive, desk.catalog)
    if (error := seen.error(len(several))) is not None:
        raise error
    return None


def _will_be_mended(work: Work, error: DamageFound) -> bool:
    """Whether what was unpacked so far is of use when it is."""
    if not isinstance(error, VolumeHurt):
        return False
    return may_mend(work.archive, error.causes.keys(), missing=error.missing)


def _unpacked(work: Work, desk: Desk, folder: ItemFolder) -> tuple[list[str], str]:
    """What was left out, and what gets the name. Where hard links in a member lead out of it, and nobody knew, all of
    the archive is unpacked for its sake; of a group only what they lead to."""
    everything = folder.checkpoint(_identity(work, everything=True)) is not None
    try:
        return _Bringing(work, desk, folder, everything=everything).run()
    except LeadsOut:
        folder.remove()
        return _Bringing(work, desk, folder, everything=True).run()


def _identity(work: Work, *, everything: bool) -> str:
    """Of files of a group with which they are, for those that have appeared in the target since are fetched no more;
    and with their bytes, which depend on what the catalog knows now (:func:`narrowed`)."""
    item = work.record.item
    which = [hashlib.sha256(repr((item.numbers, item.ranges)).encode()).hexdigest()] if item.numbers else []
    return " ".join((identity(work.archive), *(["everything"] if everything else []), *which))


class _Bringing:
    """One item being unpacked."""

    def __init__(self, work: Work, desk: Desk, folder: ItemFolder, *, everything: bool) -> None:
        self._work = work
        self._desk = desk
        self._folder = folder
        self._item, self._archive = work.record.item, work.archive
        self._identity = _identity(work, everything=everything)
        self._everything = everything
        self._unpacker = desk.tools.unpacker(work.archive.kind, work.archive.container)
        self._reading = desk.reading(work, folder)
        self._target = folder.target
        self._saved_at = self._flushed_at = time.monotonic()
        self._since = 0

    def _is_checked_inside(self) -> bool:
        """Whether its content was proved right, whatever is known of the bytes that are stored: in a ZIP each file has
        a CRC-32 of its own, and what was transformed has the hash of what it was."""
        recipe = self._archive.recipe
        is_transformed = recipe is not None and any(step.name == COMMAND for step in recipe.seal)
        return self._archive.container == "zip" or (is_transformed and self._archive.sha256 is not None)

    def run(self) -> tuple[list[str], str]:
        """All of it; what was left out, and what gets the name, relative to the content."""
        begun = self._goes_on()
        left_out: dict[str, None] = {}
        content = self._folder.begin(anew=begun is None)
        try:
            judge = self._judge(done=0 if begun is None else begun.members)
            first = 0 if begun is None else begun.range
            # Let go of at once, whatever happens: others wait for the memory.
            with self._desk.unsealed(self._work, self._reading) as unsealed:
                for number in range(first, len(self._item.ranges)):
                    resume = begun.line if begun is not None and number == first else None
                    order = replace(self._order(number, resume), among=judge.among)
                    with unsealed.bytes(ByteRange(order.start, self._item.ranges[number].end)) as stream:
                        left_out |= dict.fromkeys(self._unpack(number, content, stream, order, judge))
                unsealed.finish()
            judge.finish()
            proven = self._reading.finish()
            root = self._root(content)
        finally:
            os.close(content)
        if proven in ("nothing", "size") and not self._is_checked_inside():
            self._desk.tell(
                Warned(f"{self._work.path}: the catalog has no checksum of it, so only its size is checked")
            )
        return list(left_out), root

    def _judge(self, done: int) -> Judge:
        if self._item.numbers:
            return Chosen(self._desk.catalog, self._item, self._archive, done=done, links=self._everything)
        item = replace(self._item, member=None) if self._everything else self._item
        return Comparison(self._desk.catalog, item, self._archive, done=done)

    def _goes_on(self) -> Checkpoint | None:
        found = self._folder.checkpoint(self._identity)
        if found is None or found.range >= len(self._item.ranges):
            return None
        try:
            position = self._unpacker.position(found.line)
        except GlacierBackupError:
            return None  # as an older or newer program wrote it
        if not self._reading.can_go_on(position):
            return None
        return found if self._is_opened_alike(position) else None

    def _is_opened_alike(self, position: int) -> bool:
        """Whether what there is of it was opened with the key that opens it now."""
        if not tells_late(self._archive):
            return True
        with self._desk.unsealed(self._work, self._reading) as unsealed:
            return begins_alike(self._folder, _own_name(self._archive), unsealed, position)

    def _unpack(self, number: int, content: int, stream: Stream, order: UnpackOrder, judge: Judge) -> tuple[str, ...]:
        unpacking = self._unpacker.unpack(stream, content, order)
        self._since = 0
        with _closed(iter(unpacking)) as members:
            for member in members:
                if member is not None:
                    judge.see(member)
                if self._is_due(stream.handed_on):
                    self._save(number, unpacking, judge)
        # What lies behind the end of an archive belongs to what was sent, and to its checksum.
        drain(stream)
        return unpacking.left_out

    def _order(self, number: int, resume: str | None) -> UnpackOrder:
        archive, wanted = self._archive, self._item.ranges[number]
        has_members = archive.container in WITH_MEMBERS
        return UnpackOrder(
            name=_own_name(archive),
            kind=archive.kind or ("directory" if has_members else "file"),
            mtime_ns=None if has_members else archive.mtime_ns,
            mode=None if has_members else archive.mode,
            start=wanted.start if resume is None else self._unpacker.position(resume),
            whole=wanted.end is None,
            # Ranges are of just those members that are wanted, and of what hard links among them lead to.
            wanted=self._item.member if wanted == WHOLE and not self._everything else None,
            along=list_in(archive) if self._item.chain else None,
            resume=resume,
        )

    def _is_due(self, handed_on: int) -> bool:
        """A look at the clock for each member costs nothing beside making it."""
        bytes_since = handed_on - self._since
        if bytes_since < CHECKPOINT_BYTES and time.monotonic() - self._saved_at < CHECKPOINT_SECONDS:
            return False
        self._since = handed_on
        return True

    def _save(self, number: int, unpacking: Unpacking, judge: Judge) -> None:
        """Digests first: the checkpoint relies on them."""
        self._target.still_there()
        self._reading.keep()
        line = unpacking.checkpoint()
        moment = time.monotonic()
        flush = moment - self._flushed_at > FLUSH_SECONDS
        self._folder.save(Checkpoint(self._identity, self._folder.boot, number, line, judge.done), flush=flush)
        self._saved_at = moment
        if flush:
            self._flushed_at = time.monotonic()

    def _root(self, content: int) -> str:
        """What of the content gets the name, or its names. All of it, where it isn't one thing of the name that ours
        have."""
        if self._item.numbers or self._item.chain:
            return ""
        if self._item.member is not None:
            try:
                found = beneath.look(content, beneath.components(self._item.member))
            except (OSError, ValueError):
                found = None
            if found is None:
                raise DamageFound(f"{self._archive.name} has no member {self._item.member}")
            return self._item.member
        own = _own_name(self._archive)
        beside = {list_in(self._archive)} if is_increment(self._archive) else set()
        return own if {*os.listdir(content)} - beside == {own} else ""


@contextmanager
def _closed(members: Iterator[Member | None]) -> Iterator[Iterator[Member | None]]:
    """What an unpacker holds open is let go of with the block, not when its error is forgotten."""
    try:
        yield members
    finally:
        if isinstance(members, Generator):
            members.close()


def _own_name(archive: StoredArchive) -> str:
    """What it is called while it is unpacked. It comes out of a catalog, and may be anything."""
    name = stored_name(archive.path)
    return "content" if name in (".", "..") or "\0" in name else name
