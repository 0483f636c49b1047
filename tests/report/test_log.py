"""The log file."""

from __future__ import annotations

import os
import stat
from pathlib import Path

import pytest

from glacier_backup.display import shown
from glacier_backup.model.archive import ArchiveRecord, Label, ReadProblem, Receipt
from glacier_backup.model.event import (
    ArchiveFailed,
    ArchiveFound,
    ArchiveSent,
    ArchiveSkipped,
    Counts,
    Event,
    Imported,
    RunEnded,
    RunStarted,
    Summary,
    UploadAborted,
    UploadResumed,
    Waiting,
    Warned,
)
from glacier_backup.model.place import Place
from glacier_backup.model.recipe import Recipe
from glacier_backup.plan.backup import planned
from glacier_backup.report import log
from glacier_backup.report.log import log_file
from glacier_backup.units import local_time
from tests.plan.values import PLACE, PLACES, SENT, group, skip, upload


def write(path: Path, *events: Event) -> list[str]:
    with log_file(str(path)) as listener:
        for event in events:
            listener(event)
    return path.read_text().splitlines()


def test_a_line_says_when_which_process_and_what(tmp_path: Path) -> None:
    (line,) = write(tmp_path / "log", Imported("/old", 3))

    assert line.split()[1:3] == [str(os.getpid()), "INFO"]
    assert line.endswith("took over the record of 3 archives from /old")


PLAN = planned(PLACES, (upload("/a"), skip("/b")))


@pytest.mark.parametrize(
    ("event", "line"),
    [
        (RunStarted(PLAN), "INFO run started: 1 to send (10 B), 1 to skip"),
        (
            RunEnded(Summary(PLAN, (), 1, 2, 3, 4, exit_code=1)),
            "INFO run ended: 1 sent, 2 failed, 3 skipped, exit code 1",
        ),
        (ArchiveSkipped(skip("/b")), f"INFO skipped /b: unchanged since {local_time(SENT)}"),
        (Waiting("time-out", 12.4), "INFO time-out, tried again in 12 s"),
        (UploadResumed("/a\n", SENT), f"INFO going on with /a\\n, begun on {local_time(SENT)}"),
        (UploadAborted("/a", "it has changed"), "WARNING an unfinished upload of /a was ended: it has changed"),
        (ArchiveFound("/a", "id"), "WARNING recorded /a, which an earlier run had stored as id"),
    ],
    ids=lambda value: type(value).__name__,
)
def test_what_happens_is_one_line_each(tmp_path: Path, event: Event, line: str) -> None:
    (written,) = write(tmp_path / "log", event)

    assert written.split(maxsplit=2)[2] == line


PACK = group("/srv/photos", "a", "b", "c")
"""Of which one could not be read."""
SENT_PACK = ArchiveRecord(
    Label(PACK.name, PACK.path, "nas", "group", "tar", SENT, "recipe"),
    "",
    Recipe(()),
    PACK.fingerprint,
    (Receipt("key", 10_240, "", b"", SENT),),
    (ReadProblem("/srv/photos/c", "Permission denied"),),
)


@pytest.mark.parametrize(
    ("event", "line"),
    [
        (RunStarted(planned(PLACES, (PACK,))), "run started: 1 to send (30 B; 3 files in groups), 0 to skip"),
        (ArchiveSent(PACK, SENT_PACK), f"sent {PACK.path} as photos.pack.tar, 10240 bytes, 2 files, key"),
        (
            RunEnded(Summary(PLAN, (), 1, 0, 0, 4, files=2)),
            "run ended: 1 sent (2 files in groups), 0 failed, 0 skipped, exit code 0",
        ),
    ],
    ids=lambda value: type(value).__name__,
)
def test_lines_say_how_many_files_are_in_packs(tmp_path: Path, event: Event, line: str) -> None:
    (written,) = write(tmp_path / "log", event)

    assert written.split(maxsplit=3)[3] == line


SEVERAL = planned({"nas": Place("local", "/nas"), "vault": PLACE}, (upload("/a", "nas"), upload("/a", "vault")))


@pytest.mark.parametrize(
    ("event", "lines"),
    [
        (
            RunStarted(SEVERAL),
            ["run started: 2 to send (20 B), 0 to skip", "nas is /nas: 1 to send", "vault is /vault: 1 to send"],
        ),
        (
            RunEnded(Summary(SEVERAL, (), 1, 2, 3, 4, exit_code=1, counts={"nas": Counts(1, 2, 3, 4)})),
            ["nas: 1 sent, 2 failed", "vault: 0 sent, 0 failed", "run ended: 1 sent, 2 failed, 3 skipped, exit code 1"],
        ),
        (ArchiveSkipped(skip("/b", "nas")), [f"skipped /b (to nas): unchanged since {local_time(SENT)}"]),
        (ArchiveSkipped(skip("/b", "")), [f"skipped /b: unchanged since {local_time(SENT)}"]),
        (ArchiveFailed(upload("/a", "nas"), "refused"), ["failed /a (to nas): refused"]),
        (Waiting("time-out", 12.4, "vault"), ["vault: time-out, tried again in 12 s"]),
        (UploadResumed("/a", SENT, "nas"), [f"going on with /a (to nas), begun on {local_time(SENT)}"]),
        (UploadAborted("/a", "lost", "nas"), ["an unfinished upload of /a (to nas) was ended: lost"]),
        (ArchiveFound("/a", "id", "nas"), ["recorded /a (to nas), which an earlier run had stored as id"]),
    ],
    ids=lambda value: type(value).__name__,
)
def test_with_several_destinations_lines_name_theirs(tmp_path: Path, event: Event, lines: list[str]) -> None:
    with log_file(str(tmp_path / "log"), several=True) as listener:
        listener(event)

    assert [line.split(maxsplit=3)[3] for line in (tmp_path / "log").read_text().splitlines()] == lines


def test_the_folder_is_made_and_only_the_owner_can_read_the_log(tmp_path: Path) -> None:
    write(tmp_path / "new/folder/log", Warned("x"))

    assert stat.S_IMODE((tmp_path / "new/folder/log").stat().st_mode) == 0o600


def test_the_log_goes_on_where_it_ended(tmp_path: Path) -> None:
    write(tmp_path / "log", Warned("first"))

    lines = write(tmp_path / "log", Warned("second"))

    assert [line.split()[-1] for line in lines] == ["first", "second"]


def test_the_log_is_rotated_and_stays_private(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(log, "LARGEST", 500)

    write(tmp_path / "log", *(Warned(f"warning {number}") for number in range(100)))

    logs = sorted(tmp_path.iterdir())
    assert [path.name for path in logs] == ["log", "log.1", "log.2", "log.3", "log.4", "log.5"]
    assert {stat.S_IMODE(path.stat().st_mode) for path in logs} == {0o600}
    assert all(path.stat().st_size <= 500 for path in logs)


def test_a_full_disk_below_the_log_stops_nothing(small_disk: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (small_disk / "filler").write_bytes(bytes(7 * 1024 * 1024))

    with log_file(str(small_disk / "log")) as listener:
        for _ in range(3000):
            listener(Warned("x" * 1000))

    assert capsys.readouterr().err == ""


def test_names_cannot_forge_lines(tmp_path: Path) -> None:
    (line,) = write(tmp_path / "log", Warned("a\nb\x1b[0m" + os.fsdecode(b"\xff")))

    assert line.endswith("a\\nb\\x1b[0m\\xff")


@pytest.mark.parametrize(
    ("text", "plain"),
    [
        ("plain ü 日本", "plain ü 日本"),
        ("tab\tnew\nline", "tab\\tnew\\nline"),
        ("\x1b]0;title\x07", "\\x1b]0;title\\x07"),
        ("right-to-left \u202e", "right-to-left \\u202e"),
        (os.fsdecode(b"\xff\xfe"), "\\xff\\xfe"),
        ("\ud800", "\\ud800"),
    ],
)
def test_what_a_terminal_would_obey_is_written_out(text: str, plain: str) -> None:
    assert shown(text) == plain
