"""Functions that push, read as streams: whole, in little memory, with errors as they were, and never left behind."""

from __future__ import annotations

import contextlib
import io
import threading
import time

import pytest

from glacier_backup.seal.pump import AHEAD, Push, Sink, pumped
from glacier_backup.units import MIB
from tests.streams import BytesStream, noise


def copy(reader: io.BufferedIOBase, writer: Sink) -> None:
    while data := reader.read(8192):
        writer.write(data)


def read_all(push: Push, data: bytes, size: int = 100_000) -> bytes:
    with pumped(push, BytesStream(data)) as stream:
        buffer = bytearray(size)
        parts = []
        while (count := stream.readinto(memoryview(buffer))) == size:
            parts.append(bytes(buffer))
        return b"".join([*parts, buffer[:count]])


@pytest.mark.parametrize("size", [0, 1, 8191, 8192, MIB - 1, MIB, MIB + 1, 5 * MIB + 7])
def test_what_is_written_is_read_whatever_its_size(size: int) -> None:
    assert read_all(copy, noise(size)) == noise(size)


def test_buffers_of_any_size_are_filled_up_to_the_end() -> None:
    assert read_all(copy, noise(30_000), 7) == noise(30_000)
    assert read_all(copy, noise(3 * MIB), MIB) == noise(3 * MIB)


def test_what_is_written_may_be_more_or_less_than_what_is_read() -> None:
    def twice(reader: io.BufferedIOBase, writer: Sink) -> None:
        while data := reader.read(8192):
            writer.write(data * 2)
        writer.flush()

    assert len(read_all(twice, noise(3 * MIB))) == 6 * MIB
    assert read_all(lambda reader, writer: None, noise(MIB)) == b""


class Failing:
    """Some bytes, and then an error."""

    def __init__(self, size: int, error: BaseException) -> None:
        self._stream = BytesStream(noise(size))
        self._error = error

    def readinto(self, buffer: memoryview) -> int:
        count = self._stream.readinto(buffer)
        if count < len(buffer):
            raise self._error
        return count


def test_what_reading_raises_comes_out_as_it_was_whatever_the_function_makes_of_it() -> None:
    def disguise(reader: io.BufferedIOBase, writer: Sink) -> None:
        try:
            copy(reader, writer)
        except BaseException as error:
            raise ValueError("it went wrong") from error

    def swallow(reader: io.BufferedIOBase, writer: Sink) -> None:
        with contextlib.suppress(OSError):
            copy(reader, writer)

    error = OSError("the disk is gone")
    for push in (disguise, swallow):
        with (
            pumped(push, Failing(3 * MIB, error)) as stream,
            pytest.raises(OSError, match="the disk is gone") as raised,
        ):
            stream.readinto(memoryview(bytearray(4 * MIB)))
        assert raised.value is error


def test_what_the_function_raises_comes_in_place_of_the_end() -> None:
    def break_down(reader: io.BufferedIOBase, writer: Sink) -> None:
        copy(reader, writer)
        raise ValueError("no more")

    with pumped(break_down, BytesStream(noise(MIB))) as stream:
        assert stream.readinto(memoryview(bytearray(MIB))) == MIB
        for _ in range(2):
            with pytest.raises(ValueError, match="no more"):
                stream.readinto(memoryview(bytearray(1)))


class Endless:
    """Zeros without end, counted."""

    read = 0

    def readinto(self, buffer: memoryview) -> int:
        self.read += len(buffer)
        return len(buffer)


def test_leaving_ends_the_thread_whatever_it_waits_for() -> None:
    for ask in (0, 1, 3 * MIB):
        before = threading.active_count()
        with pumped(copy, Endless()) as stream:
            stream.readinto(memoryview(bytearray(ask)))
        assert threading.active_count() == before


def test_it_works_ahead_by_a_few_mib_and_no_more() -> None:
    endless = Endless()
    with pumped(copy, endless):
        time.sleep(0.1)
        assert MIB <= endless.read <= (AHEAD + 2) * MIB


def test_the_end_of_the_stream_is_asked_for_once() -> None:
    ends = []
    with pumped(copy, BytesStream(b"few", lambda: ends.append(1))) as stream:
        for _ in range(3):
            stream.readinto(memoryview(bytearray(10)))
    assert ends == [1]
