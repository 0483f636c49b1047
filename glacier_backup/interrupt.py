"""SIGINT and SIGTERM as a request to stop, obeyed where stopping loses nothing.

The handlers only take note; the work asks at its own safe points. What is stored but not yet recorded is therefore
always recorded first. A second SIGINT stops at once.
"""

from __future__ import annotations

import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType

from glacier_backup.errors import Interrupted


class StopRequest:
    """Whether somebody asked the run to stop. Safe to use from several threads."""

    def __init__(self) -> None:
        self._event = threading.Event()

    def set(self) -> None:
        self._event.set()

    @property
    def is_set(self) -> bool:
        return self._event.is_set()

    def check(self) -> None:
        """Raise Interrupted when a stop was asked for."""
        if self._event.is_set():
            raise Interrupted("interrupted; everything that was sent is recorded", hint="run again to send the rest")


@contextmanager
def listening(stop: StopRequest) -> Iterator[StopRequest]:
    """Let SIGINT and SIGTERM set ``stop`` while the block runs. Only for the main thread of a program."""

    def take_note(number: int, frame: FrameType | None) -> None:
        if stop.is_set and number == signal.SIGINT:
            raise KeyboardInterrupt
        stop.set()

    before = {number: signal.signal(number, take_note) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield stop
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
