"""Bars on a terminal."""

from __future__ import annotations

import io

from rich.console import Console
from rich.progress import Progress

from glacier_backup.model.event import ArchiveFailed, ArchiveSkipped, ArchiveStarted, BytesSent, RunStarted, Waiting
from glacier_backup.model.plan import Skip
from glacier_backup.model.reason import Vanished
from glacier_backup.plan.backup import planned
from glacier_backup.report.progress import Bars, progress_bars
from tests.plan.values import PLACE, PLACES, group, upload

PLAN = planned(PLACES, (upload("/a"), upload("/b")))


def bars() -> tuple[Bars, Progress]:
    progress = Progress(console=Console(file=io.StringIO()))
    return Bars(progress), progress


def test_the_batch_and_the_archive_under_way_have_a_bar_each() -> None:
    listener, progress = bars()

    for event in (RunStarted(PLAN), ArchiveStarted(upload("/a"), 15), BytesSent("/a", 4, "main")):
        listener(event)

    batch, archive = progress.tasks
    assert (batch.description, batch.completed, batch.total) == ("0 of 2 done", 4, 25)
    assert (archive.description, archive.completed, archive.total) == ("name.tar", 4, 15)


def test_what_goes_to_two_destinations_has_two_bars_that_name_them() -> None:
    listener, progress = bars()
    one, other = upload("/a", "nas"), upload("/a", "vault")
    plan = planned({"nas": PLACE, "vault": PLACE}, (one, other))

    for event in (RunStarted(plan), ArchiveStarted(one, 15), ArchiveStarted(other, 15), BytesSent("/a", 4, "vault")):
        listener(event)
    listener(ArchiveFailed(one, "refused"))

    _, archive = progress.tasks
    assert (archive.description, archive.completed) == ("name.tar to vault", 4)


def test_the_bar_of_a_pack_says_how_many_files_are_in_it() -> None:
    listener, progress = bars()
    pack = group("/srv/photos", "a", "b")

    for event in (RunStarted(planned(PLACES, (pack,))), ArchiveStarted(pack, 10_240)):
        listener(event)

    assert [task.description for task in progress.tasks] == ["0 of 1 done", "photos.pack.tar, 2 files"]


def test_a_pack_of_which_nothing_is_left_loses_its_bar() -> None:
    listener, progress = bars()
    pack = group("/srv/photos", "a")
    gone = Skip(pack.path, pack.name, pack.bytes, Vanished(), pack.to)

    for event in (RunStarted(planned(PLACES, (pack,))), ArchiveStarted(pack, 10_240), ArchiveSkipped(gone)):
        listener(event)

    assert [task.description for task in progress.tasks] == ["1 of 1 done"]


def test_an_archive_that_ends_loses_its_bar_and_counts() -> None:
    listener, progress = bars()

    events = (
        RunStarted(PLAN),
        ArchiveStarted(upload("/a"), 15),
        BytesSent("/a", 12, "main"),
        ArchiveFailed(upload("/a"), "refused"),
    )
    for event in events:
        listener(event)

    (batch,) = progress.tasks
    assert (batch.description, batch.completed, batch.total) == ("1 of 2 done", 12, 12 + 10)


def test_bytes_that_have_to_be_sent_again_count_back() -> None:
    listener, progress = bars()

    for event in (
        RunStarted(PLAN),
        ArchiveStarted(upload("/a"), 15),
        BytesSent("/a", 8, "main"),
        BytesSent("/a", -8, "main"),
    ):
        listener(event)

    assert [task.completed for task in progress.tasks] == [0, 0]


def test_why_nothing_moves_is_told_above_the_bars_once_a_minute() -> None:
    screen = io.StringIO()
    moments = iter((0.0, 8.0, 59.0, 61.0))
    listener = Bars(Progress(console=Console(file=screen)), clock=lambda: next(moments))

    for _ in range(4):
        listener(Waiting("reset by\npeer", 7.9))

    assert screen.getvalue() == "reset by\\npeer; trying again\n" * 2


def test_a_name_is_shown_as_it_is_and_leaves_nothing_behind() -> None:
    screen = io.StringIO()

    with progress_bars(Console(file=screen, force_terminal=True, width=100)) as listener:
        listener(RunStarted(PLAN))
        listener(ArchiveStarted(upload("/a"), 15))

    assert "name.tar" in screen.getvalue()
    assert screen.getvalue().endswith("\x1b[2K")
