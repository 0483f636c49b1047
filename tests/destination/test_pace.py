"""A limit on the bytes per second, on a clock that moves only when somebody sleeps."""

from __future__ import annotations

import time
from concurrent.futures import ThreadPoolExecutor

import pytest

from glacier_backup.destination import pace as module
from glacier_backup.destination.pace import GLANCE, LEAST_CHUNK, MOST_CHUNK, Pace
from glacier_backup.errors import Interrupted
from glacier_backup.units import KIB, MIB


class Clock:
    """Stands for the module ``time``."""

    def __init__(self) -> None:
        self.now = 1000.0

    def monotonic(self) -> float:
        return self.now

    def sleep(self, seconds: float) -> None:
        self.now += seconds


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    clock = Clock()
    monkeypatch.setattr(module, "time", clock)
    return clock


def nothing() -> None:
    return


def go(pace: Pace, size: int) -> None:
    for start in range(0, size, pace.chunk):
        pace.wait(min(pace.chunk, size - start), nothing)


def test_the_limit_holds_within_five_per_cent(clock: Clock) -> None:
    go(Pace(4 * MIB), 8 * MIB)

    assert clock.now - 1000 == pytest.approx(2.0, rel=0.05)


def test_what_is_late_by_a_little_is_made_up_for(clock: Clock) -> None:
    """Each chunk takes some time of its own to be handed over; that must not add up."""
    pace = Pace(4 * MIB)
    for _ in range(20):
        pace.wait(pace.chunk, nothing)
        clock.now += 0.03

    assert clock.now - 1000 == pytest.approx(2.0, rel=0.05)


def test_the_limit_is_for_all_threads_together() -> None:
    """On the real clock, which a busy machine can only make slower."""
    pace, began = Pace(16 * MIB), time.monotonic()
    with ThreadPoolExecutor(8) as pool:
        list(pool.map(lambda _: go(pace, MIB), range(8)))

    assert time.monotonic() - began >= 0.5 * 0.9


def test_it_flows_evenly(clock: Clock) -> None:
    """In no half of a second goes much more than its share, not even in the first one."""
    pace = Pace(2 * MIB)
    moments = []
    for _ in range(15):
        pace.wait(pace.chunk, nothing)
        moments.append(clock.now)

    for start in moments:
        within = sum(start <= moment < start + 0.5 for moment in moments)
        assert within * pace.chunk <= 2 * MIB * 0.5 * 1.25


def test_a_pause_is_not_made_up_for(clock: Clock) -> None:
    pace = Pace(4 * MIB)
    go(pace, MIB)
    clock.now += 0.5
    began = clock.now

    go(pace, 2 * MIB)

    assert clock.now - began >= 0.44


def test_without_a_limit_nobody_waits(clock: Clock) -> None:
    go(Pace(None), 100 * MIB)

    assert clock.now == 1000


@pytest.mark.parametrize(
    ("rate", "chunk"),
    [(None, MOST_CHUNK), (16 * KIB, LEAST_CHUNK), (2_000_000, 200_000), (10**9, MOST_CHUNK)],
)
def test_a_chunk_is_a_tenth_of_a_second_within_reason(rate: int | None, chunk: int) -> None:
    assert Pace(rate).chunk == chunk


def test_bytes_that_are_counted_back_have_been_sent_all_the_same(clock: Clock) -> None:
    pace = Pace(MIB)
    pace.wait(MIB // 4, nothing)
    pace.wait(-MIB // 4, nothing)
    began = clock.now

    go(pace, MIB // 4)

    assert clock.now - began >= 0.19


def test_a_request_to_stop_ends_the_waiting_at_the_next_glance(clock: Clock) -> None:
    def check() -> None:
        if clock.now >= 1000.25:
            raise Interrupted("stop")

    with pytest.raises(Interrupted):
        Pace(16 * KIB).wait(MIB, check)

    assert clock.now <= 1000.25 + GLANCE
