"""Bars while things are brought back."""

from __future__ import annotations

import io
from datetime import UTC, datetime

from rich.console import Console
from rich.progress import Progress

from glacier_backup.model.event import Waiting
from glacier_backup.model.reading_event import BytesFetched, ItemEnded, ItemStarted, ReadingEvent, RestoreBegun
from glacier_backup.model.restore import RestoreRecord, Wish
from glacier_backup.report.reading_progress import WORTH_A_BAR, ReadingBars, reading_bars

RECORD = RestoreRecord(1, Wish("restore", "/target", ()), datetime(2026, 3, 21, tzinfo=UTC))


def drawn(*events: ReadingEvent) -> Progress:
    progress = Progress(console=Console(file=io.StringIO()))
    listener = ReadingBars(progress)
    for event in (RestoreBegun(RECORD, False, 3), *events):
        listener(event)
    return progress


def test_all_and_each_large_thing_have_a_bar() -> None:
    progress = drawn(
        ItemStarted(0, "/data/a", WORTH_A_BAR), ItemStarted(1, "/data/b", 5), BytesFetched(0, 4), BytesFetched(1, 5)
    )

    everything, large = progress.tasks
    assert (everything.description, everything.completed, everything.total) == ("0 of 3 done", 9, None)
    assert (large.description, large.completed, large.total) == ("/data/a", 4, WORTH_A_BAR)


def test_what_ended_has_no_bar_and_counts() -> None:
    progress = drawn(ItemStarted(0, "/data/a", None), ItemEnded(0, "/data/a", "a", "restored"))
    assert [task.description for task in progress.tasks] == ["1 of 3 done"]


def test_a_name_can_not_write_to_the_terminal_and_nothing_is_left_behind() -> None:
    console = Console(file=io.StringIO(), force_terminal=True)
    with reading_bars(console) as listener:
        listener(RestoreBegun(RECORD, False, 1))
        listener(ItemStarted(0, "a\x1b[31mb", None))
        listener(Waiting("the server [is] busy", 3.0))
    told = console.file.getvalue()  # type: ignore[attr-defined]  # it is a StringIO
    assert "\\x1b[31mb" in told
    assert "the server [is] busy; trying again" in told
