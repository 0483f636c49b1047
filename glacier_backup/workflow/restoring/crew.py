"""Several things on their way at the same time, each in a thread, while the caller's thread stays free for signals."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from typing import Generic, NamedTuple, TypeVar

from glacier_backup.interrupt import StopRequest

W = TypeVar("W")
R = TypeVar("R")

GLANCE = 0.2
"""Seconds between two looks whether a stop was asked for."""

GRACE = 8.0
"""Seconds that things under way are given to end after a stop."""


class Finished(NamedTuple, Generic[W, R]):
    """What came of one."""

    work: W
    result: R | None
    error: BaseException | None


class Crew(Generic[W, R]):
    """At most ``most`` at a time. A context manager; after it nobody is waited for."""

    def __init__(self, most: int, do: Callable[[W], R], stop: StopRequest) -> None:
        self._threads = ThreadPoolExecutor(most, thread_name_prefix="item")
        self._most = most
        self._do = do
        self._stop = stop
        self._under_way: dict[Future[R], W] = {}
        self._stopped_at: float | None = None

    def __enter__(self) -> Crew[W, R]:
        return self

    def __exit__(self, *_: object) -> None:
        self._threads.shutdown(wait=False, cancel_futures=True)

    @property
    def left_behind(self) -> bool:
        """Whether somebody is still at work."""
        return any(not future.done() for future in self._under_way)

    def begin(self, work: W) -> Iterator[Finished[W, R]]:
        """Have it done; what was finished until there was room for it."""
        while len(self._under_way) >= self._most and not self._has_waited_enough():
            yield from self.finished()
        self._under_way[self._threads.submit(self._do, work)] = work

    def rest(self) -> Iterator[Finished[W, R]]:
        """All that is under way, as it is finished; after a stop only what is so soon."""
        while self._under_way and not self._has_waited_enough():
            yield from self.finished()

    def finished(self) -> Iterator[Finished[W, R]]:
        """What is finished within a moment."""
        for future in wait(self._under_way, GLANCE, FIRST_COMPLETED).done:
            work = self._under_way.pop(future)
            error = future.exception()
            yield Finished(work, None if error is not None else future.result(), error)

    def _has_waited_enough(self) -> bool:
        if not self._stop.is_set:
            return False
        self._stopped_at = self._stopped_at or time.monotonic()
        return time.monotonic() - self._stopped_at > GRACE
