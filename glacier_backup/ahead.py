"""Work done by several threads some time before its results are wanted, in order."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Generator, Iterable
from concurrent.futures import Future, ThreadPoolExecutor
from typing import TypeVar

T = TypeVar("T")


def in_order(jobs: Iterable[Callable[[], T]], pool: ThreadPoolExecutor, ahead: int) -> Generator[T, None, None]:
    """What each job returns, in their order; ``ahead`` of them are done, or under way, before they are wanted. Raises
    what a job raised when its turn has come. ``jobs`` are taken one after the other, and not all at once."""
    waiting: deque[Future[T]] = deque()
    try:
        for job in jobs:
            waiting.append(pool.submit(job))
            if len(waiting) > ahead:
                yield waiting.popleft().result()
        while waiting:
            yield waiting.popleft().result()
    finally:
        for future in waiting:
            future.cancel()
