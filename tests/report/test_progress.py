"""Bars on a terminal."""

from __future__ import annotations

import io

from rich.console import Console
from rich.progress import Progress

from glacier_backup.model.event import ArchiveFailed, ArchiveStarted, BytesSent, Event, RunStarted, Waiting
from glacier_backup.plan.backup import planned
from glacier_backup.report.progress import Bars, progress_bars
from tests.plan.values import PLACE, upload

PLAN = planned(PLACE, (upload("/a"), upload("/b")))


def bars() -> tuple[Bars, Progress]:
    progress = Progress(console=Console(file=io.StringIO()))
    return Bars(progress), progress


def test_the_batch_and_the_archive_under_way_have_a_bar_each() -> None:
    listener, progress = bars()

    for event in (RunStarted(PLAN), ArchiveStarted(upload("/a"), 15), BytesSent("/a", 4)):
        listener(event)

    batch, archive = progress.tasks
    assert (batch.description, batch.completed, batch.total) == ("0 of 2 done", 4, 25)
    assert (archive.description, archive.completed, archive.total) == ("name.tar", 4, 15)


def test_an_archive_that_ends_loses_its_bar_and_counts() -> None:
    listener, progress = bars()

    events = (
        RunStarted(PLAN),
        ArchiveStarted(upload("/a"), 15),
        BytesSent("/a", 12),
        ArchiveFailed(upload("/a"), "refused"),
    )
    for event in events:
        listener(event)

    (batch,) = progress.tasks
    assert (batch.description, batch.completed, batch.total) == ("1 of 2 done", 12, 12 + 10)


def test_bytes_that_have_to_be_sent_again_count_back() -> None:
    listener, progress = bars()

    for event in (RunStarted(PLAN), ArchiveStarted(upload("/a"), 15), BytesSent("/a", 8), BytesSent("/a", -8)):
        listener(event)

    assert [task.completed for task in progress.tasks] == [0, 0]


def test_the_title_says_what_is_waited_for_as_long_as_it_lasts() -> None:
    moment = 100.0
    progress = Progress(console=Console(file=io.StringIO()))
    listener = Bars(progress, clock=lambda: moment)

    def title_after(event: Event) -> str:
        listener(event)
        return progress.tasks[0].description

    waiting = "0 of 2 done; reset by\\npeer, tried again in 8 s"
    assert title_after(RunStarted(PLAN)) == "0 of 2 done"
    assert title_after(Waiting("reset by\npeer", 7.9)) == waiting
    moment += 7.8
    assert title_after(BytesSent("/b", 1)) == waiting
    assert title_after(Waiting("time-out", 0.4)) == "0 of 2 done; time-out, tried again in 0 s"
    moment += 0.4
    assert title_after(BytesSent("/b", 1)) == "0 of 2 done"


def test_waiting_before_there_is_a_bar_shows_in_its_title() -> None:
    listener, progress = bars()

    listener(Waiting("no network", 60))
    listener(RunStarted(PLAN))

    assert progress.tasks[0].description == "0 of 2 done; no network, tried again in 60 s"


def test_a_name_is_shown_as_it_is_and_leaves_nothing_behind() -> None:
    screen = io.StringIO()

    with progress_bars(Console(file=screen, force_terminal=True, width=100)) as listener:
        listener(RunStarted(PLAN))
        listener(ArchiveStarted(upload("/a"), 15))

    assert "name.tar" in screen.getvalue()
    assert screen.getvalue().endswith("\x1b[2K")
