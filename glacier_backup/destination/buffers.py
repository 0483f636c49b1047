"""Memory for the parts on their way: a fixed number of buffers that all archives of a destination share.

Whoever has to wait gets the next buffer in the order of asking, so that no archive starves beside a quicker one.
"""

from __future__ import annotations

import mmap
import threading
from collections import deque
from collections.abc import Iterator
from contextlib import contextmanager

from glacier_backup.destination.destination import Check
from glacier_backup.destination.pace import GLANCE
from glacier_backup.errors import DestinationError
from glacier_backup.units import format_size


class Buffers:
    """At most ``most`` buffers, lent and idle ones together. Safe to use from several threads."""

    def __init__(self, most: int) -> None:
        self._left = most
        self._queue: deque[threading.Event] = deque()
        self._idle: list[memoryview] = []
        self._users = 0
        self._lock = threading.Lock()

    @contextmanager
    def in_use(self) -> Iterator[None]:
        """A block in which buffers are borrowed; when the last one ends, the memory of idle buffers is let go."""
        with self._lock:
            self._users += 1
        try:
            yield
        finally:
            with self._lock:
                self._users -= 1
                if not self._users:
                    self._idle.clear()

    def borrow(self, size: int, check: Check) -> memoryview:
        """A buffer of ``size`` bytes, which may hold anything. While there is none, waits and asks ``check``.

        Raises what ``check`` raises, and DestinationError where the system has no memory.
        """
        self._wait_for_turn(check)
        try:
            return self._fitting(size)
        except OSError as error:
            self._pass_on()
            raise DestinationError(
                f"no memory for a part of {format_size(size)}: {error.strerror}",
                hint="a smaller part_size or concurrency takes less",
            ) from error

    def give_back(self, buffer: memoryview) -> None:
        """What was borrowed is free for the next."""
        with self._lock:
            if self._users:
                self._idle.append(buffer)
        self._pass_on()

    def _wait_for_turn(self, check: Check) -> None:
        turn = threading.Event()
        with self._lock:
            if self._left:
                self._left -= 1
                return
            self._queue.append(turn)
        try:
            while not turn.wait(GLANCE):
                check()
        except BaseException:
            self._leave_queue(turn)
            raise

    def _leave_queue(self, turn: threading.Event) -> None:
        with self._lock:
            if not turn.is_set():
                self._queue.remove(turn)
                return
        self._pass_on()

    def _pass_on(self) -> None:
        with self._lock:
            if self._queue:
                self._queue.popleft().set()
            else:
                self._left += 1

    def _fitting(self, size: int) -> memoryview:
        with self._lock:
            # Those of another size belong to an archive with larger or smaller parts: it makes new ones if it goes on.
            self._idle = [buffer for buffer in self._idle if len(buffer) == size]
            if self._idle:
                return self._idle.pop()
        # Anonymous memory is only taken as it is written to: a one-byte archive costs one page.
        return memoryview(mmap.mmap(-1, size))
