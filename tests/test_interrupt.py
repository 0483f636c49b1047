"""Signals as requests to stop."""

from __future__ import annotations

import sys
import threading
from contextlib import suppress
from types import FrameType
from typing import Any

import pytest

from glacier_backup.errors import Interrupted
from glacier_backup.interrupt import StopRequest


def test_a_first_signal_only_takes_note() -> None:
    stop = StopRequest()

    stop.signalled()

    assert stop.is_set
    with pytest.raises(Interrupted):
        stop.check()


def test_a_second_signal_stops_at_once() -> None:
    stop = StopRequest()
    stop.signalled()

    with pytest.raises(KeyboardInterrupt):
        stop.signalled()


def test_where_nothing_can_be_lost_the_first_signal_stops_at_once() -> None:
    stop = StopRequest()

    with pytest.raises(Interrupted), stop.at_once():
        stop.signalled()


def test_a_second_signal_at_any_moment_of_the_first_never_waits() -> None:
    """SIGTERM and SIGHUP come together when a session ends: the second handler runs in the middle of the first."""
    moments = 0

    def interrupting(frame: FrameType, event: str, argument: Any) -> Any:
        nonlocal moments
        moments += 1
        sys.settrace(None)
        with suppress(KeyboardInterrupt):
            stop.signalled()
        sys.settrace(interrupting)
        return interrupting

    def signals() -> None:
        sys.settrace(interrupting)
        with suppress(KeyboardInterrupt):
            stop.signalled()
        sys.settrace(None)

    stop = StopRequest()
    thread = threading.Thread(target=signals, daemon=True)
    thread.start()
    thread.join(20)

    assert not thread.is_alive()
    assert moments > 2
