"""A limit on the bytes per second of a whole destination, however many parts are on their way."""

from __future__ import annotations

import threading
import time

from glacier_backup.destination.destination import Check
from glacier_backup.units import KIB, MIB

LEAST_CHUNK = 16 * KIB
MOST_CHUNK = MIB
"""Bytes handed over at once: large enough to cost nothing, small enough to flow evenly and to break off soon."""

CHUNKS_PER_SECOND = 10

SLACK = 0.05
"""Seconds of which the bytes may be made up for, when whoever had its turn came late."""

GLANCE = 0.1
"""Seconds between two looks whether waiting still makes sense."""


class Pace:
    """Lets bytes go at ``rate`` bytes per second, or at once for None. Safe to use from several threads.

    Each chunk reserves the next stretch of one time line and goes when that is over, so that what was late by a
    little doesn't add up. Measured on the monotonic clock, so that setting the clock changes nothing.
    """

    def __init__(self, rate: int | None) -> None:
        self.chunk = MOST_CHUNK if rate is None else min(MOST_CHUNK, max(LEAST_CHUNK, rate // CHUNKS_PER_SECOND))
        """Bytes to be handed over at once."""
        self._rate = rate
        self._reserved_until = 0.0
        self._lock = threading.Lock()

    def wait(self, count: int, check: Check) -> None:
        """Wait until ``count`` more bytes may go. ``check`` is asked meanwhile, and what it raises ends the waiting."""
        if self._rate is None or count <= 0:
            return
        with self._lock:
            begin = max(self._reserved_until, time.monotonic() - SLACK)
            until = self._reserved_until = begin + count / self._rate
        while (left := until - time.monotonic()) > 0:
            check()
            time.sleep(min(left, GLANCE))
