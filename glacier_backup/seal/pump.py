"""A function that reads a stream and writes another, made into a stream that is read: it works in a thread of its own,
a few MiB ahead."""

from __future__ import annotations

import io
import threading
from collections import deque
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Protocol

from glacier_backup.seal.sealer import ByteStream
from glacier_backup.units import MIB

if TYPE_CHECKING:
    from _typeshed import WriteableBuffer

AHEAD = 2
"""Blocks of a MiB that are ready, or nearly, before anybody asks for them."""


class Sink(Protocol):
    """Where a pushing function writes."""

    def write(self, data: bytes, /) -> int: ...

    def flush(self) -> None: ...


Push = Callable[[io.BufferedIOBase, Sink], None]
"""Reads the one to its end and writes the other; it may turn what these raise into errors of its own."""


@contextmanager
def pumped(push: Push, stream: ByteStream) -> Iterator[Pumped]:
    """What ``push`` writes, of what it reads from ``stream``.

    What reading ``stream`` raises comes out as it was, whatever ``push`` makes of it; so does what ``push`` itself
    raises, in place of the end. Leaving the context ends the thread, as soon as reading ``stream`` returns.
    """
    blocks = _Blocks()
    source = _Source(stream, blocks)
    thread = threading.Thread(target=_run, args=(push, source, blocks), name="pump")
    thread.start()
    try:
        yield Pumped(blocks)
    finally:
        blocks.leave()
        thread.join()


class Pumped:
    """The blocks that were written, as one stream."""

    hmac_sha256: str | None = None
    """None: what is pushed here authenticates itself."""

    def __init__(self, blocks: _Blocks) -> None:
        self._blocks = blocks
        self._left = memoryview(b"")

    def readinto(self, buffer: memoryview) -> int:
        """See :class:`glacier_backup.seal.sealer.ByteStream`."""
        filled = 0
        while filled < len(buffer):
            if not self._left and not self._next():
                break
            count = min(len(self._left), len(buffer) - filled)
            buffer[filled : filled + count] = self._left[:count]
            self._left = self._left[count:]
            filled += count
        return filled

    def _next(self) -> bool:
        block = self._blocks.take()
        if block is not None:
            self._left = memoryview(block)
        return block is not None


def _run(push: Push, source: _Source, blocks: _Blocks) -> None:
    writer = _Writer(blocks)
    failure: BaseException | None = None
    try:
        # In C, so that 8 KiB at a time cost nothing; pyrage takes no more.
        push(io.BufferedReader(source, MIB), writer)
        writer.finish()
    except BaseException as error:  # noqa: BLE001  # it is raised again, where the stream is read
        failure = error
    blocks.end(source.failure or failure)


class _Left(Exception):
    """Nobody reads any more."""


class _Blocks:
    """From the thread that writes to the one that reads."""

    def __init__(self) -> None:
        self._ready: deque[bytes] = deque()
        self._changed = threading.Condition()
        self._ended = False
        self._failure: BaseException | None = None
        self._nobody_reads = False

    def put(self, block: bytes) -> None:
        with self._changed:
            self._changed.wait_for(lambda: len(self._ready) < AHEAD or self._nobody_reads)
            self.check()
            self._ready.append(block)
            self._changed.notify_all()

    def check(self) -> None:
        if self._nobody_reads:
            raise _Left

    def take(self) -> bytes | None:
        """The next; None at the end."""
        with self._changed:
            self._changed.wait_for(lambda: self._ready or self._ended)
            if self._ready:
                self._changed.notify_all()
                return self._ready.popleft()
            if self._failure is not None:
                raise self._failure
            return None

    def end(self, failure: BaseException | None) -> None:
        with self._changed:
            self._ended, self._failure = True, failure
            self._changed.notify_all()

    def leave(self) -> None:
        with self._changed:
            self._nobody_reads = True
            self._ready.clear()
            self._changed.notify_all()


class _Source(io.RawIOBase):
    """The stream, as a file that a pushing function reads; it remembers what reading raised."""

    def __init__(self, stream: ByteStream, blocks: _Blocks) -> None:
        self._stream = stream
        self._blocks = blocks
        self._ended = False
        self.failure: BaseException | None = None

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: WriteableBuffer, /) -> int:
        self._blocks.check()
        view = memoryview(buffer)
        try:
            count = 0 if self._ended else self._stream.readinto(view)
        except BaseException as error:
            self.failure = error
            raise
        self._ended = count < len(view)
        return count


class _Writer:
    """Gathers what is written into blocks of a MiB, each of which is worth waking a thread for."""

    def __init__(self, blocks: _Blocks) -> None:
        self._blocks = blocks
        self._pieces: list[bytes] = []
        self._size = 0

    def write(self, data: bytes, /) -> int:
        self._pieces.append(bytes(data))
        self._size += len(data)
        if self._size >= MIB:
            self.finish()
        return len(data)

    def flush(self) -> None:
        """There is no hurry."""

    def finish(self) -> None:
        if self._pieces:
            self._blocks.put(b"".join(self._pieces))
            self._pieces, self._size = [], 0
