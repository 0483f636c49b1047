"""SIGINT, SIGTERM and SIGHUP as a request to stop, obeyed where stopping loses nothing.

Most of the time the handlers only take note, and the work asks at its own safe points. While nothing can be lost
(candidates are looked at, a server is asked who it is) a signal stops at once; so does a second one, whatever is being
done: what the catalog knows of an upload by then is enough for the next run to go on.
"""

from __future__ import annotations

import signal
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType

from glacier_backup.errors import Interrupted

SENT = "what was sent is recorded"


class StopRequest:
    """Whether somebody asked the run to stop. Safe to use from several threads."""

    def __init__(self, done: str = SENT) -> None:
        """``done``: what is said of what was done until then."""
        self._done = done
        # No threading.Event: a second signal in the middle of the first one's set() would wait for its lock for ever.
        self._asked = False
        self._at_once = False

    def set(self) -> None:
        self._asked = True

    @property
    def is_set(self) -> bool:
        """Whether a stop was asked for."""
        return self._asked

    def check(self) -> None:
        """Raise Interrupted when a stop was asked for."""
        if self.is_set:
            raise interrupted(self._done)

    def signalled(self) -> None:
        """What a signal handler is to do: take note, and raise KeyboardInterrupt where that stops at once."""
        again = self._asked
        self._asked = True
        if self._at_once or again:
            # No Exception: botocore would take it for a network error and try again.
            raise KeyboardInterrupt

    @contextmanager
    def at_once(self) -> Iterator[None]:
        """A block in which nothing can be lost: a signal ends it with Interrupted, wherever it is."""
        self.check()
        self._at_once = True
        try:
            yield
        except KeyboardInterrupt:
            raise interrupted(self._done) from None
        finally:
            self._at_once = False


def interrupted(done: str = SENT) -> Interrupted:
    """The error that says so."""
    return Interrupted(f"interrupted; {done}", hint="the next run goes on with the rest")


@contextmanager
def listening(stop: StopRequest) -> Iterator[StopRequest]:
    """Let SIGINT, SIGTERM and SIGHUP ask for a ``stop`` while the block runs. Only for a program's main thread."""

    def take_note(number: int, frame: FrameType | None) -> None:
        stop.signalled()

    before = {number: signal.signal(number, take_note) for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)}
    try:
        yield stop
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
