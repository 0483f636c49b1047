"""Memory that is shared fairly and let go of."""

from __future__ import annotations

import re
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from glacier_backup.destination.buffers import Buffers
from glacier_backup.errors import DestinationError, Interrupted
from glacier_backup.units import MIB

SIZE = 16 * MIB


def nothing() -> None:
    return


def stop() -> None:
    raise Interrupted("stop")


def resident() -> int:
    """Bytes of memory that this process has."""
    (kib,) = re.findall(r"^VmRSS:\s+(\d+) kB", Path("/proc/self/status").read_text(), re.MULTILINE)
    return int(kib) * 1024


def fill(buffer: memoryview) -> None:
    buffer[::4096] = b"x" * len(range(0, len(buffer), 4096))


def test_a_buffer_that_was_given_back_is_lent_again() -> None:
    buffers = Buffers(1)
    with buffers.in_use():
        first = buffers.borrow(SIZE, nothing)
        buffers.give_back(first)
        assert buffers.borrow(SIZE, nothing) is first


def test_memory_is_only_taken_as_it_is_used() -> None:
    buffers, before = Buffers(4), resident()
    with buffers.in_use():
        lent = [buffers.borrow(256 * MIB, nothing) for _ in range(4)]
        assert resident() - before < 16 * MIB
        assert len(lent) == 4


def test_memory_is_let_go_when_nobody_sends() -> None:
    buffers, before = Buffers(1), resident()
    with buffers.in_use():
        buffer = buffers.borrow(4 * SIZE, nothing)
        fill(buffer)
        buffers.give_back(buffer)
        del buffer
        assert resident() - before > 3 * SIZE
    assert resident() - before < SIZE


def test_memory_of_an_archive_with_larger_parts_is_let_go_while_others_are_sent() -> None:
    buffers, before = Buffers(3), resident()
    with buffers.in_use():
        large = [buffers.borrow(4 * SIZE, nothing) for _ in range(3)]
        while large:
            fill(large[-1])
            buffers.give_back(large.pop())
        small = buffers.borrow(MIB, nothing)
        assert resident() - before < SIZE
        assert len(small) == MIB


def test_a_buffer_that_comes_back_late_is_let_go() -> None:
    """It belonged to a part whose server didn't answer; its upload has ended long ago."""
    buffers, before = Buffers(1), resident()
    with buffers.in_use():
        late = buffers.borrow(4 * SIZE, nothing)
        fill(late)
    buffers.give_back(late)
    del late

    assert resident() - before < SIZE
    with buffers.in_use():
        assert len(buffers.borrow(SIZE, nothing)) == SIZE


def test_who_asked_first_is_served_first() -> None:
    buffers = Buffers(1)
    served: list[int] = []
    with buffers.in_use(), ThreadPoolExecutor(6) as pool:
        first = buffers.borrow(SIZE, nothing)

        def ask(number: int) -> None:
            buffer = buffers.borrow(SIZE, nothing)
            served.append(number)
            buffers.give_back(buffer)

        for number in range(6):
            pool.submit(ask, number)
            _wait_for_queue(buffers, number + 1)
        buffers.give_back(first)

    assert served == list(range(6))


def _wait_for_queue(buffers: Buffers, length: int) -> None:
    until = time.monotonic() + 5
    while len(buffers._queue) < length and time.monotonic() < until:
        time.sleep(0.001)


def test_who_stops_waiting_takes_nothing_from_the_others() -> None:
    buffers = Buffers(1)
    with buffers.in_use():
        lent = buffers.borrow(SIZE, nothing)
        with pytest.raises(Interrupted):
            buffers.borrow(SIZE, stop)
        buffers.give_back(lent)
        assert len(buffers.borrow(SIZE, nothing)) == SIZE


def test_who_stops_waiting_when_its_turn_has_come_passes_it_on() -> None:
    buffers = Buffers(1)
    with buffers.in_use():
        lent = buffers.borrow(SIZE, nothing)

        def give_back_and_stop() -> None:
            buffers.give_back(lent)
            stop()

        with pytest.raises(Interrupted):
            buffers.borrow(SIZE, give_back_and_stop)
        assert buffers.borrow(SIZE, nothing) is lent


def test_a_part_that_no_memory_can_hold_says_so() -> None:
    buffers = Buffers(1)
    with buffers.in_use():
        with pytest.raises(DestinationError, match="no memory for a part") as caught:
            buffers.borrow(1 << 60, nothing)
        assert caught.value.hint is not None
        assert len(buffers.borrow(SIZE, nothing)) == SIZE


def test_many_threads_never_hold_more_than_there_are() -> None:
    buffers = Buffers(3)
    lock = threading.Lock()
    held = most = 0

    def work(number: int) -> None:
        nonlocal held, most
        for turn in range(50):
            buffer = buffers.borrow(4096 * (1 + (number + turn) % 3), nothing)
            with lock:
                held += 1
                most = max(most, held)
            with lock:
                held -= 1
            buffers.give_back(buffer)

    with buffers.in_use(), ThreadPoolExecutor(8) as pool:
        list(pool.map(work, range(8)))

    assert most <= 3
