"""What sending one candidate to one destination works with, and what all steps of it share."""

from __future__ import annotations

import threading
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass

from glacier_backup.catalog.catalog import Catalog
from glacier_backup.destination.destination import Destination, Progress
from glacier_backup.errors import Interrupted
from glacier_backup.interrupt import StopRequest
from glacier_backup.model.event import BytesSent, Listener, Warned
from glacier_backup.model.upload import Unfinished
from glacier_backup.workflow.sending.spooled import SpoolFolder
from glacier_backup.workflow.tools import Target, Tools


class Meter:
    """Counts what an upload reports, so that it can be taken back when the upload comes to nothing."""

    def __init__(self, progress: Progress) -> None:
        self._progress = progress
        self._lock = threading.Lock()
        self.count = 0

    def __call__(self, count: int) -> None:
        with self._lock:
            self.count += count
        self._progress(count)

    def take_back(self) -> None:
        # What is told of an upload that failed must not hide why it did.
        with suppress(Interrupted):
            self(-self.count)


@dataclass(frozen=True, slots=True)
class Sending:
    """One run's sending to one destination: what it works with, where it notes each step, whom it tells, and who may
    stop it."""

    tools: Tools
    target: Target
    catalog: Catalog
    place_id: int
    run_id: int | None
    """None outside a run."""
    left: dict[str, list[Unfinished]]
    """What earlier runs have left unfinished, by path; whoever takes it out goes on with it or ends it."""
    tell: Listener
    stop: StopRequest
    several: bool = False
    """Whether the run has other destinations, so that messages have to name this one."""

    @property
    def destination(self) -> Destination:
        return self.target.destination

    @property
    def check(self) -> Callable[[], object]:
        """Raises Interrupted when the run is to stop."""
        return self.stop.check

    def about(self, path: str) -> str:
        """What a message about ``path`` begins with."""
        return f"{path} (to {self.target.name})" if self.several else path

    def warn(self, path: str, message: str) -> None:
        self.tell(Warned(f"{self.about(path)}: {message}"))

    def meter(self, path: str) -> Meter:
        """Tells of bytes that go, and asks whether to stop."""

        def progress(count: int) -> None:
            if count:
                self.tell(BytesSent(path, count, self.target.name))
            self.stop.check()

        return Meter(progress)

    def spool(self, archive: int) -> SpoolFolder:
        """Where volumes of that archive lie while they are on their way, if they have to lie anywhere."""
        tools = self.tools
        return SpoolFolder(tools.spool_dir or tools.temporary_dir, self.catalog.path, str(archive))

    def spool_of_whole(self, archive: int) -> SpoolFolder:
        """Where all of it lies that is cut into volumes, if it has to."""
        tools = self.tools
        return SpoolFolder(tools.spool_dir or tools.temporary_dir, self.catalog.path, f"{archive}-whole")

    def clear_spool(self, archive: int) -> None:
        """Nothing of it is needed any more."""
        self.spool(archive).clear()
        self.spool_of_whole(archive).clear()
