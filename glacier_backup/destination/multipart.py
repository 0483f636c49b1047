"""Streams cut into parts of one size, several under way at a time, in bounded memory.

A stream that can only be read from front to end is read by the caller's thread, while a pool of threads digests and
sends what was read. One that can be read anywhere is read by those threads themselves, so that reading, hashing and
sending of several parts overlap.
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from functools import partial
from typing import Generic, NamedTuple, TypeVar

from glacier_backup.destination.buffers import Buffers
from glacier_backup.destination.destination import ByteStream, Progress, RandomAccess
from glacier_backup.destination.pace import GLANCE, MOST_CHUNK, Pace
from glacier_backup.errors import SourceShrank, UploadOutgrown

T = TypeVar("T")

GRACE = 5.0
"""Seconds that parts under way are given to end when an upload is given up."""


class BrokenOff(BaseException):
    """Sending was broken off on purpose. Not an Exception, so that no foreign retry loop swallows it.

    The cause, where there is one, is what ``progress`` raised.
    """


class Part(NamedTuple):
    """One piece of a stream."""

    number: int
    """From 0."""
    start: int
    """Offset in the stream, in bytes."""
    data: memoryview
    """Its bytes, until sending it has ended: then the memory belongs to another part."""
    sent: Progress
    """To be told of each chunk just before it goes, 0 while waiting. Waits as the bandwidth asks for; what was sent in
    vain, and is counted back by a negative number, has used it up all the same. Raises BrokenOff when the whole upload
    is given up."""
    kept: Progress
    """The same for bytes that don't go: those found stored already. Never waits."""
    chunk: int = MOST_CHUNK
    """Bytes to be sent at once."""


class PartBody:
    """A part as the body of a request: seekable, never copied, counted as it goes out.

    :meth:`read` hands out a chunk of the part's choosing, for callers ask for a few KiB at a time where 1 MiB costs
    less. Carries the part's linear SHA-256 so that the signer need not read it again.
    """

    def __init__(self, part: Part, sha256: str) -> None:
        self.sha256 = sha256
        self._part = part
        self._at = 0

    def __len__(self) -> int:
        return len(self._part.data)

    def read(self, _size: int = -1) -> memoryview:
        chunk = self._part.data[self._at : self._at + self._part.chunk]
        self._at += len(chunk)
        if len(chunk):
            self._part.sent(len(chunk))
        return chunk

    def tell(self) -> int:
        return self._at

    def seek(self, offset: int, whence: int = 0) -> int:
        base = (0, self._at, len(self))[whence]
        if base + offset != self._at:
            self._part.kept(base + offset - self._at)
        self._at = base + offset
        return self._at


class PartSender:
    """Sends the parts of all archives of one destination. Safe to use from several threads, one for each archive.

    Over all archives together at most ``concurrency`` parts are under way, at most one more is in memory, and the
    chunks go at ``bandwidth`` bytes per second (None: as fast as they can). Memory is (``concurrency`` + 1) times the
    part size, less for streams that are shorter.
    """

    def __init__(self, concurrency: int, bandwidth: int | None = None) -> None:
        self._pool = ThreadPoolExecutor(concurrency, thread_name_prefix="part")
        self._buffers = Buffers(concurrency + 1)
        self._pace = Pace(bandwidth)

    def send(
        self,
        stream: ByteStream,
        part_size: int,
        most_parts: int,
        send: Callable[[Part], T],
        *,
        progress: Progress,
        observe: Callable[[memoryview], object] | None = None,
    ) -> list[T]:
        """Send all of ``stream`` in parts of ``part_size`` bytes; what ``send`` returned for each, in order.

        ``send`` runs in other threads, parts in any order; ``observe`` sees each part's bytes in stream order, in the
        caller's thread, and without it a stream with RandomAccess of known size is read by those other threads. No part
        is empty; a stream of no bytes has no parts. Raises UploadOutgrown, and whatever the stream, ``send``,
        ``observe`` or ``progress`` raised first, after breaking off every other part of this stream.
        """
        sending = _Sending(self._pool, self._buffers, self._pace, part_size, send, progress)
        with self._buffers.in_use():
            try:
                if observe is None and isinstance(stream, RandomAccess) and stream.size is not None:
                    _start_reading_anywhere(stream, stream.size, most_parts, sending)
                else:
                    _read_and_start(stream, most_parts, sending, observe)
                return sending.finish()
            except BaseException as error:
                sending.give_up(0 if isinstance(error, KeyboardInterrupt) else GRACE)
                if isinstance(error, BrokenOff) and error.__cause__ is not None:
                    raise error.__cause__ from None
                raise

    def hold(self, stream: ByteStream, most: int, progress: Progress) -> bytes:
        """All of a stream of ``most`` bytes at most, read by the caller's thread at the pace that it may go at.

        Raises UploadOutgrown where it is longer, and whatever the stream or ``progress`` raised.
        """
        with self._buffers.in_use():
            buffer = self._buffers.borrow(most + 1, lambda: progress(0))
            try:
                held = bytes(buffer[: _fill(buffer, stream)])
            finally:
                self._buffers.give_back(buffer)
        if len(held) > most:
            raise _outgrown(1, most)
        for at in range(0, len(held), self._pace.chunk):
            count = min(self._pace.chunk, len(held) - at)
            self._pace.wait(count, lambda: progress(0))
            progress(count)
        return held

    def close(self) -> None:
        """Let the threads go, without waiting. What is still being sent elsewhere ends with BrokenOff."""
        self._pool.shutdown(wait=False, cancel_futures=True)


class _Sending(Generic[T]):
    """One stream on its way."""

    def __init__(
        self,
        pool: ThreadPoolExecutor,
        buffers: Buffers,
        pace: Pace,
        part_size: int,
        send: Callable[[Part], T],
        progress: Progress,
    ) -> None:
        self.part_size = part_size
        self._pool = pool
        self._buffers = buffers
        self._pace = pace
        self._send = send
        self._progress = progress
        self._results: dict[int, T] = {}
        self._under_way = 0
        self._failure: BaseException | None = None
        self._given_up = threading.Event()
        self._changed = threading.Condition()

    def buffer(self) -> memoryview:
        """Memory for one part, to be handed to :meth:`start` or :meth:`discard`; raises what a part under way did."""
        buffer = self._buffers.borrow(self.part_size, self._check)
        if self._failure is not None:
            self.discard(buffer)
            raise self._failure
        return buffer

    def discard(self, buffer: memoryview) -> None:
        self._buffers.give_back(buffer)

    def start(self, number: int, buffer: memoryview, fill: Callable[[memoryview], int]) -> None:
        """Have a part sent by another thread, which first calls ``fill`` to put its bytes into ``buffer``."""
        try:
            future = self._pool.submit(self._run, number, buffer, fill)
        except RuntimeError:  # the pool was closed
            self.discard(buffer)
            raise BrokenOff from None
        with self._changed:
            self._under_way += 1
        future.add_done_callback(partial(self._ended, buffer))

    def finish(self) -> list[T]:
        """Wait until all parts are sent; their results in order. Raises what a part or ``progress`` did."""
        while not self._all_ended(GLANCE):
            self._check()
        if self._failure is not None:
            raise self._failure
        return [self._results[number] for number in sorted(self._results)]

    def give_up(self, grace: float) -> None:
        """Break off what is under way. A part that is being sent ends with its next chunk; one whose server doesn't
        answer is left to end by itself after ``grace`` seconds, and what it then finds out doesn't matter."""
        self._given_up.set()
        self._all_ended(grace)
        self._failure = None  # its traceback leads back here: without the circle memory is let go at once

    def _all_ended(self, timeout: float) -> bool:
        with self._changed:
            return self._changed.wait_for(lambda: not self._under_way, timeout)

    def _run(self, number: int, buffer: memoryview, fill: Callable[[memoryview], int]) -> None:
        if self._given_up.is_set():
            return
        with buffer[: fill(buffer)] as data:
            part = Part(number, number * self.part_size, data, self._sent, self._kept, self._pace.chunk)
            self._results[number] = self._send(part)

    def _ended(self, buffer: memoryview, future: Future[None]) -> None:
        self.discard(buffer)
        failure = BrokenOff() if future.cancelled() else future.exception()
        with self._changed:
            if failure is not None and self._failure is None:
                self._failure = failure
                self._given_up.set()
            self._under_way -= 1
            self._changed.notify_all()

    def _check(self) -> None:
        if self._failure is not None:
            raise self._failure
        self._progress(0)

    def _sent(self, count: int) -> None:
        self._pace.wait(count, lambda: self._kept(0))
        self._kept(count)

    def _kept(self, count: int) -> None:
        if self._given_up.is_set():
            raise BrokenOff
        try:
            self._progress(count)
        except Exception as error:
            raise BrokenOff from error


def _read_and_start(
    stream: ByteStream, most_parts: int, sending: _Sending[T], observe: Callable[[memoryview], object] | None
) -> None:
    """Read from front to end, in this thread."""
    number = 0
    while True:
        buffer = sending.buffer()
        try:
            count = stream.readinto(buffer)
            if count and number == most_parts:
                raise _outgrown(most_parts, sending.part_size)
            if count and observe is not None:
                observe(buffer[:count])
        except BaseException:
            sending.discard(buffer)
            raise
        if count == 0:
            sending.discard(buffer)
            return
        sending.start(number, buffer, partial(_already_filled, count))
        if count < sending.part_size:
            return
        number += 1


def _already_filled(count: int, _buffer: memoryview) -> int:
    return count


def _start_reading_anywhere(stream: RandomAccess, size: int, most_parts: int, sending: _Sending[T]) -> None:
    """Have each part read by the thread that sends it."""
    if size > most_parts * sending.part_size:
        raise _outgrown(most_parts, sending.part_size)
    for number, start in enumerate(range(0, size, sending.part_size)):
        length = min(sending.part_size, size - start)
        sending.start(number, sending.buffer(), partial(_read_at, stream, start, length))


def _read_at(stream: RandomAccess, start: int, length: int, buffer: memoryview) -> int:
    count = stream.read_at(buffer[:length], start)
    if count < length:
        raise SourceShrank(f"there are only {start + count} bytes of {start + length}")
    return count


def _fill(buffer: memoryview, stream: ByteStream) -> int:
    """Read what a stream has, as far as there is room."""
    if isinstance(stream, RandomAccess) and stream.size is not None:
        return _read_at(stream, 0, min(stream.size, len(buffer)), buffer)
    return stream.readinto(buffer)


def _outgrown(most_parts: int, part_size: int) -> UploadOutgrown:
    return UploadOutgrown(f"longer than {most_parts} parts of {part_size} bytes")
