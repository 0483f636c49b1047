"""Streams that are made in a thread of their own."""

from __future__ import annotations

import threading
from collections.abc import Iterator

import pytest

from glacier_backup.seal.ahead import ALONE, BLOCK, DEPTH, ROOM, SMALL, ahead, blocks_of, pieces_of
from tests.seal.sealing import EndlessStream, FailingStream, read_all
from tests.streams import BytesStream, noise


@pytest.fixture(autouse=True)
def no_thread_left() -> Iterator[None]:
    before = set(threading.enumerate())
    yield
    assert set(threading.enumerate()) <= before


@pytest.mark.parametrize("size", [0, 1, BLOCK - 1, BLOCK, BLOCK + 1, 7 * BLOCK + 5])
@pytest.mark.parametrize("buffer", [999, BLOCK, 3 * BLOCK + 1])
def test_all_comes_in_its_order(size: int, buffer: int) -> None:
    content = noise(size)
    seen = bytearray()
    with ahead(blocks_of(BytesStream(content)), seen.extend) as stream:
        assert read_all(stream, buffer) == content
    assert seen == content


def test_it_is_no_more_than_some_blocks_ahead() -> None:
    endless = EndlessStream(noise(1000))
    with ahead(blocks_of(endless)) as stream:
        stream.readinto(memoryview(bytearray(BLOCK)))
        assert endless.taken >= BLOCK
        pause = threading.Event()
        pause.wait(0.1)
        assert BLOCK < endless.taken <= (DEPTH + 1) * BLOCK


def test_it_has_seen_what_it_hands_on() -> None:
    seen = 0

    def see(data: memoryview) -> None:
        nonlocal seen
        seen += len(data)

    got = 0
    buffer = memoryview(bytearray(10_000))
    with ahead(blocks_of(BytesStream(noise(3 * BLOCK))), see) as stream:
        while count := stream.readinto(buffer):
            got += count
            assert seen >= got
    assert seen == got


def test_an_error_comes_in_place_of_what_was_not_made_however_often_it_is_asked_for() -> None:
    error = OSError("the cable is out")
    buffer = memoryview(bytearray(BLOCK))
    with ahead(blocks_of(FailingStream(noise(2 * BLOCK + 10), error))) as stream:
        assert [stream.readinto(buffer) for _ in range(2)] == [BLOCK, BLOCK]
        for _ in range(DEPTH + 2):
            with pytest.raises(OSError, match="cable"):
                stream.readinto(buffer)


def test_an_error_of_who_sees_comes_through_too() -> None:
    def see(data: memoryview) -> None:
        raise ValueError("not that")

    with ahead(blocks_of(BytesStream(noise(10))), see) as stream, pytest.raises(ValueError, match="not that"):
        read_all(stream)


def test_behind_its_end_the_stream_is_not_read() -> None:
    reads = []

    class Once:
        def readinto(self, buffer: memoryview) -> int:
            reads.append(len(buffer))
            return 1

    with ahead(blocks_of(Once())) as stream:
        assert read_all(stream) == b"\0"
        assert stream.readinto(memoryview(bytearray(1))) == 0
    assert len(reads) == 1


def test_leaving_waits_for_what_is_being_made_and_begins_no_more() -> None:
    begun, go_on = threading.Event(), threading.Event()
    made: list[int] = []

    def make(buffer: memoryview) -> int:
        if made:
            begun.set()
            go_on.wait()
        made.append(len(buffer))
        return SMALL + 1

    with ahead(make, lambda data: None) as stream:
        stream.readinto(memoryview(bytearray(1)))
        begun.wait()
        threading.Timer(0.05, go_on.set).start()
    assert made == [ROOM, ROOM]


def test_a_small_stream_takes_no_thread_and_a_long_one_of_small_blocks_does() -> None:
    threads = set()

    def pieces(count: int) -> Iterator[bytes]:
        for _ in range(count):
            threads.add(threading.current_thread())
            yield b"small"

    with ahead(pieces_of(pieces(ALONE - 1))) as stream:
        assert read_all(stream) == b"small" * (ALONE - 1)
    assert threads == {threading.current_thread()}
    with ahead(pieces_of(pieces(100))) as stream:
        assert read_all(stream) == b"small" * 100
    assert len(threads) > 1


def test_empty_pieces_are_no_end() -> None:
    with ahead(pieces_of(iter([b"", b"one", b"", b"", b"two", b""]))) as stream:
        assert read_all(stream) == b"onetwo"
