"""What ends a whole run before everything was tried, whichever destination found out."""

from __future__ import annotations

import threading

from glacier_backup.errors import GlacierBackupError, Interrupted
from glacier_backup.interrupt import StopRequest, interrupted


class Ending:
    """The first error that ends all lanes of a run. Safe to use from several threads."""

    def __init__(self, stop: StopRequest) -> None:
        self._stop = stop
        self._lock = threading.Lock()
        self._abandoned = False
        self.error: GlacierBackupError | None = None

    @property
    def is_interrupted(self) -> bool:
        """Whether it was a stop."""
        return isinstance(self.error, Interrupted)

    def note(self, error: GlacierBackupError) -> GlacierBackupError:
        """``error`` ends the run: nothing more is begun. Returns it."""
        with self._lock:
            self.error = self.error or error
        return error

    def abandon(self) -> None:
        """Nobody waits for the lanes any more: whatever waits for another one is to give up, too."""
        self.note(interrupted())
        self._abandoned = True

    def check(self) -> None:
        """Raise Interrupted where waiting makes no sense any more."""
        self._stop.check()
        if self._abandoned:
            raise interrupted()
