"""The bytes of an archive, read back from front to end: several requests are under way, in bounded memory, and what is
handed on is right as far as the catalog can tell.
"""

from __future__ import annotations

import mmap
import threading
from collections import deque
from collections.abc import Callable, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import suppress
from typing import NamedTuple

from glacier_backup.destination.destination import Check, Destination
from glacier_backup.digest import leaf_digests
from glacier_backup.errors import NotThawed, VolumeMissing
from glacier_backup.model.restore import ByteRange
from glacier_backup.model.stored import StoredVolume
from glacier_backup.model.thaw import Thaw
from glacier_backup.units import MIB
from glacier_backup.workflow.restoring.coverage import reaching
from glacier_backup.workflow.restoring.hurt import VolumeHurt
from glacier_backup.workflow.restoring.proof import Proof

PIECE = 8 * MIB
"""Bytes of one request."""

AGAIN = 2
"""How often a piece that came wrong is fetched once more: what was spoiled on its way comes right then."""

GLANCE = 0.2
"""Seconds between two looks whether waiting still makes sense."""

Fetched = Callable[[int], object]
"""Told how many more bytes have come."""


class Fetcher:
    """Threads that ask for bytes, and the memory for those on their way: shared by all that is being read.

    Whoever reads has one piece at least, and more as long as nobody waits for a first one, so that one large archive
    gets all requests, and many small ones get one each.
    """

    def __init__(self, requests: int) -> None:
        """``requests`` are under way at the same time, and as many pieces wait to be used."""
        self._threads = ThreadPoolExecutor(requests, thread_name_prefix="fetch")
        self._left = 2 * requests
        self._waiting = 0
        self._idle: list[memoryview] = []
        self._change = threading.Condition()

    def close(self) -> None:
        """Let go of the threads, without waiting for a server."""
        self._threads.shutdown(wait=False, cancel_futures=True)
        with self._change:
            self._idle.clear()

    def begin(self, job: Callable[[], Piece]) -> Future[Piece]:
        return self._threads.submit(job)

    def room(self, check: Check, *, urgent: bool) -> memoryview | None:
        """Memory for one piece. Waits for it if ``urgent``, asking ``check``; else None where there is none left."""
        with self._change:
            if urgent:
                self._wait(check)
            elif not self._left or self._waiting:
                return None
            self._left -= 1
            return self._idle.pop() if self._idle else memoryview(mmap.mmap(-1, PIECE))

    def give_back(self, buffer: memoryview) -> None:
        with self._change:
            self._left += 1
            self._idle.append(buffer)
            self._change.notify()

    def _wait(self, check: Check) -> None:
        self._waiting += 1
        try:
            while not self._left:
                self._change.wait(GLANCE)
                check()
        finally:
            self._waiting -= 1


class Piece(NamedTuple):
    """Bytes that have come."""

    start: int
    """The first byte, of the volume."""
    buffer: memoryview
    size: int
    """How many of the buffer."""
    leaves: bytes
    """The digests of each MiB."""


class Readable(NamedTuple):
    """One volume that can be read, as far as its thaws go."""

    destination: Destination
    volume: StoredVolume
    thaws: Sequence[Thaw]


class Tail(NamedTuple):
    """The last bytes of a range that was read: the next range may begin in the same MiB, which isn't fetched again."""

    start: int
    """On the grid of 1 MiB."""
    data: bytes


class VerifiedBytes:
    """A range of one volume, from front to end. For one thread; a context manager, which lets go of its memory.

    Raises VolumeHurt for bytes that aren't what was sent, or aren't there, NotThawed where they can't be read any more,
    and what the destination raises.
    """

    def __init__(
        self,
        readable: Readable,
        wanted: ByteRange,
        proof: Proof,
        fetcher: Fetcher,
        check: Check,
        fetched: Fetched = lambda count: None,
        before: Tail | None = None,
        *,
        one_of_many: bool = False,
    ) -> None:
        """``check`` is asked while waiting, from any thread, and what it raises is raised here. ``before`` is the
        :attr:`tail` of the range before this one, which is there where it is ``one_of_many``."""
        self._readable = readable
        self._proof = proof
        self._fetcher = fetcher
        self._check = check
        self._fetched = fetched
        size = readable.volume.size
        self._end = size if wanted.end is None else wanted.end if size is None else min(wanted.end, size)
        self._at = wanted.start // MIB * MIB
        """Where the next request begins."""
        self._skip = wanted.start - self._at
        self._handed_on = wanted.start
        self._under_way: deque[tuple[Future[Piece], memoryview]] = deque()
        self._current: memoryview | None = None
        self._rest = memoryview(b"")
        self._closed = False
        self._at_end = False
        self._keeps_tail = one_of_many
        self.tail = before
        if before is not None and before.start == self._at:
            self._at += len(before.data)
            self._rest = self._cut(memoryview(before.data))

    def __enter__(self) -> VerifiedBytes:
        return self

    def __exit__(self, *_: object) -> None:
        self._closed = True
        self._let_go()
        for future, buffer in self._under_way:
            # The memory is free only when nobody writes to it any more.
            future.cancel()
            future.add_done_callback(lambda _, buffer=buffer: self._fetcher.give_back(buffer))  # type: ignore[misc]  # mypy knows no default there
        self._under_way.clear()

    def readinto(self, buffer: memoryview) -> int:
        """As :class:`~glacier_backup.pack.unpacker.ArchiveBytes`."""
        filled = 0
        while filled < len(buffer) and (self._rest or self._advance()):
            count = min(len(self._rest), len(buffer) - filled)
            buffer[filled : filled + count] = self._rest[:count]
            self._rest = self._rest[count:]
            filled += count
        return filled

    def _advance(self) -> bool:
        """On to the next piece, which has bytes to be handed on; False at the end."""
        while True:
            self._let_go()
            self._ask()
            if not self._under_way:
                return False
            piece = self._next()
            data = piece.buffer[: piece.size]
            self._proof.take(data, piece.leaves)
            self._fetched(piece.size)
            self._keep(piece.start, data)
            self._rest = self._cut(data)
            if self._rest:
                return True

    def _cut(self, data: memoryview) -> memoryview:
        """What of a piece was asked for: the requests are on the grid of 1 MiB."""
        first, self._skip = min(self._skip, len(data)), max(0, self._skip - len(data))
        last = len(data) if self._end is None else min(len(data), first + self._end - self._handed_on)
        self._handed_on += max(0, last - first)
        return data[first : max(first, last)]

    def _keep(self, start: int, data: memoryview) -> None:
        if self._keeps_tail and data:
            last = (len(data) - 1) // MIB * MIB
            self.tail = Tail(start + last, bytes(data[last:]))

    def _next(self) -> Piece:
        future, buffer = self._under_way[0]
        while not future.done():
            with suppress(TimeoutError):
                future.exception(GLANCE)
            self._check()
        self._under_way.popleft()
        self._current = buffer
        piece = future.result()
        self._at_end = piece.size < len(piece.buffer)
        return piece

    def _ask(self) -> None:
        """As many requests as there is room for; one at least, unless the end is asked for already."""
        while not self._all_asked():
            buffer = self._fetcher.room(self._check, urgent=not self._under_way)
            if buffer is None:
                return
            try:
                self._under_way.append((self._request(buffer), buffer))
            except BaseException:
                self._fetcher.give_back(buffer)
                raise

    def _all_asked(self) -> bool:
        if self._end is None:
            # Its end isn't known before it comes.
            return self._at_end or bool(self._under_way)
        return self._at >= self._end

    def _request(self, buffer: memoryview) -> Future[Piece]:
        start, thaw = self._at, reaching(self._readable.thaws, self._at)
        if thaw is None:
            raise NotThawed(f"{self._readable.volume.locator}: not all of it was thawed", hint="run again")
        ends = [start + PIECE, *(end for end in (thaw.end, self._readable.volume.size) if end is not None)]
        if self._end is not None:
            ends.append(-(-self._end // MIB) * MIB)
        self._at = min(ends)
        wanted = buffer[: self._at - start]
        return self._fetcher.begin(lambda: self._fetch(thaw, start, wanted))

    def _fetch(self, thaw: Thaw, start: int, buffer: memoryview) -> Piece:
        """One piece, in a thread of the fetcher's. ``buffer`` has the length of what is to come."""
        for _ in range(1 + AGAIN):
            count = self._come(thaw, start, buffer)
            leaves = leaf_digests(buffer[:count])
            wrong = self._proof.wrong(start, leaves)
            cut = self._end is not None and start + count < min(self._end, start + len(buffer))
            if wrong is None and not cut:
                return Piece(start, buffer, count, leaves)
        volume = self._readable.volume
        if wrong is None:
            what = f"it ends at byte {start + count:,}, and {volume.size or self._end:,} were sent"
        else:
            what = f"the MiB from byte {wrong:,} on has another SHA-256 than was recorded, {1 + AGAIN} times in a row"
        raise VolumeHurt(f"{volume.locator} isn't what was sent: {what}", [volume.number])

    def _come(self, thaw: Thaw, start: int, buffer: memoryview) -> int:
        try:
            return self._readable.destination.fetch(thaw, start, buffer, self._still_wanted)
        except VolumeMissing as error:
            raise VolumeHurt(str(error), [self._readable.volume.number], missing=True, hint=error.hint) from error

    def _still_wanted(self) -> None:
        self._check()
        if self._closed:
            raise NotThawed("nobody waits for it any more")

    def _let_go(self) -> None:
        self._rest = memoryview(b"")
        if self._current is not None:
            self._fetcher.give_back(self._current)
            self._current = None
