"""The command that users of a checkout type."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

REPOSITORY = Path(__file__).resolve().parents[2]


def benchmarks(*arguments: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "benchmarks", *arguments]
    return subprocess.run(command, cwd=REPOSITORY, capture_output=True, text=True, timeout=300)


def test_a_case_prints_its_rows_as_a_table_below_the_machine(tmp_path: Path) -> None:
    run = benchmarks("words", "--rounds", "1", "--folder", str(tmp_path))
    assert run.returncode in (0, 1), run.stderr  # a slow machine is no failure of the command
    name, blank, head, _rule, version, assist = run.stdout.splitlines()
    assert " cores, " in name
    assert not blank
    assert head.startswith("| what | promised | measured |")
    assert version.startswith("| `--version` | at most 60 ms above ")
    assert assist.startswith("| `--help` | at most 60 ms above ")
    assert not list(tmp_path.iterdir())


def test_a_case_that_does_not_exist_is_told_with_those_that_do() -> None:
    run = benchmarks("wrods")
    assert run.returncode == 2
    assert "no such case: wrods" in run.stderr
    assert "there are words, " in run.stderr
