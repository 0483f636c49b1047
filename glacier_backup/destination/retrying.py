"""Requests repeated until they are answered, or can't be: by us alone, botocore's own retries are off.

Between two tries lies a random time that may grow to twice what it was before ("full jitter": AWS Architecture Blog,
"Exponential Backoff And Jitter"), so that many clients that failed together don't come back together. Under
throttling the number of requests under way is halved, and grows back by one for every round that is answered.
"""

from __future__ import annotations

import random
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from enum import Enum, auto
from typing import TypeVar

from glacier_backup.destination.destination import Check

T = TypeVar("T")

ATTEMPTS = 10
FIRST_WAIT = 0.5
LONGEST_WAIT = 30.0
BUDGET = 3600.0
"""Seconds: the longest first wait, the longest of all, and what all waits of one run may add up to."""

GLANCE = 0.2
"""Seconds between two looks whether waiting still makes sense."""

WORTH_TELLING = 1.0
"""Seconds: shorter waits are nobody's business."""


class Verdict(Enum):
    """What an error of one request means for the next."""

    FINAL = auto()
    TRANSIENT = auto()
    THROTTLED = auto()
    OUTAGE = auto()
    """Nobody was reached: the network is gone, or the server."""


Judge = Callable[[Exception], Verdict]
"""Asked in the thread whose request failed, once for each failure; may mend what was wrong, and raise instead."""

Tell = Callable[[Exception, float], object]
"""Told before a wait what it is for, and how many seconds it lasts."""


class Retrier:
    """Makes requests, as often as it takes. Shared by the threads of one destination."""

    def __init__(self, judge: Judge, most: int, tell: Tell | None = None) -> None:
        """``most`` requests may be under way at once; ``tell`` hears of waits of a second or longer."""
        self._judge = judge
        self._tell = tell
        self._flow = Flow(most)
        self._left = BUDGET
        self._reached = False
        """Whether anything was answered yet: a wrong address never is."""
        self._lock = threading.Lock()

    def __call__(self, request: Callable[[], T], check: Check) -> T:
        """The answer of ``request``, which can be repeated; or what it raised last.

        An error that is final is raised at once, any other after ten tries or when the run has waited for an hour. An
        outage is waited out for an hour where something was answered before it, and counts as no try.
        """
        attempt = failures = 0
        began = time.monotonic()
        while True:
            try:
                with self._flow.turn(check) as turn:
                    answer = request()
                    turn.answered()
                    self._reached = True
                    return answer
            except Exception as error:
                verdict = self._judge(error)
                if verdict is Verdict.THROTTLED:
                    turn.throttled()
                attempt += 1
                waited_out = verdict is Verdict.OUTAGE and self._reached and time.monotonic() - began < BUDGET
                failures += not waited_out
                if verdict is Verdict.FINAL or failures == ATTEMPTS or not self._wait(attempt, error, check):
                    raise

    def _wait(self, attempt: int, error: Exception, check: Check) -> bool:
        """Wait before the next try; whether there is time for it."""
        longest = LONGEST_WAIT if attempt > ATTEMPTS else min(LONGEST_WAIT, FIRST_WAIT * 2 ** (attempt - 1))
        seconds = random.uniform(0, longest)  # noqa: S311  # not a secret
        with self._lock:
            self._left -= seconds
            if self._left < 0:
                return False
        if self._tell is not None and seconds >= WORTH_TELLING:
            self._tell(error, seconds)
        until = time.monotonic() + seconds
        while (remaining := until - time.monotonic()) > 0:
            check()
            time.sleep(min(GLANCE, remaining))
        check()
        return True


class Flow:
    """How many requests may be under way: fewer after throttling, more again as they are answered."""

    def __init__(self, most: int) -> None:
        self._most = most
        self._limit = float(most)
        self._under_way = 0
        self._round = 0
        self._changed = threading.Condition()

    @property
    def limit(self) -> int:
        return int(self._limit)

    @contextmanager
    def turn(self, check: Check) -> Iterator[Turn]:
        """Wait until one more request may be under way, and count it while the block runs."""
        with self._changed:
            while self._under_way >= self.limit:
                self._changed.wait(GLANCE)
                check()
            self._under_way += 1
            turn = Turn(self, self._round)
        try:
            yield turn
        finally:
            with self._changed:
                self._under_way -= 1
                self._changed.notify()

    def _halve(self, round_: int) -> None:
        with self._changed:
            # Those that were under way together are throttled together: that is one reason to slow down, not four.
            if round_ == self._round:
                self._round += 1
                self._limit = max(1.0, self._limit / 2)

    def _grow(self) -> None:
        with self._changed:
            self._limit = min(float(self._most), self._limit + 1 / self._limit)
            self._changed.notify()


class Turn:
    """One request under way."""

    def __init__(self, flow: Flow, round_: int) -> None:
        self._flow = flow
        self._round = round_

    def answered(self) -> None:
        self._flow._grow()

    def throttled(self) -> None:
        self._flow._halve(self._round)
