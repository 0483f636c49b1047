"""A stream cut into parts of one size, several under way at a time, in bounded memory.

The caller's thread reads; a pool of threads digests and sends. At most ``workers`` parts are under way and one is
being read, so memory is (``workers`` + 1) * ``part_size``, less for a stream that is shorter.
"""

from __future__ import annotations

import mmap
import threading
from collections.abc import Callable
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from typing import Generic, NamedTuple, TypeVar

from glacier_backup.destination.destination import ByteStream, Progress
from glacier_backup.errors import UploadOutgrown
from glacier_backup.units import MIB

T = TypeVar("T")

CHUNK = MIB
"""Bytes handed to the socket at once: large enough to cost nothing, small enough to break off soon."""


GRACE = 5.0
"""Seconds that parts under way are given to end when an upload is given up."""


class BrokenOff(BaseException):
    """Sending was broken off on purpose. Not an Exception, so that no foreign retry loop swallows it.

    The cause, where there is one, is what ``progress`` raised.
    """


class Part(NamedTuple):
    """One piece of the stream."""

    number: int
    """From 0."""
    start: int
    """Offset in the stream, in bytes."""
    data: memoryview
    sent: Progress
    """To be told of each chunk on its way; raises BrokenOff when the whole upload is given up."""


class PartBody:
    """A part as the body of a request: seekable, never copied, counted as it goes out.

    :meth:`read` hands out a chunk of its own choosing, for callers ask for a few KiB at a time where 1 MiB costs
    less. Carries the part's linear SHA-256 so that the signer need not read it again.
    """

    def __init__(self, part: Part, sha256: str) -> None:
        self.sha256 = sha256
        self._data = part.data
        self._sent = part.sent
        self._at = 0

    def __len__(self) -> int:
        return len(self._data)

    def read(self, _size: int = -1) -> memoryview:
        chunk = self._data[self._at : self._at + CHUNK]
        self._at += len(chunk)
        if len(chunk):
            self._sent(len(chunk))
        return chunk

    def tell(self) -> int:
        return self._at

    def seek(self, offset: int, whence: int = 0) -> int:
        base = (0, self._at, len(self._data))[whence]
        if base + offset != self._at:
            self._sent(base + offset - self._at)
        self._at = base + offset
        return self._at


class _Sending(Generic[T]):
    """The parts of one upload under way."""

    def __init__(self, pool: ThreadPoolExecutor, send: Callable[[Part], T], progress: Progress) -> None:
        self.results: dict[int, T] = {}
        self._pool = pool
        self._send = send
        self._progress = progress
        self._given_up = threading.Event()
        self._under_way: dict[Future[T], tuple[int, memoryview]] = {}

    def start(self, number: int, start: int, buffer: memoryview, count: int) -> None:
        part = Part(number, start, buffer[:count], self._sent)
        self._under_way[self._pool.submit(self._send, part)] = (number, buffer)

    def __len__(self) -> int:
        return len(self._under_way)

    def one_done(self) -> memoryview:
        """Wait until some part is done and give its buffer back; raises what that part raised."""
        done, _ = wait(self._under_way, return_when=FIRST_COMPLETED)
        future = done.pop()
        number, buffer = self._under_way.pop(future)
        self.results[number] = future.result()
        return buffer

    def give_up(self, grace: float) -> None:
        """Break off what is under way. A part that is being sent ends with its next chunk; one whose server doesn't
        answer is left to end by itself after ``grace`` seconds, and what it then finds out doesn't matter."""
        self._given_up.set()
        wait(self._under_way, timeout=grace)

    def _sent(self, count: int) -> None:
        if self._given_up.is_set():
            raise BrokenOff
        try:
            self._progress(count)
        except Exception as error:
            raise BrokenOff from error


def send_parts(
    stream: ByteStream,
    part_size: int,
    most_parts: int,
    send: Callable[[Part], T],
    *,
    pool: ThreadPoolExecutor,
    workers: int,
    progress: Progress,
    observe: Callable[[memoryview], object] | None = None,
) -> list[T]:
    """Send all of ``stream``; what ``send`` returned for each part, in order.

    ``send`` runs in ``pool``, parts in any order; ``observe`` sees each part's bytes in stream order, in the
    caller's thread. No part is empty; a stream of no bytes has no parts. Raises UploadOutgrown, and whatever the
    stream, ``send``, ``observe`` or ``progress`` raised first, after breaking off every other part.
    """
    sending = _Sending(pool, send, progress)
    try:
        _read_and_start(stream, part_size, most_parts, sending, workers, observe)
        while len(sending):
            sending.one_done()
    except BaseException as error:
        sending.give_up(0 if isinstance(error, KeyboardInterrupt) else GRACE)
        if isinstance(error, BrokenOff) and error.__cause__ is not None:
            raise error.__cause__ from None
        raise
    return [sending.results[number] for number in sorted(sending.results)]


def _read_and_start(
    stream: ByteStream,
    part_size: int,
    most_parts: int,
    sending: _Sending[T],
    workers: int,
    observe: Callable[[memoryview], object] | None,
) -> None:
    number = 0
    free: list[memoryview] = []
    while True:
        if not free:
            # Anonymous memory is only taken as it is written to: a one-byte archive costs one page.
            free.append(memoryview(mmap.mmap(-1, part_size)))
        buffer = free.pop()
        count = stream.readinto(buffer)
        if count == 0:
            return
        if number == most_parts:
            raise UploadOutgrown(f"longer than {most_parts} parts of {part_size} bytes")
        if observe is not None:
            observe(buffer[:count])
        if len(sending) == workers:
            free.append(sending.one_done())
        sending.start(number, number * part_size, buffer, count)
        if count < part_size:
            return
        number += 1
