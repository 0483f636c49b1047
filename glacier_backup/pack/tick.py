"""How fine the times of this machine's files are."""

from __future__ import annotations

import time

TICK = 0.02
"""Seconds within which two changes may bear the same time: Linux before 6.13 takes it from a clock that moves with
the timer interrupt, 100 times a second at least."""
TICK_NS = int(TICK * 10**9)
"""The same in ns."""


def settled(newest: int) -> int:
    """Wait, for a tick at most, until changes have later times than ``newest``, in ns since 1970, where that is a
    moment ago. Returns the time after which a change may have happened from now on."""
    since = time.time_ns() - TICK_NS
    if 0 <= newest - since <= TICK_NS:
        time.sleep((newest - since) / 10**9 + 0.001)
        since = time.time_ns() - TICK_NS
    return since
