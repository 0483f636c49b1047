"""A stream that is made in a thread of its own, some blocks before they are wanted; a small one without."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager

from glacier_backup.seal.room import room
from glacier_backup.seal.sealer import ByteStream
from glacier_backup.units import KIB, MIB

BLOCK = MIB
"""Bytes that are read at a time."""

ROOM = BLOCK + 4096
"""Bytes that there is room for in what a maker gets: what some ciphers and frames add fits in too."""

DEPTH = 4
"""Blocks that are ready, or being made; all that is held of a stream."""

SMALL = 64 * KIB
"""Bytes of a block, and fewer, that are no reason to begin a thread: what follows them may be the end."""

ALONE = 4
"""Blocks at most that are made by whoever reads, when he wants them: of small streams all, and of a tree's hundred
thousand files it is threads that would cost most."""

Make = Callable[[memoryview], int]
"""Puts the next bytes into a buffer of :data:`ROOM` bytes and returns how many; 0 means the end."""

See = Callable[[memoryview], object]
"""Gets to see every block, in order, before it is handed on."""


class Ahead:
    """What a maker makes. What it raises comes in place of the bytes that it didn't make, however often they are asked
    for."""

    hmac_sha256: str | None = None

    def __init__(self, make: Make, see: See | None) -> None:
        self._make = make
        self._see = see
        self._pools: tuple[ThreadPoolExecutor, ThreadPoolExecutor] | None = None
        """Who makes and who sees, once threads are worth it."""
        self._alone = ALONE
        self._over = False
        self._closed = False
        self._ring = room(DEPTH * ROOM)
        self._waiting: deque[tuple[memoryview, Future[int]]] = deque()
        self._current = self._rest = self._ring[:0]

    def readinto(self, buffer: memoryview) -> int:
        """As a ByteStream has it; one thread at a time."""
        filled = 0
        while filled < len(buffer) and (self._rest or self._turned()):
            count = min(len(self._rest), len(buffer) - filled)
            buffer[filled : filled + count] = self._rest[:count]
            self._rest = self._rest[count:]
            filled += count
        return filled

    def close(self) -> None:
        """End the threads, as soon as what they are at is done."""
        self._over = self._closed = True
        for pool in self._pools or ():
            pool.shutdown(cancel_futures=True)
        # What a maker keeps, such as threads of its own, goes with it; errors hold it too, by where they were raised.
        self._make = _nothing
        self._waiting.clear()

    def _turned(self) -> bool:
        """Whether there is another block, which is the current one now."""
        if self._closed:
            raise ValueError("a stream is read that was closed")
        if not self._waiting:
            self._waiting.append(self._made_here())
        block, made = self._waiting[0]
        count = made.result()
        if not count:
            return False
        self._waiting.popleft()
        if self._pools is not None:
            self._begin(self._pools, self._current)
        elif count > SMALL or not self._alone:
            self._begin_threads()
        self._current, self._rest = block, block[:count]
        return True

    def _made_here(self) -> tuple[memoryview, Future[int]]:
        """The next block, made and seen by this thread."""
        self._alone -= 1
        block, made = self._ring[:ROOM], Future[int]()
        try:
            count = self._fill(block)
            if self._see is not None:
                self._see(block[:count])
            made.set_result(count)
        except BaseException as error:  # noqa: BLE001  # it is raised again, whenever the block is asked for
            made.set_exception(error)
        return block, made

    def _begin_threads(self) -> None:
        """With all blocks but the first, which is to be read yet."""
        self._pools = ThreadPoolExecutor(1), ThreadPoolExecutor(1)
        for start in range(ROOM, DEPTH * ROOM, ROOM):
            self._begin(self._pools, self._ring[start : start + ROOM])

    def _begin(self, pools: tuple[ThreadPoolExecutor, ThreadPoolExecutor], block: memoryview) -> None:
        maker, seer = pools
        made = maker.submit(self._fill, block)
        if self._see is not None:
            made = seer.submit(self._seen, self._see, block, made)
        self._waiting.append((block, made))

    def _fill(self, block: memoryview) -> int:
        if self._over:
            return 0
        self._over = True  # and it stays so when making fails
        count = self._make(block)
        self._over = not count
        return count

    def _seen(self, see: See, block: memoryview, made: Future[int]) -> int:
        count = made.result()
        see(block[:count])
        return count


def _nothing(buffer: memoryview) -> int:
    return 0


@contextmanager
def ahead(make: Make, see: See | None = None) -> Iterator[Ahead]:
    """What ``make`` makes, and ``see``, in a thread of its own too, has seen. Leaving the context ends the threads, as
    soon as what they are at is done."""
    stream = Ahead(make, see)
    try:
        yield stream
    finally:
        stream.close()


def blocks_of(stream: ByteStream) -> Make:
    """``stream`` as it is, a block at a time; it isn't read again behind its end."""
    over = False

    def read(buffer: memoryview) -> int:
        nonlocal over
        if over:
            return 0
        wanted = buffer[:BLOCK]
        count = stream.readinto(wanted)
        over = count < len(wanted)
        return count

    return read


def pieces_of(pieces: Iterator[bytes]) -> Make:
    """Each piece by itself; none may be larger than :data:`ROOM`, and empty ones are left out."""

    def make(buffer: memoryview) -> int:
        piece = next((one for one in pieces if one), b"")
        buffer[: len(piece)] = piece
        return len(piece)

    return make
