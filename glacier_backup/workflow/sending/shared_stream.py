"""One packed stream, read once and handed to several destinations, in bounded memory.

Whoever wants bytes that nobody has read yet reads the next block for all. A block stays until each has had it, and
none is read while :data:`WINDOW` bytes wait for the slowest: so all keep pace with that one. But only while it moves.
One that holds the others up and has made no progress for some time is left behind: it gets :class:`LeftBehind`, and
may read everything by itself.

Nobody waits for ever. A reader waits for one of two things: for the block that another one is reading, which ends when
the source gives it; or for room, which the slowest makes. That one has bytes to take, so it isn't waiting here: it is
with its destination, and comes back for them, or leaves, or stands still until it is left behind. What it holds there
(a buffer for a part) no other destination needs. Within one destination a reader that waits here holds one buffer; as
long as there are more of them than readers, some always go round among parts on their way. Should there be fewer, and
readers of two destinations hold what the others need, those who wait for a buffer stand still, and are left behind.
"""

from __future__ import annotations

import threading
import time
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from contextlib import AbstractContextManager, ExitStack, contextmanager
from copy import copy

from glacier_backup.errors import SourceError
from glacier_backup.model.archive import Member
from glacier_backup.pack.packer import PackedStream, PackOutcome
from glacier_backup.units import MIB

BLOCK = MIB
"""Bytes read at a time."""

WINDOW = 16 * MIB
"""Bytes of one stream in memory, at most."""

GLANCE = 0.2
"""Seconds between two looks whether waiting still makes sense."""


class LeftBehind(SourceError):
    """The others could not wait for this one any longer. What it has sent stays, for it to go on with by itself."""


class Mover:
    """Who reads, or is going to, and when it last came forward."""

    def __init__(self) -> None:
        self._moved = time.monotonic()
        self._resting = 0
        self._bytes = 0
        self._most = 0

    def came_forward(self, count: int) -> None:
        """So many bytes are on their way to its destination. Those that are taken back and go again are no progress."""
        self._bytes += count
        if self._bytes > self._most:
            self._most = self._bytes
            self._moved = time.monotonic()

    @contextmanager
    def resting(self) -> Iterator[None]:
        """A block in which it waits for the source or for others: it isn't its own fault that it stands still."""
        self._resting += 1
        try:
            yield
        finally:
            self._moved = time.monotonic()
            self._resting -= 1

    @property
    def stood_still(self) -> float:
        """Seconds since it last came forward; 0 while it rests."""
        return 0.0 if self._resting else time.monotonic() - self._moved


class SharedStream:
    """A stream that several read. It is opened by the first that reads, and closed by the last that leaves."""

    def __init__(
        self,
        opening: AbstractContextManager[PackedStream],
        readers: Iterable[Mover],
        changed: threading.Condition,
        patience: float,
        check: Callable[[], object],
    ) -> None:
        """``changed`` is what all waiting is done with; ``patience`` is in seconds; ``check`` raises when waiting
        makes no sense any more."""
        self._opening = opening
        self._open = ExitStack()
        self._stream: PackedStream | None = None
        self._changed = changed
        self._patience = patience
        self._check = check
        self._offsets = dict.fromkeys(readers, 0)
        self._blocks: deque[bytearray] = deque()
        """Those that not all have had; all but the last of the stream are full."""
        self._first = 0
        """The number of the first of them."""
        self._end = 0
        """Bytes read so far."""
        self._spare: list[bytearray] = []
        self._reading = False
        self._ended = False
        self._failure: BaseException | None = None

    @contextmanager
    def read_by(self, reader: Mover) -> Iterator[PackedStream]:
        """The stream, as ``reader`` reads it, which leaves it with the block."""
        try:
            yield _Reading(self, reader)
        finally:
            self._leave(reader)

    def readinto(self, reader: Mover, buffer: memoryview) -> int:
        """As a PackedStream has it. Raises what the source did, whoever read, LeftBehind, and what ``check`` does."""
        filled = 0
        while filled < len(buffer) and (waiting := self._waiting_for(reader)):
            count = min(len(waiting), len(buffer) - filled)
            buffer[filled : filled + count] = waiting[:count]
            filled += count
            self._taken(reader, count)
        return filled

    def opened(self) -> PackedStream:
        """The stream itself, once it was read."""
        if self._stream is None or not self._ended:
            raise ValueError("not all of it was read")
        return self._stream

    def _waiting_for(self, reader: Mover) -> memoryview:
        """Bytes that it hasn't had yet; none at the end."""
        while True:
            with self._changed:
                offset = self._offset(reader)
                while offset == self._end and self._must_wait():
                    self._wait(reader)
                    offset = self._offset(reader)
                if offset < self._end:
                    return self._unread(offset)
                if self._failure is not None:
                    # Each its own: they are raised in several threads.
                    raise copy(self._failure)
                if self._ended:
                    return memoryview(b"")
                self._reading = True
            with reader.resting():
                self._read_on()

    def _unread(self, offset: int) -> memoryview:
        number = offset // BLOCK
        filled = min(BLOCK, self._end - number * BLOCK)
        return memoryview(self._blocks[number - self._first])[offset % BLOCK : filled]

    def _must_wait(self) -> bool:
        if self._failure is not None or self._ended:
            return False
        if self._reading:
            return True
        self._leave_behind()
        return self._end - min(self._offsets.values()) >= WINDOW

    def _leave_behind(self) -> None:
        """Those that leave no room, and don't move."""
        for reader, offset in tuple(self._offsets.items()):
            if self._end - offset >= WINDOW and reader.stood_still > self._patience:
                self._forget(reader)

    def _wait(self, reader: Mover) -> None:
        self._check()
        with reader.resting():
            self._changed.wait(GLANCE)

    def _read_on(self) -> None:
        try:
            if self._stream is None:
                self._stream = self._open.enter_context(self._opening)
            block = self._spare.pop() if self._spare else bytearray(BLOCK)
            count = self._stream.readinto(memoryview(block))
        except BaseException as error:
            with self._changed:
                self._failure, self._reading = error, False
                self._changed.notify_all()
            raise
        with self._changed:
            self._blocks.append(block)
            self._end += count
            self._ended, self._reading = count < BLOCK, False
            self._changed.notify_all()

    def _offset(self, reader: Mover) -> int:
        if reader not in self._offsets:
            raise LeftBehind("too slow to be sent along with the others")
        return self._offsets[reader]

    def _taken(self, reader: Mover, count: int) -> None:
        with self._changed:
            # If it was left behind meanwhile, what it has copied may have been another block already.
            self._offsets[reader] = self._offset(reader) + count
            self._let_go()

    def _let_go(self) -> None:
        """Of the blocks that all have had."""
        needed = min(self._offsets.values(), default=self._end) // BLOCK
        if needed > self._first:
            while self._first < needed and self._blocks:
                self._spare.append(self._blocks.popleft())
                self._first += 1
            self._changed.notify_all()

    def _forget(self, reader: Mover) -> None:
        self._offsets.pop(reader, None)
        self._let_go()
        self._changed.notify_all()

    def _leave(self, reader: Mover) -> None:
        with self._changed:
            was_there = reader in self._offsets
            self._forget(reader)
            last = was_there and not self._offsets
        if last:
            # The traceback of a failure leads to buffers.
            self._failure = None
            self._open.close()


class _Reading:
    """A shared stream as one of its readers sees it."""

    def __init__(self, shared: SharedStream, reader: Mover) -> None:
        self._shared = shared
        self._reader = reader

    def readinto(self, buffer: memoryview) -> int:
        return self._shared.readinto(self._reader, buffer)

    def outcome(self) -> PackOutcome:
        return self._shared.opened().outcome()

    def members(self) -> Iterator[Member]:
        """One destination after the other: the catalog, which reads them, lets nobody else in meanwhile."""
        return self._shared.opened().members()
