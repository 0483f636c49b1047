"""A stream cut into parts: the grid, the bound on memory, and what happens when something breaks."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import pytest
from hypothesis import given
from hypothesis import strategies as st

from glacier_backup.destination.multipart import CHUNK, Part, PartBody, send_parts
from glacier_backup.errors import Interrupted, SourceError, UploadOutgrown
from glacier_backup.units import MIB
from tests.streams import BytesStream, noise

GRID = 4096


@pytest.fixture(scope="module")
def pool() -> Iterator[ThreadPoolExecutor]:
    with ThreadPoolExecutor(4) as executor:
        yield executor


def ignore(_count: int) -> None:
    return


def collect(pool: ThreadPoolExecutor, data: bytes, part_size: int = GRID, most: int = 10_000) -> list[tuple[int, int]]:
    stored = bytearray(len(data))

    def send(part: Part) -> tuple[int, int]:
        stored[part.start : part.start + len(part.data)] = part.data
        return part.start, len(part.data)

    ranges = send_parts(BytesStream(data), part_size, most, send, pool=pool, workers=3, progress=ignore)
    assert bytes(stored) == data
    return ranges


@pytest.mark.parametrize(
    ("size", "parts"),
    [(0, []), (1, [1]), (GRID - 1, [GRID - 1]), (GRID, [GRID]), (GRID + 1, [GRID, 1]), (3 * GRID, [GRID] * 3)],
)
def test_no_part_is_empty_and_only_the_last_is_short(pool: ThreadPoolExecutor, size: int, parts: list[int]) -> None:
    assert [length for _, length in collect(pool, noise(size))] == parts


@given(size=st.integers(0, 40_000), part_size=st.sampled_from([1, 7, 1000, 4096, 50_000]))
def test_whatever_the_size_the_parts_are_the_stream(size: int, part_size: int) -> None:
    with ThreadPoolExecutor(3) as executor:
        ranges = collect(executor, noise(size % (part_size * 50)), part_size)

    assert [start for start, _ in ranges] == [number * part_size for number in range(len(ranges))]


def test_a_stream_that_fills_the_most_parts_exactly_is_sent(pool: ThreadPoolExecutor) -> None:
    assert len(collect(pool, noise(GRID * 5), most=5)) == 5


def test_one_byte_more_has_outgrown_the_upload(pool: ThreadPoolExecutor) -> None:
    with pytest.raises(UploadOutgrown):
        collect(pool, noise(GRID * 5 + 1), most=5)


def test_at_most_workers_plus_one_parts_are_in_memory(pool: ThreadPoolExecutor) -> None:
    """Whatever the length of the stream: the reader waits when all workers are busy."""
    reading = threading.Event()
    under_way: set[int] = set()
    most = 0
    lock = threading.Lock()

    def send(part: Part) -> None:
        nonlocal most
        with lock:
            under_way.add(part.number)
            most = max(most, len(under_way))
        reading.wait(0.001)
        with lock:
            under_way.remove(part.number)

    send_parts(BytesStream(noise(GRID * 60)), GRID, 100, send, pool=pool, workers=3, progress=ignore)

    assert most <= 3


def test_the_observer_sees_the_bytes_in_stream_order(pool: ThreadPoolExecutor) -> None:
    data = noise(GRID * 20 + 5)
    seen = bytearray()

    send_parts(
        BytesStream(data), GRID, 100, lambda part: None, pool=pool, workers=3, progress=ignore, observe=seen.extend
    )

    assert bytes(seen) == data


def test_a_part_that_fails_ends_the_upload_with_its_own_error(pool: ThreadPoolExecutor) -> None:
    """Also when it is the last one, and when others are still queued: no hang, no other error in its place."""

    def send(part: Part) -> None:
        if part.number == 7:
            raise ConnectionError("part 7")
        part.sent(len(part.data))

    with pytest.raises(ConnectionError, match="part 7"):
        send_parts(BytesStream(noise(GRID * 8)), GRID, 100, send, pool=pool, workers=3, progress=ignore)


def test_a_failing_part_breaks_off_the_ones_under_way(pool: ThreadPoolExecutor) -> None:
    started = threading.Event()

    def send(part: Part) -> None:
        if part.number == 1:
            started.wait(5)
            raise ConnectionError
        while True:
            started.set()
            part.sent(0)

    with pytest.raises(ConnectionError):
        send_parts(BytesStream(noise(GRID * 2)), GRID, 100, send, pool=pool, workers=3, progress=ignore)


def test_a_stream_that_fails_ends_the_upload_with_its_own_error(pool: ThreadPoolExecutor) -> None:
    class Broken:
        def readinto(self, buffer: memoryview) -> int:
            raise SourceError("the disk is gone")

    with pytest.raises(SourceError, match="the disk is gone"):
        send_parts(Broken(), GRID, 100, lambda part: None, pool=pool, workers=3, progress=ignore)


def test_progress_that_raises_stops_the_upload_with_what_it_raised(pool: ThreadPoolExecutor) -> None:
    def interrupted(_count: int) -> None:
        raise Interrupted("stop")

    def send(part: Part) -> None:
        try:
            part.sent(1)
        except Exception as error:  # what a foreign retry loop does
            raise AssertionError("it must not be seen as an ordinary error") from error

    with pytest.raises(Interrupted):
        send_parts(BytesStream(noise(GRID)), GRID, 100, send, pool=pool, workers=3, progress=interrupted)


def body(size: int, sent: list[int]) -> PartBody:
    return PartBody(Part(0, 0, memoryview(noise(size)), sent.append), "00")


def test_a_body_hands_out_all_of_its_part() -> None:
    sent: list[int] = []
    whole = body(2 * CHUNK + 3, sent)

    chunks = []
    while chunk := bytes(whole.read(8192)):
        chunks.append(chunk)

    assert b"".join(chunks) == noise(2 * CHUNK + 3)
    assert len(whole) == sum(sent) == 2 * CHUNK + 3


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
