"""Several things done at the same time, while the caller's thread stays free for signals."""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from concurrent.futures import FIRST_EXCEPTION, Future, ThreadPoolExecutor, wait
from typing import TypeVar

T = TypeVar("T")

GLANCE = 0.2
"""Seconds after which a signal is noticed at the latest."""


def side_by_side(jobs: Sequence[Callable[[], T]], name: str) -> list[T]:
    """What each of ``jobs`` returns, in their order; each has a thread of that ``name``.

    What one of them raises is raised at once, and so is what a signal raises here: the others are not waited for.
    """
    threads = ThreadPoolExecutor(max(1, len(jobs)), thread_name_prefix=name)
    try:
        futures = [threads.submit(job) for job in jobs]
        rest: Collection[Future[T]] = futures
        while rest:
            done, rest = wait(rest, timeout=GLANCE, return_when=FIRST_EXCEPTION)
            for future in done:
                future.result()
        return [future.result() for future in futures]
    finally:
        threads.shutdown(wait=False)
