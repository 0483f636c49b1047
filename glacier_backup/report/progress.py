"""Bars on a terminal: the batch, and each archive under way to a destination."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from glacier_backup.display import shown
from glacier_backup.model.event import (
    ArchiveFailed,
    ArchiveSent,
    ArchiveSkipped,
    ArchiveStarted,
    BytesSent,
    Event,
    Listener,
    RunStarted,
    Waiting,
)
from glacier_backup.units import format_files

if TYPE_CHECKING:
    from rich.console import Console
    from rich.progress import Progress, TaskID


REST = 60.0
"""Seconds between two lines about why nothing moves."""


@contextmanager
def progress_bars(console: Console) -> Iterator[Listener]:
    """A listener that draws on ``console`` while the block runs, and leaves nothing behind."""
    from rich.progress import (
        BarColumn,
        DownloadColumn,
        Progress,
        TextColumn,
        TimeRemainingColumn,
        TransferSpeedColumn,
    )

    columns = (
        TextColumn("{task.description}", markup=False),
        BarColumn(),
        DownloadColumn(binary_units=True),
        TransferSpeedColumn(),
        TimeRemainingColumn(),
    )
    with Progress(*columns, console=console, transient=True) as progress:
        yield Bars(progress)


class Bars:
    """Keeps one bar for all and one per archive under way, to each destination. ``clock`` tells seconds."""

    def __init__(self, progress: Progress, clock: Callable[[], float] = time.monotonic) -> None:
        self._progress = progress
        self._clock = clock
        self._all: TaskID | None = None
        self._archives: dict[tuple[str, str], TaskID] = {}
        """By path and destination."""
        self._several = False
        self._done = 0
        self._count = 0
        self._total = 0
        self._told = float("-inf")

    def __call__(self, event: Event) -> None:
        match event:
            case RunStarted(plan) if plan.uploads:
                self._several = len(plan.places) > 1
                self._count = plan.uploads
                self._total = plan.bytes
                self._all = self._progress.add_task(self._title(), total=self._total)
            case ArchiveStarted(upload, estimate):
                inside = "" if upload.contents is None else f", {format_files(len(upload.contents))}"
                name = upload.name + inside + (f" to {upload.to}" if self._several else "")
                task = self._progress.add_task(shown(name), total=estimate)
                self._archives[upload.path, upload.to] = task
                self._correct_total(estimate - upload.bytes)
            case Waiting(cause, _, to):
                at = f"{shown(to)}: " if to and self._several else ""
                self._tell(f"{at}{shown(cause)}; trying again")
            case BytesSent(path, count, to):
                self._advance(path, to, count)
            case ArchiveSent(upload, _) | ArchiveFailed(upload, _, _, _):
                self._finish(upload.path, upload.to)
            case ArchiveSkipped(skip) if (skip.path, skip.to) in self._archives:
                self._finish(skip.path, skip.to)
            case _:
                pass

    def _title(self) -> str:
        return f"{self._done} of {self._count} done"

    def _tell(self, line: str) -> None:
        """Above the bars, and not all the time: trouble comes in swarms."""
        moment = self._clock()
        if moment - self._told >= REST:
            self._told = moment
            self._progress.console.print(line)

    def _correct_total(self, difference: float) -> None:
        """The plan knows the bytes of the sources only."""
        self._total += int(difference)
        if self._all is not None:
            self._progress.update(self._all, total=self._total, description=self._title())

    def _advance(self, path: str, to: str, count: int) -> None:
        for task in (self._archives.get((path, to)), self._all):
            if task is not None:
                self._progress.advance(task, count)

    def _finish(self, path: str, to: str) -> None:
        self._done += 1
        task = self._archives.pop((path, to), None)
        if task is None:
            return
        archive = self._progress.tasks[self._progress.task_ids.index(task)]
        self._correct_total(archive.completed - (archive.total or 0))
        self._progress.remove_task(task)
