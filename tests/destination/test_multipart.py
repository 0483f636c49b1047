"""Streams cut into parts: the grid, the bounds that all share, and what happens when something breaks."""

from __future__ import annotations

import random
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing

import pytest
from hypothesis import given
from hypothesis import strategies as st

from glacier_backup.destination import multipart
from glacier_backup.destination.destination import ByteStream
from glacier_backup.destination.multipart import BrokenOff, Part, PartBody, PartSender
from glacier_backup.errors import Interrupted, SourceError, SourceShrank, UploadOutgrown
from glacier_backup.units import MIB
from tests.streams import AnywhereStream, BytesStream, noise

GRID = 4096

Make = Callable[[bytes], ByteStream]
both_ways = pytest.mark.parametrize("make", [BytesStream, AnywhereStream])


@pytest.fixture
def parts() -> Iterator[PartSender]:
    with closing(PartSender(3)) as sender:
        yield sender


def ignore(_count: int) -> None:
    return


def collect(
    parts: PartSender, data: bytes, make: Make = BytesStream, part_size: int = GRID, most: int = 10_000
) -> list[tuple[int, int]]:
    stored = bytearray(len(data))

    def send(part: Part) -> tuple[int, int]:
        stored[part.start : part.start + len(part.data)] = part.data
        return part.start, len(part.data)

    ranges = parts.send(make(data), part_size, most, send, progress=ignore)
    assert bytes(stored) == data
    return ranges


@both_ways
@pytest.mark.parametrize("size", [0, 1, GRID - 1, GRID])
def test_what_is_small_is_held_whole(parts: PartSender, make: Make, size: int) -> None:
    told: list[int] = []
    assert parts.hold(make(noise(size)), GRID, told.append) == noise(size)
    assert sum(told) == size


@both_ways
def test_what_is_larger_than_that_is_not_held(parts: PartSender, make: Make) -> None:
    with pytest.raises(UploadOutgrown):
        parts.hold(make(noise(GRID + 1)), GRID, ignore)


@both_ways
@pytest.mark.parametrize(
    ("size", "lengths"),
    [(0, []), (1, [1]), (GRID - 1, [GRID - 1]), (GRID, [GRID]), (GRID + 1, [GRID, 1]), (3 * GRID, [GRID] * 3)],
)
def test_no_part_is_empty_and_only_the_last_is_short(
    parts: PartSender, make: Make, size: int, lengths: list[int]
) -> None:
    assert [length for _, length in collect(parts, noise(size), make)] == lengths


@both_ways
@given(size=st.integers(0, 40_000), part_size=st.sampled_from([1, 7, 1000, 4096, 50_000]))
def test_whatever_the_size_the_parts_are_the_stream(make: Make, size: int, part_size: int) -> None:
    with closing(PartSender(3)) as parts:
        ranges = collect(parts, noise(size % (part_size * 50)), make, part_size)

    assert [start for start, _ in ranges] == [number * part_size for number in range(len(ranges))]


@both_ways
def test_a_stream_that_fills_the_most_parts_exactly_is_sent(parts: PartSender, make: Make) -> None:
    assert len(collect(parts, noise(GRID * 5), make, most=5)) == 5


@both_ways
def test_one_byte_more_has_outgrown_the_upload(parts: PartSender, make: Make) -> None:
    with pytest.raises(UploadOutgrown):
        collect(parts, noise(GRID * 5 + 1), make, most=5)


def test_a_file_that_is_too_long_is_not_even_begun(parts: PartSender) -> None:
    sent: list[int] = []

    with pytest.raises(UploadOutgrown):
        parts.send(AnywhereStream(noise(GRID * 5 + 1)), GRID, 5, lambda part: sent.append(part.number), progress=ignore)

    assert sent == []


def test_a_file_is_read_by_the_threads_that_send_it(parts: PartSender) -> None:
    """At least two at once: each waits until the other has begun to read."""
    readers: set[str] = set()
    together = threading.Barrier(2)

    def before_read(_offset: int) -> None:
        readers.add(threading.current_thread().name)
        together.wait(5)

    parts.send(AnywhereStream(noise(GRID * 6), before_read), GRID, 10, lambda part: None, progress=ignore)

    assert threading.current_thread().name not in readers
    assert len(readers) >= 2


def test_a_file_whose_size_only_reading_tells_is_read_from_front_to_end(parts: PartSender) -> None:
    def no_reading(_offset: int) -> None:
        raise AssertionError

    stream = AnywhereStream(noise(GRID * 3), no_reading)
    stream.size = None

    assert len(parts.send(stream, GRID, 10, lambda part: None, progress=ignore)) == 3


def test_a_file_that_becomes_shorter_is_no_archive(parts: PartSender) -> None:
    stream = AnywhereStream(noise(GRID * 2 + 5))
    stream.size = GRID * 3

    with pytest.raises(SourceShrank):
        parts.send(stream, GRID, 10, lambda part: None, progress=ignore)


@both_ways
def test_the_observer_sees_the_bytes_in_stream_order(parts: PartSender, make: Make) -> None:
    data = noise(GRID * 20 + 5)
    seen = bytearray()

    parts.send(make(data), GRID, 100, lambda part: None, progress=ignore, observe=seen.extend)

    assert bytes(seen) == data


@both_ways
def test_a_part_that_fails_ends_the_upload_with_its_own_error(parts: PartSender, make: Make) -> None:
    """Also when it is the last one, and when others are still queued: no hang, no other error in its place."""

    def send(part: Part) -> None:
        if part.number == 7:
            raise ConnectionError("part 7")
        part.sent(len(part.data))

    with pytest.raises(ConnectionError, match="part 7"):
        parts.send(make(noise(GRID * 8)), GRID, 100, send, progress=ignore)


@both_ways
def test_a_failing_part_breaks_off_the_ones_under_way(parts: PartSender, make: Make) -> None:
    started = threading.Event()

    def send(part: Part) -> None:
        if part.number == 1:
            started.wait(5)
            raise ConnectionError
        while True:
            started.set()
            part.sent(0)

    with pytest.raises(ConnectionError):
        parts.send(make(noise(GRID * 2)), GRID, 100, send, progress=ignore)


def test_a_failing_part_breaks_off_no_other_archive(parts: PartSender) -> None:
    failed = threading.Event()

    def fail(part: Part) -> None:
        raise ConnectionError

    def send(part: Part) -> int:
        if part.number == 0:  # the others make way for the one that fails
            assert failed.wait(5)
        part.sent(0)
        return part.number

    with ThreadPoolExecutor(1) as other:
        whole = other.submit(lambda: parts.send(BytesStream(noise(GRID * 9)), GRID, 100, send, progress=ignore))
        with pytest.raises(ConnectionError):
            parts.send(BytesStream(noise(GRID)), GRID, 100, fail, progress=ignore)
        failed.set()
        assert whole.result(5) == list(range(9))


def test_a_stream_that_fails_ends_the_upload_with_its_own_error(parts: PartSender) -> None:
    class Broken:
        def readinto(self, buffer: memoryview) -> int:
            raise SourceError("the disk is gone")

    for _ in range(5):  # more often than there are buffers: none is lost
        with pytest.raises(SourceError, match="the disk is gone"):
            parts.send(Broken(), GRID, 100, lambda part: None, progress=ignore)


def test_a_file_that_fails_ends_the_upload_with_its_own_error(parts: PartSender) -> None:
    def broken(offset: int) -> None:
        if offset == GRID:
            raise SourceError("the disk is gone")

    for _ in range(5):
        with pytest.raises(SourceError, match="the disk is gone"):
            parts.send(AnywhereStream(noise(GRID * 9), broken), GRID, 100, lambda part: None, progress=ignore)


@both_ways
def test_progress_that_raises_stops_the_upload_with_what_it_raised(parts: PartSender, make: Make) -> None:
    def interrupted(count: int) -> None:
        if count:
            raise Interrupted("stop")

    def send(part: Part) -> None:
        try:
            part.sent(1)
        except Exception as error:  # what a foreign retry loop does
            raise AssertionError("it must not be seen as an ordinary error") from error

    with pytest.raises(Interrupted):
        parts.send(make(noise(GRID)), GRID, 100, send, progress=interrupted)


def test_a_server_that_does_not_answer_holds_nobody_who_asks_to_stop(
    parts: PartSender, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Neither the upload whose part hangs, nor the next ones, which have the other threads and buffers."""
    monkeypatch.setattr(multipart, "GRACE", 0.1)
    asked, answer = threading.Event(), threading.Event()

    def hang(part: Part) -> None:
        asked.set()
        answer.wait(10)

    def stopped(_count: int) -> None:
        if asked.is_set():
            raise Interrupted("stop")

    began = time.monotonic()
    with pytest.raises(Interrupted):
        parts.send(BytesStream(noise(GRID)), GRID, 100, hang, progress=stopped)

    assert len(collect(parts, noise(GRID * 9))) == 9
    assert time.monotonic() - began < 2
    answer.set()


def test_waiting_for_memory_ends_when_a_stop_is_asked_for(parts: PartSender) -> None:
    full, release = threading.Semaphore(0), threading.Event()

    def hold(part: Part) -> None:
        full.release()
        release.wait(10)

    def stopped(_count: int) -> None:
        raise Interrupted("stop")

    with ThreadPoolExecutor(1) as other:
        holding = other.submit(lambda: parts.send(BytesStream(noise(GRID * 9)), GRID, 100, hold, progress=ignore))
        for _ in range(3):
            assert full.acquire(timeout=5)
        time.sleep(0.05)  # until the fourth buffer is taken too
        with pytest.raises(Interrupted):
            parts.send(BytesStream(noise(GRID)), GRID, 100, hold, progress=stopped)
        release.set()
        assert len(holding.result(5)) == 9


def test_closing_ends_what_is_under_way() -> None:
    parts = PartSender(1)
    begun = threading.Event()

    def send(part: Part) -> None:
        begun.set()
        time.sleep(0.2)

    with ThreadPoolExecutor(1) as other:
        sending = other.submit(lambda: parts.send(BytesStream(noise(GRID * 50)), GRID, 100, send, progress=ignore))
        assert begun.wait(5)
        parts.close()
        with pytest.raises(BrokenOff):
            sending.result(5)


class Watch:
    """How many parts are being sent at the same time, at most."""

    def __init__(self) -> None:
        self.under_way = self.most = 0
        self._lock = threading.Lock()

    def __call__(self, dice: random.Random) -> None:
        with self._lock:
            self.under_way += 1
            self.most = max(self.most, self.under_way)
        time.sleep(dice.random() / 500)
        with self._lock:
            self.under_way -= 1


@pytest.mark.parametrize("seed", range(4))
def test_many_archives_at_once_share_the_bounds_and_all_come_to_an_end(seed: int) -> None:
    """Slow ones, failing ones, interrupted ones, of several part sizes and both ways of reading."""
    watch = Watch()
    with closing(PartSender(3)) as parts, ThreadPoolExecutor(12) as pool:
        ends = list(pool.map(lambda number: _one_of_many(parts, watch, random.Random(f"{seed} {number}")), range(60)))
        assert len(collect(parts, noise(GRID * 20))) == 20

    assert watch.most <= 3
    assert all(end == wanted for end, wanted in ends)
    assert {wanted for _, wanted in ends} == {"sent", "failed", "broken", "stopped"}


def _one_of_many(parts: PartSender, watch: Watch, dice: random.Random) -> tuple[str, str]:
    """How it ended, and how it was to end."""
    end = dice.choice(["sent", "sent", "failed", "broken", "stopped"])
    part_size = dice.choice([100, 4096, 10_000])
    data = noise(part_size * dice.randrange(1, 20) + dice.randrange(2), seed=dice.randrange(100))
    breaks_at = dice.randrange(len(data) // part_size)
    stored = bytearray(len(data))

    def at_end() -> None:
        if end == "broken":
            raise SourceError("broken")

    def before_read(offset: int) -> None:
        if end == "broken" and offset == breaks_at * part_size:
            raise SourceError("broken")

    def send(part: Part) -> int:
        watch(random.Random(part.number))
        if end == "failed" and part.number == breaks_at:
            raise ConnectionError("failed")
        part.sent(len(part.data))
        stored[part.start : part.start + len(part.data)] = part.data
        return part.number

    def progress(count: int) -> None:
        if end == "stopped" and count:
            raise Interrupted("stopped")

    stream = AnywhereStream(data, before_read) if dice.random() < 0.5 else BytesStream(data, at_end)
    try:
        numbers = parts.send(stream, part_size, 1000, send, progress=progress)
    except (ConnectionError, SourceError, Interrupted) as error:
        return str(error), end
    assert numbers == list(range(len(numbers)))
    assert bytes(stored) == data
    return "sent", end


@pytest.mark.parametrize("archives", [1, 3])
def test_the_bandwidth_is_kept_over_all_parts_and_archives(archives: int) -> None:
    """What is sent in vain counts, what is found stored doesn't."""
    rate, size = 8 * MIB, 12 * MIB // archives

    def send(part: Part) -> None:
        first = part.number == 0
        body = PartBody(part, "00")
        while body.read():
            pass
        if first:
            body.seek(0)
            while body.read():
                pass
        part.kept(1000 * MIB)

    def one(parts: PartSender) -> None:
        parts.send(AnywhereStream(noise(size)), MIB, 100, send, progress=ignore)

    began = time.monotonic()
    with closing(PartSender(4, bandwidth=rate)) as parts, ThreadPoolExecutor(archives) as pool:
        list(pool.map(lambda _: one(parts), range(archives)))

    # A busy machine makes it slower, nothing makes it quicker.
    assert time.monotonic() - began >= 0.95 * (12 + archives) * MIB / rate


def test_a_body_hands_out_what_its_pace_asks_for() -> None:
    whole = body(100_000, [], chunk=30_000)

    assert [len(whole.read()) for _ in range(5)] == [30_000, 30_000, 30_000, 10_000, 0]


def body(size: int, sent: list[int], chunk: int = MIB) -> PartBody:
    return PartBody(Part(0, 0, memoryview(noise(size)), sent.append, sent.append, chunk), "00")


def test_a_body_hands_out_all_of_its_part() -> None:
    sent: list[int] = []
    whole = body(2 * MIB + 3, sent)

    chunks = []
    while chunk := bytes(whole.read(8192)):
        chunks.append(chunk)

    assert b"".join(chunks) == noise(2 * MIB + 3)
    assert len(whole) == sum(sent) == 2 * MIB + 3


def test_a_body_that_is_sent_again_counts_back() -> None:
    sent: list[int] = []
    whole = body(MIB + 1, sent)
    whole.read()

    whole.seek(0)
    while whole.read():
        pass

    assert sent == [MIB, -MIB, MIB, 1]
    assert whole.tell() == MIB + 1


def test_a_body_can_be_measured_from_its_end() -> None:
    sent: list[int] = []
    whole = body(10, sent)

    assert whole.seek(0, 2) == 10
    assert whole.seek(0) == 0
    assert sum(sent) == 0
