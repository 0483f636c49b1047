"""The durable restore: one command, run again until everything is back, and safe to kill anywhere.

What is wanted, and how far each thing is, is in the catalog before anything is asked for::

    planned → requested → thawing → ready → verified → restored, kept or damaged
                                       └──→ failed: the next run tries again

Each run goes through what isn't back yet: it asks for what is missing to be made readable, looks how what was asked
for stands, and fetches what is ready, those first whose time runs out first. Where nothing is cold all of that happens
in one go. A verification is the same, but for the bytes being thrown away. Datasets are received, which is the same
but for the target being no directory: what is there of them is seen by looking, at the beginning of each run.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Iterable
from contextlib import ExitStack
from datetime import timedelta

from glacier_backup.errors import Interrupted, TargetError
from glacier_backup.interrupt import StopRequest
from glacier_backup.model.event import Warned
from glacier_backup.model.reading_event import (
    Awaiting,
    BytesFetched,
    ReadingEvent,
    ReadingListener,
    RestoreBegun,
    RestoreEnded,
    RestoreSummary,
)
from glacier_backup.model.restore import ItemRecord, ItemState, RestoreItem, RestoreRecord, Wish
from glacier_backup.units import now
from glacier_backup.workflow.ending import Ending
from glacier_backup.workflow.restoring.book import Book, Page, cause_of
from glacier_backup.workflow.restoring.chain_items import together
from glacier_backup.workflow.restoring.desk import Desk, folder_of
from glacier_backup.workflow.restoring.exit_code import exit_code
from glacier_backup.workflow.restoring.fetch import Fetcher
from glacier_backup.workflow.restoring.fetch_round import FetchRound
from glacier_backup.workflow.restoring.leaving import clear, forget_restore, leave
from glacier_backup.workflow.restoring.openable import Openable
from glacier_backup.workflow.restoring.outcomes import Outcomes
from glacier_backup.workflow.restoring.publish import all_came
from glacier_backup.workflow.restoring.reachable import Reachable
from glacier_backup.workflow.restoring.ready import Ready
from glacier_backup.workflow.restoring.receive_round import ReceiveRound
from glacier_backup.workflow.restoring.receive_survey import ReceiveSurvey
from glacier_backup.workflow.restoring.receiver import Receiver
from glacier_backup.workflow.restoring.several import Several
from glacier_backup.workflow.restoring.staging import Staging
from glacier_backup.workflow.restoring.standing import Standing
from glacier_backup.workflow.restoring.survey import Survey
from glacier_backup.workflow.restoring.target import Target
from glacier_backup.workflow.restoring.thawing import Thawing
from glacier_backup.workflow.restoring.tools import RestoreTools

__all__ = ["RestoreTools", "forget_restore", "run_restore", "verify_items"]

UNTOUCHED: frozenset[ItemState] = frozenset({"planned"})
"""States of items for which nothing was asked yet."""

GLANCE = 0.2
"""Seconds between two looks whether a stop was asked for."""


def run_restore(
    wish: Wish,
    items: Iterable[RestoreItem],
    tools: RestoreTools,
    tell: ReadingListener,
    stop: StopRequest,
    *,
    wait: bool,
) -> RestoreSummary:
    """Do what can be done of ``wish`` now; with ``wait`` all of it, however long that takes.

    What an earlier run of the same wish has begun goes on, and ``items`` aren't looked at then; else they are what is
    to be brought back. One that fails stops no other, nor does a destination that is out of reach stop those of others.
    Raises TargetError and LockHeld before anything is asked for, CatalogError; nothing that a destination did wrong.
    A stop, and a target that can't be written to any more, end the run, and the summary says so.
    """
    with ExitStack() as stack:
        earlier = tools.catalog.restore_like(wish)
        going_on = earlier if earlier is not None and earlier.ended_at is None else None
        staging, receiver = None, None
        if wish.purpose == "receive":
            receiver = _receiver(tools)
            stack.enter_context(receiver.locked(wish.target))
        elif wish.purpose == "restore":
            target = stack.enter_context(Target(wish.target, create=going_on is None))
            staging = stack.enter_context(Staging(target, create=going_on is None))
        if earlier is not None and going_on is None:
            tools.catalog.forget_restore(earlier.id)
        record = going_on or RestoreRecord(tools.catalog.begin_restore(wish, items), wish, now())
        run = _Run(RestoreRecord(record.id, wish, record.created_at), tools, staging, receiver, tell, stop)
        stack.callback(run.close)
        summary = run.carry_out(resumed=going_on is not None, again=earlier is not None, wait=wait)
    tell(RestoreEnded(summary))
    return summary


verify_items = run_restore
"""A wish of the purpose ``verify`` has the bytes of ``items`` read and checked, and nothing is written anywhere."""


def _receiver(tools: RestoreTools) -> Receiver:
    if tools.receiver is None:
        raise TargetError("there is nothing here that datasets can be received with")
    return tools.receiver


class _Run:
    """One run of one restore."""

    def __init__(
        self,
        record: RestoreRecord,
        tools: RestoreTools,
        staging: Staging | None,
        receiver: Receiver | None,
        tell: ReadingListener,
        stop: StopRequest,
    ) -> None:
        """Both are None for a verification."""
        self._tools = tools
        self._staging = staging
        self._receiver = receiver
        self._tell = tell
        self._stop = stop
        self._ending = Ending(stop)
        self._book = Book(tools.catalog, record, tell)
        self._reachable = Reachable(tools.catalog, tools.destination_of)
        self._fetcher = Fetcher(tools.concurrency)
        self._thawing = Thawing(tools, record.wish, self._reachable, tell, self._check)
        self._desk = Desk(tools, self._fetcher, self._hear, self._check, record.wish.overwrite)
        self._openable = Openable(tools.keys)
        self._fetched = 0
        self._counting = threading.Lock()
        self._done = 0

    def close(self) -> None:
        self._fetcher.close()

    def carry_out(self, *, resumed: bool, again: bool, wait: bool) -> RestoreSummary:
        """``again``: whether there was a restore of the same wish before, which may have ended."""
        counts = self._book.counts()
        self._tell(RestoreBegun(self._book.restore, resumed, sum(counts.values())))
        try:
            self._survey(new=not counts.keys() - UNTOUCHED, again=again)
            while self._round() or self._waits(wait):
                pass
        except Interrupted as error:
            self._ending.note(error)
        except BaseException:
            self._ending.abandon()
            raise
        return self._summary()

    def _survey(self, *, new: bool, again: bool) -> None:
        try:
            if self._staging is not None:
                survey = Survey(self._book, self._staging, self._reachable, self._book.wish.overwrite, self._stop)
                survey.carry_out(new=new)
            elif self._receiver is not None:
                ReceiveSurvey(self._book, self._receiver, self._stop, again=again).carry_out()
            else:
                for page in self._book.pages({"failed"}):
                    self._book.set((record.number, "planned", None) for record in page.records)
        except TargetError:
            if new:
                # Nothing was asked for yet: as if it had never been.
                self._tools.catalog.forget_restore(self._book.restore.id)
                if self._staging is not None:
                    leave(self._book.restore, self._staging, self._tools)
            raise

    def _round(self) -> bool:
        """Ask, look and fetch, once; whether there is more to do at once."""
        self._thawing.new_round()
        ready = Ready(by_number=self._receiver is not None)
        for page in self._book.pages(self._book.open_states):
            self._check()
            self._look(page, ready)
        outcomes = self._fetch(ready)
        self._done += outcomes.done
        return outcomes.over > 0 and self._ending.error is None

    def _fetch(self, ready: Ready) -> Outcomes:
        mends = self._staging is not None or (self._receiver is not None and bool(self._tools.scratch_dir))
        outcomes = Outcomes(
            self._book, self._desk, self._reachable, self._thawing, self._ending, self._stop, mends=mends
        )
        if self._receiver is None:
            FetchRound(self._book, self._desk, self._staging, outcomes, self._reachable, self._stop).carry_out(ready)
        else:
            receiving = ReceiveRound(self._book, self._desk, self._receiver, outcomes, self._reachable, self._stop)
            receiving.carry_out(ready)
        return outcomes

    def _look(self, page: Page, ready: Ready) -> None:
        there = {record.number for record in page.records if self._is_there(record, page)}
        for record in page.records:
            if record.number in there:
                ready.add(record, ())
        records = self._with_keys([record for record in page.records if record.number not in there], page)
        self._book.set((one.number, "requested", None) for one in records if one.state == "planned")
        standings = self._thawing.look(records, page.archives)
        self._book.set(
            change
            for one in standings
            if one.state != one.record.state or one.state == "planned"
            for change in together(one.record, one.state, None if one.error is None else cause_of(one.error))
        )
        for one in standings:
            if one.state == "ready":
                ready.add(one.record, one.thaws)
            elif one.state in ("failed", "damaged"):
                self._tell_error(one)

    def _with_keys(self, records: list[ItemRecord], page: Page) -> list[ItemRecord]:
        """Those that there is something to open with, or that are paid for already. The others end here."""
        if self._book.wish.purpose == "verify":
            return records
        missing = {}
        for record in records:
            archive = page.archives.get(record.item.archive)
            if record.state == "planned" and archive is not None and (error := self._openable.missing_key(archive)):
                missing[record.number] = Standing(record, archive, "failed", error=error)
        self._book.set((number, one.state, cause_of(one.error)) for number, one in missing.items() if one.error)
        for one in missing.values():
            self._tell_error(one)
        return [record for record in records if record.number not in missing]

    def _is_there(self, record: ItemRecord, page: Page) -> bool:
        """Whether all of it came before, and only its name is missing, if that."""
        archive = page.archives.get(record.item.archive)
        if self._staging is None or archive is None:
            return False
        folder = folder_of(record, archive, str(self._reachable.place(archive.place_id)), self._staging)
        several = Several.of(record.item, archive, self._tools.catalog)
        done = folder.done()
        return done is not None and all_came(self._staging.target, folder, done, record.item, several)

    def _tell_error(self, one: Standing) -> None:
        self._book.tell_ended(one.record, self._book.about(one.record, one.archive), one.state, one.error)

    def _waits(self, wait: bool) -> bool:
        """Whether to look again, after waiting for what is being made readable."""
        thawing = self._book.counts().get("thawing", 0)
        if not thawing or self._ending.error is not None:
            return False
        seconds = self._tools.poll[self._book.wish.tier]
        next_look = now() + timedelta(seconds=seconds) if wait else None
        self._tell(Awaiting(thawing, self._thawing.expected, next_look))
        until = time.monotonic() + seconds
        while wait and time.monotonic() < until:
            self._check()
            time.sleep(min(GLANCE, max(0.0, until - time.monotonic())))
        return wait

    def _summary(self) -> RestoreSummary:
        error = self._ending.error
        for place_id, out in self._reachable.out.items():
            self._tell(Warned(f"{self._reachable.place(place_id)}: {cause_of(out)}"))
        if self._reachable.out and len(self._tools.catalog.places()) > len(self._reachable.out):
            self._tell(Warned("what is stored at another destination, too, comes back from there with --from"))
        if error is not None:
            self._tell(Warned(cause_of(error)))
        counts = self._book.counts()
        self._close_if_done()
        return RestoreSummary(
            self._book.restore.id,
            self._book.wish.purpose,
            counts,
            self._fetched,
            self._thawing.expected if counts.get("thawing") else None,
            exit_code(counts, error, self._reachable, self._book.open_states, done=self._done),
            ended_early=error is not None or bool(self._reachable.out),
        )

    def _close_if_done(self) -> None:
        if self._ending.error is None and self._book.end_if_done() and self._staging is not None:
            clear(self._book, self._staging, self._reachable)
            leave(self._book.restore, self._staging, self._tools)

    def _check(self) -> None:
        """Raise Interrupted where going on makes no sense."""
        self._ending.check()
        if self._ending.error is not None:
            raise Interrupted("the run ends")

    def _hear(self, event: ReadingEvent) -> None:
        if isinstance(event, BytesFetched):
            with self._counting:
                self._fetched += event.bytes
        self._tell(event)
