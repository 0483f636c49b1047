"""What of a plan goes to one destination: several candidates at a time, each recorded as soon as it is stored; one that
fails stops no other.

The lane's own thread goes through the plan in order and hands each upload to a thread of its own, which does all of it
and tells what happens. Only the lane's thread counts and decides what begins.
"""

from __future__ import annotations

import sys
import time
from collections import deque
from collections.abc import Collection, Iterable
from concurrent.futures import ALL_COMPLETED, FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from dataclasses import dataclass

from glacier_backup.errors import CatalogError, DestinationUnavailable, GlacierBackupError
from glacier_backup.interrupt import interrupted
from glacier_backup.model.event import Result, Warned
from glacier_backup.model.plan import Decision, Expiry, Skip, Upload
from glacier_backup.plan.backup import left_for_later
from glacier_backup.spool import Spool
from glacier_backup.workflow.ending import Ending
from glacier_backup.workflow.sending.desk import Sending
from glacier_backup.workflow.sending.outcome import failed, skipped
from glacier_backup.workflow.sending.sharing import Party
from glacier_backup.workflow.sending.tally import Done, Tally, light
from glacier_backup.workflow.sending.touches import Touches

AHEAD = 1000
"""Decisions in memory that wait for an earlier one, to be put away in order."""

GLANCE = 0.2
"""Seconds between two looks whether a stop was asked for."""

GRACE = 8.0
"""Seconds that candidates under way are given to end after a stop; parts that wait for a server take five of them."""


@dataclass(frozen=True, slots=True)
class Lane:
    """One destination's part of a run: how it sends, and how much."""

    sending: Sending
    limit: int | None
    """Archives sent, at most."""
    concurrency: int
    """Candidates under way at a time."""
    unavailable: DestinationUnavailable | None = None
    """Why nothing of it can be tried."""

    @property
    def name(self) -> str:
        return self.sending.target.name


class Batch:
    """Decisions of one lane on their way to results, in the same order. A context manager."""

    def __init__(self, lane: Lane, party: Party, ending: Ending) -> None:
        self._lane = lane
        self._sending = lane.sending
        self._party = party
        self._ending = ending
        self._threads = ThreadPoolExecutor(lane.concurrency, thread_name_prefix="candidate")
        self._waiting: deque[Done | Future[Done]] = deque()
        """For those before them, to be put away in order."""
        self._under_way: dict[Future[Done], Upload] = {}
        self._finished: dict[Future[Done], Done] = {}
        """Of those waiting."""
        self._late: dict[Future[Done], int] = {}
        """Of those under way: the places that are kept for them."""
        self._own_end: GlacierBackupError | None = lane.unavailable
        self._sent = 0
        self._untried = 0
        self._touches = Touches(lane.sending)
        self._last: Spool[Expiry | Skip] = Spool()
        """What is dealt with when all else is, from the first expiry on."""
        self.tally = Tally()

    def __enter__(self) -> Batch:
        return self

    def __exit__(self, *_: object) -> None:
        # Those still at work wait for a server that doesn't answer, and whoever insists on stopping doesn't.
        self._threads.shutdown(wait=False)
        self._party.pass_by(sys.maxsize)

    @property
    def ended(self) -> GlacierBackupError | None:
        """What ended it before everything was tried."""
        return self._own_end or self._ending.error

    def take(self, position: int, decision: Decision, others: Collection[str]) -> None:
        """Deal with the next one, at that place of the plan: it is done, or under way, when this returns.

        ``others`` are the destinations that the same is packed for.
        """
        if isinstance(decision, Expiry) or (self._last and isinstance(decision, Skip)):
            self._last.append(decision)
        elif isinstance(decision, Skip):
            self._waiting.append(light(skipped(decision, self._sending)))
            self._touch(decision)
        else:
            one = self._begun(position, decision, others)
            self._waiting.append(light(one) if isinstance(one, Done) else one)
        self._put_away()

    def finish(self) -> None:
        """Wait for what is under way."""
        self._wait(ALL_COMPLETED)
        self._put_away()
        self._touch()
        self._expire()
        if self._untried and not self._ending.is_interrupted:
            at = f"{self._lane.name}: " if self._sending.several else ""
            self._sending.tell(Warned(f"{at}{self._untried} more were not tried"))

    def _expire(self) -> None:
        """Put away what nothing needs any more, if all that was to be is stored."""
        if not self._last:
            return
        from glacier_backup.workflow.sending.put_away import put_away

        fine = self.ended is None and self.tally.all_stored
        for done in put_away(self._last, self._sending, fine=fine):
            if isinstance(done.fatal, DestinationUnavailable):
                self._own_end = self._own_end or done.fatal
            elif done.fatal is not None:
                self._ending.note(done.fatal)
            self.tally.add(light(done))

    def _touch(self, skip: Skip | None = None) -> None:
        """Have noted what got another time alone; without one: all that is left of them."""
        try:
            if skip is None:
                self._touches.note()
            else:
                self._touches.add(skip)
        except CatalogError as error:
            self._sending.tell(Warned(f"that some files are unchanged could not be noted: {error}"))
            self._ending.note(error)

    def _begun(self, position: int, upload: Upload, others: Collection[str]) -> Done | Future[Done]:
        self._wait_for_room()
        if self.ended is not None:
            self._untried += 1
            return Done(Result(upload, error=f"not tried: {self.ended}"))
        if self._sent == self._lane.limit:
            return skipped(left_for_later(upload, self._sent), self._sending)
        if self._sending.stop.is_set:
            error = self._ending.note(interrupted())
            return failed(Result(upload, error=str(error), hint=error.hint), self._sending, error)
        self._party.begin(position, upload, others)
        future = self._threads.submit(self._attempt, upload)
        self._under_way[future] = upload
        return future

    def _attempt(self, upload: Upload) -> Done:
        from glacier_backup.workflow.sending.attempt import attempt

        try:
            return light(attempt(upload, self._sending))
        finally:
            self._party.end(upload.path)

    def _wait_for_room(self) -> None:
        """Until one more may begin, or none may any more."""
        self._note([future for future in self._under_way if future.done()])
        while self.ended is None and len(self._under_way) >= self._most() > 0:
            self._wait(FIRST_COMPLETED)

    def _most(self) -> int:
        """How many may be under way: all of them may come to be sent."""
        limit, most = self._lane.limit, self._lane.concurrency
        return most if limit is None else min(most, limit - self._sent)

    def _wait(self, until: str) -> None:
        """Until one of those under way is done, or all are; of a run that is to stop only those that do so soon."""
        stopped_at: float | None = None
        while self._under_way:
            done, rest = wait(self._under_way, timeout=GLANCE, return_when=until)
            self._note(done)
            if not rest or (done and until == FIRST_COMPLETED):
                return
            if self._sending.stop.is_set:
                stopped_at = stopped_at or time.monotonic()
                if time.monotonic() - stopped_at > GRACE:
                    self._leave(rest)

    def _leave(self, futures: Iterable[Future[Done]]) -> None:
        """Wait no longer: the next run goes on from where each of them is."""
        error = self._ending.note(interrupted())
        for future in futures:
            result = Result(self._under_way.pop(future), error=str(error), hint=error.hint)
            self._finish(future, light(failed(result, self._sending, error)))

    def _note(self, done: Iterable[Future[Done]]) -> None:
        for future in done:
            del self._under_way[future]
            one = future.result()
            self._sent += one.result.outcome == "sent"
            if isinstance(one.fatal, DestinationUnavailable):
                self._own_end = self._own_end or one.fatal
            elif one.fatal is not None:
                self._ending.note(one.fatal)
            self._finish(future, one)

    def _finish(self, future: Future[Done], done: Done) -> None:
        place = self._late.pop(future, None)
        if place is None:
            self._finished[future] = done
        else:
            self.tally.fill(place, done)

    def _put_away(self) -> None:
        """What is done, in order. One that takes long only has its place kept when too many wait behind it."""
        while self._waiting:
            oldest = self._waiting[0]
            if not isinstance(oldest, Future):
                self.tally.add(oldest)
            elif oldest in self._finished:
                self.tally.add(self._finished.pop(oldest))
            elif len(self._waiting) > AHEAD:
                self._late[oldest] = self.tally.keep_place()
            else:
                return
            self._waiting.popleft()
