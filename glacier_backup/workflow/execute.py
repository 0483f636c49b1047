"""Doing what was decided: several candidates at a time, each recorded as soon as it is stored; one that fails stops no
other.

The caller's thread goes through the plan in order and hands each upload to a thread of its own, which does all of it
and tells what happens. Only the caller's thread counts and decides what begins.
"""

from __future__ import annotations

import time
import traceback
from collections import deque
from collections.abc import Iterable, Iterator
from concurrent.futures import ALL_COMPLETED, FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from dataclasses import dataclass
from datetime import datetime

from glacier_backup.errors import CatalogError, DestinationUnavailable, GlacierBackupError, Interrupted, SourceError
from glacier_backup.interrupt import interrupted
from glacier_backup.model.archive import ArchiveRecord
from glacier_backup.model.event import (
    ArchiveFailed,
    ArchiveSent,
    ArchiveSkipped,
    ArchiveStarted,
    Result,
    Summary,
    Warned,
)
from glacier_backup.model.plan import BackupPlan, Decision, Skip, Upload
from glacier_backup.model.reason import SentMeanwhile
from glacier_backup.plan.backup import left_for_later
from glacier_backup.workflow.send import Sending
from glacier_backup.workflow.tally import Done, Tally

AHEAD = 1000
"""Decisions in memory that wait for an earlier one, to be put away in order."""

GLANCE = 0.2
"""Seconds between two looks whether a stop was asked for."""

GRACE = 8.0
"""Seconds that candidates under way are given to end after a stop; parts that wait for a server take five of them."""


@dataclass(frozen=True, slots=True)
class Run:
    """One run under way: how it sends, and how much."""

    sending: Sending
    limit: int | None
    """Archives sent, at most."""
    concurrency: int
    """Candidates under way at a time."""


def execute(plan: BackupPlan, run: Run) -> Summary:
    """Carry out ``plan``: every upload is recorded as soon as it is stored, and one that fails stops no other.

    Ends early when the destination is out of reach, the catalog can't be written, or a stop was asked for: then
    nothing more is begun, what is under way is let end by itself, and what was not tried counts as failed. Raises
    nothing that a candidate, the destination or the catalog did wrong. KeyboardInterrupt is passed on at once.
    """
    threads = ThreadPoolExecutor(run.concurrency, thread_name_prefix="candidate")
    try:
        batch = _Batch(run, threads)
        for decision in plan.decisions:
            batch.take(decision)
        return batch.end(plan)
    finally:
        # Those still at work wait for a server that doesn't answer, and whoever insists on stopping doesn't.
        threads.shutdown(wait=False)


class _Batch:
    """The decisions of a run on their way to results, in the same order."""

    def __init__(self, run: Run, threads: ThreadPoolExecutor) -> None:
        self._run = run
        self._threads = threads
        self._waiting: deque[Done | Future[Done]] = deque()
        """For those before them, to be put away in order."""
        self._under_way: dict[Future[Done], Upload] = {}
        self._finished: dict[Future[Done], Done] = {}
        """Of those waiting."""
        self._late: dict[Future[Done], int] = {}
        """Of those under way: the places that are kept for them."""
        self._ended: GlacierBackupError | None = None
        self._sent = 0
        self._untried = 0
        self._tally = Tally()

    def take(self, decision: Decision) -> None:
        """Deal with the next one: it is done, or under way, when this returns."""
        self._waiting.append(self._begun(decision) if isinstance(decision, Upload) else _skipped(decision, self._run))
        self._put_away()

    def end(self, plan: BackupPlan) -> Summary:
        """Wait for what is under way; what all of it adds up to."""
        self._wait(ALL_COMPLETED)
        self._put_away()
        if isinstance(self._ended, Interrupted):
            self._run.sending.tell(Warned(f"{self._ended}; {self._ended.hint}"))
        elif self._untried:
            self._run.sending.tell(Warned(f"{self._untried} more were not tried"))
        return self._tally.summary(plan, self._ended)

    def _begun(self, upload: Upload) -> Done | Future[Done]:
        self._wait_for_room()
        if self._ended is not None:
            self._untried += 1
            return Done(Result(upload, error=f"not tried: {self._ended}"))
        if self._sent == self._run.limit:
            return _skipped(left_for_later(upload, self._sent), self._run)
        if self._run.sending.stop.is_set:
            error = self._ended = interrupted()
            return _failed(Result(upload, error=str(error), hint=error.hint), self._run, error)
        future = self._threads.submit(_carry_out, upload, self._run)
        self._under_way[future] = upload
        return future

    def _wait_for_room(self) -> None:
        """Until one more may begin, or none may any more."""
        self._note([future for future in self._under_way if future.done()])
        while self._ended is None and len(self._under_way) >= self._most() > 0:
            self._wait(FIRST_COMPLETED)

    def _most(self) -> int:
        """How many may be under way: all of them may come to be sent."""
        limit, most = self._run.limit, self._run.concurrency
        return most if limit is None else min(most, limit - self._sent)

    def _wait(self, until: str) -> None:
        """Until one of those under way is done, or all are; of a run that is to stop only those that do so soon."""
        stopped_at: float | None = None
        while self._under_way:
            done, rest = wait(self._under_way, timeout=GLANCE, return_when=until)
            self._note(done)
            if not rest or (done and until == FIRST_COMPLETED):
                return
            if self._run.sending.stop.is_set:
                stopped_at = stopped_at or time.monotonic()
                if time.monotonic() - stopped_at > GRACE:
                    self._leave(rest)

    def _leave(self, futures: Iterable[Future[Done]]) -> None:
        """Wait no longer: the next run goes on from where each of them is."""
        error = self._ended = interrupted()
        for future in futures:
            result = Result(self._under_way.pop(future), error=str(error), hint=error.hint)
            self._finish(future, _failed(result, self._run, error))

    def _note(self, done: Iterable[Future[Done]]) -> None:
        for future in done:
            del self._under_way[future]
            one = future.result()
            self._sent += one.result.outcome == "sent"
            self._ended = self._ended or one.fatal
            self._finish(future, one)

    def _finish(self, future: Future[Done], done: Done) -> None:
        place = self._late.pop(future, None)
        if place is None:
            self._finished[future] = done
        else:
            self._tally.fill(place, done)

    def _put_away(self) -> None:
        """What is done, in order. One that takes long only has its place kept when too many wait behind it."""
        while self._waiting:
            oldest = self._waiting[0]
            if not isinstance(oldest, Future):
                self._tally.add(oldest)
            elif oldest in self._finished:
                self._tally.add(self._finished.pop(oldest))
            elif len(self._waiting) > AHEAD:
                self._late[oldest] = self._tally.keep_place()
            else:
                return
            self._waiting.popleft()


def _skipped(skip: Skip, run: Run) -> Done:
    if skip.reason.needs_attention:
        run.sending.tell(Warned(f"{skip.path}: {skip.reason}"))
    run.sending.tell(ArchiveSkipped(skip))
    return Done(Result(skip))


def _carry_out(upload: Upload, run: Run) -> Done:
    """Send one candidate, in a thread of its own, and tell how that goes."""
    try:
        if _last_sent_at(upload, run) != upload.previous:
            return _skipped(Skip(upload.path, upload.name, upload.bytes, SentMeanwhile()), run)
        _tell_started(upload, run)
        record = run.sending.send(upload.candidate)
    except (DestinationUnavailable, CatalogError, Interrupted) as error:
        return _failed(Result(upload, error=str(error), hint=error.hint), run, error)
    except SourceError as error:
        return _failed(Result(upload, error=error.without(upload.path), hint=error.hint), run)
    except GlacierBackupError as error:
        return _failed(Result(upload, error=str(error), hint=error.hint), run)
    except Exception as error:  # noqa: BLE001  # the one seam: whatever is wrong with it, the others go on
        # Its text at once: the traceback itself would keep the parts' buffers alive.
        text = "".join(traceback.format_exception(error))
        return _failed(Result(upload, error=f"unexpected {type(error).__name__}: {error}", defect=text), run)
    return _sent(upload, record, run)


def _last_sent_at(upload: Upload, run: Run) -> datetime | None:
    last = run.sending.catalog.last_sent(run.sending.place_id, [upload.path]).get(upload.path)
    return None if last is None else last.sent_at


def _tell_started(upload: Upload, run: Run) -> None:
    packer = run.sending.tools.packers[upload.container]
    run.sending.tell(ArchiveStarted(upload, packer.estimate(upload.bytes, upload.fingerprint.entries)))


def _sent(upload: Upload, record: ArchiveRecord, run: Run) -> Done:
    for imperfection in _imperfections(record, upload.path):
        run.sending.tell(Warned(imperfection))
    run.sending.tell(ArchiveSent(upload, record))
    # No more of the record is kept: that of a large archive is large.
    return Done(Result(upload, record.receipts[0].locator), incomplete=bool(record.problems))


def _failed(result: Result, run: Run, fatal: GlacierBackupError | None = None) -> Done:
    # A stop is no failure of any of those under way, and told once for all.
    if isinstance(result.decision, Upload) and not isinstance(fatal, Interrupted):
        run.sending.tell(ArchiveFailed(result.decision, result.error or "", result.hint, result.defect))
    return Done(result, fatal=fatal)


def _imperfections(record: ArchiveRecord, path: str) -> Iterator[str]:
    if record.problems:
        first = record.problems[0]
        yield (
            f"{path}: incomplete, {len(record.problems)} inside could not be read, "
            f"the first is {first.path}: {first.cause}"
        )
    if record.changed_while_read:
        yield f"{path}: changed while it was read"
