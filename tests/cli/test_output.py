"""What becomes of the output never decides what becomes of the backup."""

from __future__ import annotations

import argparse
import subprocess
import sys
from pathlib import Path

import pytest

from glacier_backup.cli.commands import backup
from glacier_backup.config.load import load
from glacier_backup.model.event import ArchiveFound, Event, UploadAborted, Waiting
from tests.cli.harness import Cli

CONFIG = (
    "[main]\ndestination = {here}/vault\ncatalog = {here}/catalog.sqlite3\nlogfile =\n"
    "[{data}/missing-1]\n[{data}/missing-2]\n[{data}]\nupload_files = yes\n"
)


@pytest.fixture
def ini(cli: Cli) -> Path:
    for number in range(20):
        (cli.data / f"{number}").write_text("x")
    return cli.ini(CONFIG)


def shell(command: str, ini: Path) -> int:
    program = f"{sys.executable} -m glacier_backup -c {ini}"
    script = f"set -o pipefail; {command.replace('PROGRAM', program)}"
    return subprocess.run(["bash", "-c", script], stdin=subprocess.DEVNULL, check=False).returncode


@pytest.mark.parametrize(
    "command",
    [
        "PROGRAM 2>&1 >/dev/null | true; exit ${PIPESTATUS[0]}",
        "PROGRAM --verbose | true; exit ${PIPESTATUS[0]}",
        "PROGRAM --json | true; exit ${PIPESTATUS[0]}",
        "PROGRAM 2>/dev/full",
        "PROGRAM --verbose >/dev/full 2>/dev/null",
        "PROGRAM 2>&-",
        "PROGRAM --verbose >&- 2>/dev/null",
        "PROGRAM >&- 2>&-",
    ],
)
def test_a_reader_that_has_gone_and_a_full_disk_stop_no_backup(cli: Cli, ini: Path, command: str) -> None:
    """All is sent, and the exit code is that of the run: two sections are missing."""
    assert shell(command, ini) == 1
    assert len(cli("list", "-c", ini, "--json").json) == 20


@pytest.mark.parametrize("options", ["-d", "-d --json", "--help"])
def test_output_that_cannot_be_written_is_no_traceback(cli: Cli, ini: Path, options: str) -> None:
    ran = subprocess.run(
        ["bash", "-c", f"{sys.executable} -m glacier_backup -c {ini} {options} >/dev/full"],
        capture_output=True,
        text=True,
        check=False,
    )

    assert "Traceback" not in ran.stderr


def test_a_list_can_be_cut_off(cli: Cli, ini: Path) -> None:
    cli("-c", ini)

    program = f"{sys.executable} -m glacier_backup list -c {ini}"
    ran = subprocess.run(
        ["bash", "-c", f"{program} | head -1; exit ${{PIPESTATUS[0]}}"], capture_output=True, text=True, check=False
    )

    assert (ran.returncode, ran.stderr) == (0, "")
    assert ran.stdout.startswith("sent")


def test_a_defect_is_confessed_with_its_traceback(cli: Cli, monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(*arguments: object) -> None:
        raise ZeroDivisionError

    monkeypatch.setattr("glacier_backup.config.load.read_file", broken)

    ran = cli("-c", cli.ini(CONFIG))

    assert ran.code == 1
    assert "ZeroDivisionError" in ran.err
    assert "a defect of glacier-backup" in ran.err


def test_a_verb_behind_its_options_is_told_to_come_first(cli: Cli, ini: Path) -> None:
    ran = cli("-c", ini, "list")

    assert ran.code == 2
    assert "the verb comes first: glacier-backup list" in ran.err


@pytest.mark.parametrize("event", [UploadAborted("/a", "it has changed"), ArchiveFound("/a", "id")])
@pytest.mark.parametrize(
    ("verbose", "quiet", "terminal", "said"),
    [(False, False, False, False), (True, False, False, True), (False, False, True, True), (False, True, True, False)],
)
def test_what_becomes_of_an_earlier_run_is_said_to_who_is_looking_and_not_by_cron(
    ini: Path,
    event: Event,
    verbose: bool,
    quiet: bool,
    terminal: bool,
    said: bool,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(sys.stderr, "isatty", lambda: terminal)

    with backup._listeners(load(str(ini)), argparse.Namespace(verbose=verbose, quiet=quiet)) as listeners:
        for listener in listeners:
            listener(event)
            listener(Waiting("time-out", 1))

    assert ("glacier-backup: /a: " in capsys.readouterr().err) == said
