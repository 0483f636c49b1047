"""Fetching all that is ready, side by side, and giving it its names, many at a time: one flush of the disk for all."""

from __future__ import annotations

import pickle
import time
import traceback
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from typing import NamedTuple

from glacier_backup.errors import (
    CatalogError,
    DamageFound,
    DestinationUnavailable,
    GlacierBackupError,
    Interrupted,
    NotThawed,
    TargetError,
    VolumeMissing,
)
from glacier_backup.interrupt import StopRequest
from glacier_backup.model.event import Warned
from glacier_backup.model.restore import ItemRecord, ItemState
from glacier_backup.model.thaw import Thaw
from glacier_backup.ordering import Ordering
from glacier_backup.plan.mending import may_mend, mendable
from glacier_backup.units import now
from glacier_backup.workflow.ending import Ending
from glacier_backup.workflow.restoring.book import Book, cause_of
from glacier_backup.workflow.restoring.bring import bring
from glacier_backup.workflow.restoring.chain_items import Layering, numbers_of, together
from glacier_backup.workflow.restoring.check_all import check_all
from glacier_backup.workflow.restoring.coverage import is_repair
from glacier_backup.workflow.restoring.crew import Crew, Finished
from glacier_backup.workflow.restoring.damage import hurt_volumes, is_gone, note_damage
from glacier_backup.workflow.restoring.desk import Desk, Work
from glacier_backup.workflow.restoring.publish import Brought, publish
from glacier_backup.workflow.restoring.reachable import Reachable
from glacier_backup.workflow.restoring.repair import repair_all
from glacier_backup.workflow.restoring.staging import Staging
from glacier_backup.workflow.restoring.stream import is_whole
from glacier_backup.workflow.restoring.target import Obstacle
from glacier_backup.workflow.restoring.thawing import Thawing

TOGETHER = 200
"""Things that get their names together."""

PATIENCE = 2.0
"""Seconds that one which is right waits for others, to get its name together with them."""

_LAST = b"\xff" * 8
_SECONDS = 8


class Ready:
    """What can be fetched, however much: those first whose time runs out first."""

    def __init__(self) -> None:
        self._pieces = Ordering()

    def add(self, record: ItemRecord, thaws: tuple[Thaw, ...]) -> None:
        until = min((thaw.until for thaw in thaws if thaw.until is not None), default=None)
        when = _LAST if until is None else int(until.timestamp()).to_bytes(_SECONDS, "big")
        piece = when + record.number.to_bytes(_SECONDS, "big")
        self._pieces.add(piece + pickle.dumps((record, thaws), pickle.HIGHEST_PROTOCOL))

    def __iter__(self) -> Iterator[tuple[ItemRecord, tuple[Thaw, ...]]]:
        return (pickle.loads(piece[2 * _SECONDS :]) for piece in self._pieces)  # noqa: S301  # our own


class _Right(NamedTuple):
    """An item whose bytes are as they were sent; of a restore all of it is there."""

    work: Work
    brought: Brought | None


class FetchRound:
    """One round of one run. What it finds out is noted as it goes."""

    def __init__(
        self,
        book: Book,
        desk: Desk,
        staging: Staging | None,
        reachable: Reachable,
        thawing: Thawing,
        ending: Ending,
        stop: StopRequest,
    ) -> None:
        """``staging`` is None for a verification."""
        self._book = book
        self._desk = desk
        self._staging = staging
        self._reachable = reachable
        self._thawing = thawing
        self._ending = ending
        self._stop = stop
        self._right: list[_Right] = []
        self._oldest = 0.0
        self.over = 0
        """How many could not be read any more, and are to be asked for again in this run."""
        self.done = 0
        """How many were dealt with for good."""

    def carry_out(self, ready: Ready) -> None:
        """Fetch all of it. Raises CatalogError, and what a signal raises; a target that can't be written to, or a stop,
        ends it."""
        with Crew[Work, Brought | None](self._desk.tools.concurrency, self._do, self._stop) as crew:
            try:
                for work in self._works(ready):
                    for finished in crew.begin(work):
                        self._note(finished)
                    self._settle(at_once=False)
                    if self._ending.error is not None or self._stop.is_set:
                        break
                for finished in crew.rest():
                    self._note(finished)
                    self._settle(at_once=False)
            except BaseException:
                self._ending.abandon()
                raise
            finally:
                if self._staging is not None and crew.left_behind:
                    self._staging.abandoned = True
        self._settle(at_once=True)

    def _works(self, ready: Ready) -> Iterator[Work]:
        thaws: dict[int, tuple[Thaw, ...]] = {}

        def records() -> Iterator[ItemRecord]:
            for record, own in ready:
                thaws[record.number] = own
                yield record

        for page in self._book.grouped(records()):
            for record in page.records:
                own, archive = thaws.pop(record.number), page.archives.get(record.item.archive)
                if archive is None:
                    continue  # somebody has just deleted it: the next run says so
                if (destination := self._reachable.destination(archive.place_id)) is not None:
                    place, path = str(self._reachable.place(archive.place_id)), self._book.about(record, archive)
                    yield Work(record, archive, place, destination, own, path)

    def _do(self, work: Work) -> Brought | None:
        if self._staging is None:
            read = repair_all if is_repair(work.record.item) else check_all
            read(work, self._desk)
            return None
        self._staging.target.still_there()
        return bring(work, self._desk, self._staging)

    def _note(self, finished: Finished[Work, Brought | None]) -> None:
        work, error = finished.work, finished.error
        match error:
            case None:
                self._oldest = self._oldest if self._right else time.monotonic()
                self._right.append(_Right(work, finished.result))
            case Interrupted():
                if self._stop.is_set:
                    self._ending.note(error)
            case CatalogError():
                raise error
            case Obstacle():
                self._end(work, "kept", error)
            case TargetError():
                self._refused(work, error)
            case DamageFound() | VolumeMissing():
                self._hurt(work, error)
            case NotThawed():
                self._again(work, error)
            case DestinationUnavailable():
                self._reachable.out.setdefault(work.archive.place_id, error)
            case GlacierBackupError():
                self._end(work, "failed", error)
            case Exception():
                self._defect(work, error)
            case _:
                raise error

    def _end(self, work: Work, state: ItemState, error: GlacierBackupError) -> None:
        self.done += state != "failed"
        self._book.set(together(work.record, state, cause_of(error)))
        self._book.tell_ended(work.record, work.path, state, error)

    def _hurt(self, work: Work, error: GlacierBackupError) -> None:
        """Where there is parity it is asked for, and the next round tries to mend with it."""
        note_damage(self._desk.catalog, work.record, work.archive, error)
        numbers = hurt_volumes(work.record, work.archive, error)
        if self._staging is not None and may_mend(work.archive, numbers, missing=is_gone(error)):
            self.over += 1
            self._book.set([(work.record.number, "planned", None)])
        else:
            self._end(work, "damaged", error)

    def _refused(self, work: Work, error: TargetError) -> None:
        """One thing can't be written; perhaps nothing can."""
        try:
            if self._staging is not None:
                self._staging.target.still_there()
                self._staging.try_out()
        except TargetError as cause:
            self._ending.note(cause)
        else:
            self._end(work, "failed", error)

    def _again(self, work: Work, error: NotThawed) -> None:
        place_id = work.archive.place_id
        self._thawing.over((place_id, thaw) for thaw in work.thaws)
        may = [self._thawing.may_ask_again(place_id, thaw) for thaw in work.thaws]
        if all(may):
            self.over += 1
            self._book.set([(work.record.number, "planned", None)])
        else:
            self._end(work, "failed", error)

    def _defect(self, work: Work, error: Exception) -> None:
        """The one seam: whatever is wrong with one, the others go on."""
        self._desk.tell(Warned("".join(traceback.format_exception(error)), lasting=True))
        self._end(work, "failed", GlacierBackupError(f"unexpected {type(error).__name__}: {error}"))

    def _settle(self, *, at_once: bool) -> None:
        """What is right gets its name, when there is enough of it or it has waited long enough."""
        waited = time.monotonic() - self._oldest > PATIENCE
        if self._right and (at_once or waited or len(self._right) >= TOGETHER):
            right, self._right = self._right, []
            if self._staging is None:
                self._settle_verified(right)
            else:
                self._settle_brought(self._staging, right)

    def _settle_verified(self, right: Sequence[_Right]) -> None:
        works = [one.work for one in right]
        self._note_verified(works)
        self._book.set((work.record.number, "verified", None) for work in works)
        self.done += len(works)
        for work in works:
            self._book.tell_ended(work.record, work.path, "verified")

    def _note_verified(self, works: Iterable[Work]) -> None:
        """Volumes of which all was read where they are stored, and proved right: not those that were mended here."""
        volumes = [
            (work.archive.id, volume.number)
            for work in works
            if is_whole(work.record.item.ranges)
            for volume in (work.archive.objects if self._staging is None else work.archive.volumes)
            if volume.has_leaves or volume.tree_hash or volume.sha256
            if self._staging is None or volume not in mendable(work.archive)
        ]
        self._desk.catalog.note_all_verified(volumes, now())

    def _settle_brought(self, staging: Staging, right: Sequence[_Right]) -> None:
        works = {one.work.record.number: one.work for one in right}
        brought = [one.brought for one in right if one.brought is not None]
        there = [one.work for one in right if one.brought is None]
        self._book.set((work.record.number, "restored", None) for work in there)
        for work in there:
            self._book.tell_ended(work.record, work.path, "restored")
        staging.flush()
        # What an earlier process has brought was right then, and wasn't read now.
        read = ((works[one.record.number], one.record) for one in brought)
        self._note_verified(work._replace(record=record) for work, record in read if work.thaws)
        self._book.set((one.record.number, "verified", None) for one in brought)
        layering = Layering(self._book, staging, self._reachable)
        try:
            brought = [_as_flushed(one) for one in layering.complete(brought)]
            published = publish(staging.target, brought, overwrite=self._book.wish.overwrite, check=self._stop.check)
        except TargetError as error:
            self._ending.note(error)
            return
        self._book.set(
            (number, one.state, None if one.error is None else cause_of(one.error))
            for one in published
            for number in numbers_of(one.brought.record)
        )
        for one in published:
            record = one.brought.record
            self.done += one.state != "failed"
            if one.state != "failed":
                layering.tidy(one.brought)
            notes = (*one.brought.done.left_out, *one.notes)
            path = works[record.number].path
            self._book.tell_ended(record, path, one.state, one.error, notes)
            for number in (number for number in numbers_of(record) if number != record.number):
                self._book.tell_ended(replace(record, number=number), path, "verified")  # spoken of once
        if len(published) < len(brought):
            self._stopped()

    def _stopped(self) -> None:
        try:
            self._stop.check()
        except Interrupted as error:
            self._ending.note(error)


def _as_flushed(one: Brought) -> Brought:
    """Files that get their names one by one may have some of them when the machine goes down: what the others are taken
    from is to hold then."""
    if one.several is None or one.done.flushed:
        return one
    return one._replace(done=one.folder.note_flushed(one.done))
