"""Fetching all that is ready, side by side, and giving it its names, many at a time: one flush of the disk for all."""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import NamedTuple

from glacier_backup.errors import Interrupted, TargetError
from glacier_backup.interrupt import StopRequest
from glacier_backup.model.restore import ItemRecord
from glacier_backup.model.thaw import Thaw
from glacier_backup.workflow.restoring.book import Book, cause_of
from glacier_backup.workflow.restoring.bring import bring
from glacier_backup.workflow.restoring.chain_items import Layering, numbers_of
from glacier_backup.workflow.restoring.check_all import check_all
from glacier_backup.workflow.restoring.coverage import is_repair
from glacier_backup.workflow.restoring.crew import Crew, Finished
from glacier_backup.workflow.restoring.desk import Desk, Work
from glacier_backup.workflow.restoring.outcomes import Outcomes, note_verified
from glacier_backup.workflow.restoring.publish import Brought, publish
from glacier_backup.workflow.restoring.reachable import Reachable
from glacier_backup.workflow.restoring.ready import Ready
from glacier_backup.workflow.restoring.repair import repair_all
from glacier_backup.workflow.restoring.staging import Staging

TOGETHER = 200
"""Things that get their names together."""

PATIENCE = 2.0
"""Seconds that one which is right waits for others, to get its name together with them."""


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
        outcomes: Outcomes,
        reachable: Reachable,
        stop: StopRequest,
    ) -> None:
        """``staging`` is None for a verification."""
        self._book = book
        self._desk = desk
        self._staging = staging
        self._reachable = reachable
        self._outcomes = outcomes
        self._ending = outcomes.ending
        self._stop = stop
        self._right: list[_Right] = []
        self._oldest = 0.0

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
        if error is None:
            self._oldest = self._oldest if self._right else time.monotonic()
            self._right.append(_Right(work, finished.result))
        elif isinstance(error, TargetError):
            self._refused(work, error)
        else:
            self._outcomes.note(work, error)

    def _refused(self, work: Work, error: TargetError) -> None:
        """One thing can't be written; perhaps nothing can."""
        try:
            if self._staging is not None:
                self._staging.target.still_there()
                self._staging.try_out()
        except TargetError as cause:
            self._ending.note(cause)
        else:
            self._outcomes.end(work, "failed", error)

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
        note_verified(works, self._desk.catalog, all_objects=True)
        self._book.set((work.record.number, "verified", None) for work in works)
        self._outcomes.done += len(works)
        for work in works:
            self._book.tell_ended(work.record, work.path, "verified")

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
        verified = (work._replace(record=record) for work, record in read if work.thaws)
        note_verified(verified, self._desk.catalog, all_objects=False)
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
            self._outcomes.done += one.state != "failed"
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
