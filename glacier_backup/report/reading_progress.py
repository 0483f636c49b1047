"""Bars on a terminal while things are brought back or verified: all of them, and each that is being fetched."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from glacier_backup.display import shown
from glacier_backup.model.event import Event, Waiting
from glacier_backup.model.reading_event import (
    BytesFetched,
    ItemEnded,
    ItemStarted,
    ReadingEvent,
    RestoreBegun,
)
from glacier_backup.report.progress import REST
from glacier_backup.units import MIB

if TYPE_CHECKING:
    from rich.console import Console
    from rich.progress import Progress, TaskID

WORTH_A_BAR = 16 * MIB
"""Bytes. What is smaller is there before anybody has read its name."""

_ENDED = ("restored", "verified", "kept", "damaged", "failed")


@contextmanager
def reading_bars(console: Console) -> Iterator[ReadingBars]:
    """A listener that draws on ``console`` while the block runs, and leaves nothing behind."""
    from rich.progress import BarColumn, DownloadColumn, Progress, TextColumn, TransferSpeedColumn

    columns = (
        TextColumn("{task.description}", markup=False),
        BarColumn(),
        DownloadColumn(binary_units=True),
        TransferSpeedColumn(),
    )
    with Progress(*columns, console=console, transient=True) as progress:
        yield ReadingBars(progress)


class ReadingBars:
    """Keeps one bar for all bytes that come, and one for each large thing on its way."""

    def __init__(self, progress: Progress, clock: Callable[[], float] = time.monotonic) -> None:
        self._progress = progress
        self._clock = clock
        self._told = float("-inf")
        self._all: TaskID | None = None
        self._items: dict[int, TaskID] = {}
        self._ended = 0
        self._count = 0

    def __call__(self, event: Event | ReadingEvent) -> None:
        match event:
            case RestoreBegun(_, _, items):
                self._count = items
                self._all = self._progress.add_task(self._title(), total=None)
            case ItemStarted(number, path, size) if size is None or size >= WORTH_A_BAR:
                self._items[number] = self._progress.add_task(shown(path), total=size)
            case BytesFetched(number, count):
                self._advance(number, count)
            case ItemEnded(number, _, _, state):
                self._end(number, counts=state in _ENDED)
            case Waiting(cause):
                self._tell(f"{shown(cause)}; trying again")
            case _:
                pass

    def _tell(self, line: str) -> None:
        """Above the bars, and not all the time: trouble comes in swarms."""
        moment = self._clock()
        if moment - self._told >= REST:
            self._told = moment
            self._progress.console.print(line, markup=False, highlight=False)

    def _title(self) -> str:
        return f"{self._ended} of {self._count} done"

    def _advance(self, number: int, count: int) -> None:
        for task in (self._items.get(number), self._all):
            if task is not None:
                self._progress.advance(task, count)

    def _end(self, number: int, *, counts: bool) -> None:
        self._ended += counts
        task = self._items.pop(number, None)
        if task is not None:
            self._progress.remove_task(task)
        if self._all is not None:
            self._progress.update(self._all, description=self._title())
