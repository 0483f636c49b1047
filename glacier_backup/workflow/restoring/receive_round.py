"""Receiving what is ready, one stream after the other: each builds on the one before it."""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

from glacier_backup.errors import GlacierBackupError
from glacier_backup.interrupt import StopRequest
from glacier_backup.model.restore import ItemRecord
from glacier_backup.model.stored import StoredArchive
from glacier_backup.model.thaw import Thaw
from glacier_backup.workflow.restoring.book import Book, cause_of
from glacier_backup.workflow.restoring.crew import Crew, Finished
from glacier_backup.workflow.restoring.desk import Desk, Work
from glacier_backup.workflow.restoring.outcomes import Outcomes, note_verified
from glacier_backup.workflow.restoring.reachable import Reachable
from glacier_backup.workflow.restoring.ready import Ready
from glacier_backup.workflow.restoring.receiver import Receiver
from glacier_backup.workflow.restoring.receiving import goal_of, receive


class _Next(NamedTuple):
    record: ItemRecord
    archive: StoredArchive | None
    thaws: tuple[Thaw, ...] | None
    """None where it isn't ready."""


class _Lost(NamedTuple):
    """What takes others with it."""

    dataset: str
    to: str
    """What the stream was to become that is damaged."""
    is_absent: bool
    """Whether there is nothing of the dataset that others could lie in."""

    def takes(self, dataset: str) -> bool:
        return dataset == self.dataset or (self.is_absent and dataset.startswith(f"{self.dataset}/"))


class ReceiveRound:
    """One round of one run. What it finds out is noted as it goes."""

    def __init__(
        self, book: Book, desk: Desk, receiver: Receiver, outcomes: Outcomes, reachable: Reachable, stop: StopRequest
    ) -> None:
        self._book = book
        self._desk = desk
        self._receiver = receiver
        self._outcomes = outcomes
        self._reachable = reachable
        self._stop = stop
        self._waiting: str | None = None
        """The dataset for whose next stream all in and below it wait."""
        self._lost: _Lost | None = None

    def carry_out(self, ready: Ready) -> None:
        """Receive all of it that nothing is missing for. Raises CatalogError, and what a signal raises; a stop ends
        it."""
        with Crew[Work, None](1, self._do, self._stop) as crew:
            try:
                for work in self._works(ready):
                    for finished in (*crew.begin(work), *crew.rest()):
                        self._note(finished)
                    if self._outcomes.ending.error is not None or self._stop.is_set:
                        break
            except BaseException:
                self._outcomes.ending.abandon()
                raise

    def _do(self, work: Work) -> None:
        receive(work, self._desk, self._receiver)

    def _works(self, ready: Ready) -> Iterator[Work]:
        """In order; what comes of each is noted before the next is asked for."""
        for record, archive, thaws in self._all(ready):
            dataset = goal_of(record.item).dataset
            if self._lost is not None and self._lost.takes(dataset):
                self._lose(self._lost, record, archive)
            elif record.state == "damaged":
                self._lost = self._lost_with(record)
            elif record.state == "restored" or self._must_wait(dataset):
                continue
            elif thaws is None or archive is None or (work := self._work(record, archive, thaws)) is None:
                self._waiting = dataset
            else:
                self._waiting = dataset  # unless it is received
                yield work

    def _all(self, ready: Ready) -> Iterator[_Next]:
        """All items, with what makes those readable that are ready."""
        waiting = iter(ready)
        first = next(waiting, None)
        for page in self._book.pages():
            for record in page.records:
                thaws = None
                if first is not None and first[0].number == record.number:
                    thaws, first = first[1], next(waiting, None)
                yield _Next(record, page.archives.get(record.item.archive), thaws)

    def _must_wait(self, dataset: str) -> bool:
        """What lies in a dataset comes when all of that is there: where it is mounted meanwhile, that has changed."""
        return self._waiting is not None and f"{dataset}/".startswith(f"{self._waiting}/")

    def _work(self, record: ItemRecord, archive: StoredArchive, thaws: tuple[Thaw, ...]) -> Work | None:
        destination = self._reachable.destination(archive.place_id)
        if destination is None:
            return None
        place, path = str(self._reachable.place(archive.place_id)), self._book.about(record, archive)
        return Work(record, archive, place, destination, thaws, path)

    def _note(self, finished: Finished[Work, None]) -> None:
        work, error = finished.work, finished.error
        if error is not None:
            if self._outcomes.note(work, error) == "damaged":
                self._waiting, self._lost = None, self._lost_with(work.record)
            return
        self._waiting = None
        self._book.set([(work.record.number, "restored", None)])
        note_verified([work], self._desk.catalog, all_objects=False)
        self._outcomes.done += 1
        self._book.tell_ended(work.record, work.path, "restored")

    def _lost_with(self, record: ItemRecord) -> _Lost:
        dataset = goal_of(record.item).dataset
        return _Lost(dataset, record.item.to, self._receiver.snapshots(dataset) is None)

    def _lose(self, lost: _Lost, record: ItemRecord, archive: StoredArchive | None) -> None:
        """What builds on what is damaged, or lies in what there is nothing of, nobody can have."""
        if record.state == "damaged":
            return
        error = GlacierBackupError(f"it can't be received without {lost.to}, which is damaged")
        self._book.set([(record.number, "damaged", cause_of(error))])
        self._book.tell_ended(record, self._book.about(record, archive), "damaged", error)
