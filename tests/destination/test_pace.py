"""A limit on the bytes per second, measured on the real clock."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

import pytest

from glacier_backup.destination.pace import LEAST_CHUNK, MOST_CHUNK, Pace
from glacier_backup.errors import Interrupted
from glacier_backup.units import KIB, MIB


def nothing() -> None:
    return


def seconds_for(pace: Pace, size: int) -> float:
    began = time.monotonic()
    for start in range(0, size, pace.chunk):
        pace.wait(min(pace.chunk, size - start), nothing)
    return time.monotonic() - began


def at_best(measure: Callable[[], float], expected: float) -> float:
    """Seconds, measured again where a busy machine made it slow. It never makes it quick."""
    for _ in range(3):
        seconds = measure()
        if seconds <= expected * 1.05:
            break
    return seconds


def test_the_limit_holds_within_five_per_cent() -> None:
    assert at_best(lambda: seconds_for(Pace(4 * MIB), 8 * MIB), 2.0) == pytest.approx(2.0, rel=0.05)


def test_the_limit_is_for_all_threads_together() -> None:
    def measured() -> float:
        pace, began = Pace(8 * MIB), time.monotonic()
        with ThreadPoolExecutor(8) as pool:
            list(pool.map(lambda _: seconds_for(pace, 2 * MIB), range(8)))
        return time.monotonic() - began

    assert at_best(measured, 2.0) == pytest.approx(2.0, rel=0.05)


def test_it_flows_evenly() -> None:
    """In no half of a second goes much more than its share, not even in the first one."""
    pace = Pace(2 * MIB)
    began = time.monotonic()
    moments = []
    for _ in range(15):
        pace.wait(pace.chunk, nothing)
        moments.append(time.monotonic() - began)

    for start in moments:
        within = sum(start <= moment < start + 0.5 for moment in moments)
        assert within * pace.chunk <= 2 * MIB * 0.5 * 1.25


def test_a_pause_is_not_made_up_for() -> None:
    pace = Pace(4 * MIB)
    seconds_for(pace, MIB)
    time.sleep(0.5)

    assert seconds_for(pace, 2 * MIB) >= 0.44


def test_without_a_limit_nobody_waits() -> None:
    assert seconds_for(Pace(None), 10_000 * MIB) < 1


@pytest.mark.parametrize(
    ("rate", "chunk"),
    [(None, MOST_CHUNK), (16 * KIB, LEAST_CHUNK), (2_000_000, 200_000), (10**9, MOST_CHUNK)],
)
def test_a_chunk_is_a_tenth_of_a_second_within_reason(rate: int | None, chunk: int) -> None:
    assert Pace(rate).chunk == chunk


def test_bytes_that_are_counted_back_have_been_sent_all_the_same() -> None:
    pace = Pace(MIB)
    pace.wait(MIB // 4, nothing)
    pace.wait(-MIB // 4, nothing)

    assert seconds_for(pace, MIB // 4) >= 0.19


def test_a_request_to_stop_ends_the_waiting_at_once() -> None:
    stop = threading.Event()
    asked_at = 0.0

    def check() -> None:
        if stop.is_set():
            raise Interrupted("stop")

    def ask() -> None:
        nonlocal asked_at
        asked_at = time.monotonic()
        stop.set()

    timer = threading.Timer(0.25, ask)
    timer.start()
    with pytest.raises(Interrupted):
        Pace(16 * KIB).wait(MIB, check)

    assert time.monotonic() - asked_at < 0.2
    timer.join()
