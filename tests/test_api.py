"""``import glacier_backup``: load, plan and run from a program of one's own."""

from __future__ import annotations

import logging
import subprocess
import sys
from pathlib import Path

import pytest

import glacier_backup
from glacier_backup.errors import ConfigError, LockHeld
from glacier_backup.lock import RunLock
from glacier_backup.model.event import ArchiveSent, Event, RunEnded, RunStarted
from glacier_backup.model.plan import Skip, Upload
from glacier_backup.model.reason import SentMeanwhile
from glacier_backup.model.upload_reason import NeverSent
from tests.cli.harness import Cli

LOCAL = (
    "[main]\ndestination = {here}/vault\ncatalog = {here}/catalog.sqlite3\nlogfile =\n[{data}]\nupload_files = yes\n"
)


@pytest.fixture
def ini(cli: Cli) -> str:
    for name in ("a", "b"):
        (cli.data / name).write_text(name)
    return str(cli.ini(LOCAL))


def test_a_plan_is_a_value_that_changes_nothing(ini: str, tmp_path: Path) -> None:
    plan = glacier_backup.plan_backup(glacier_backup.load(ini))

    assert [type(decision) for decision in plan.decisions] == [Upload, Upload]
    assert [decision.reason for decision in plan.decisions] == [NeverSent(), NeverSent()]
    assert not (tmp_path / "catalog.sqlite3").exists()


def test_a_run_tells_its_listeners_what_happens(ini: str) -> None:
    settings = glacier_backup.load(ini)
    events: list[Event] = []

    summary = glacier_backup.run_backup(settings, glacier_backup.plan_backup(settings), listeners=[events.append])

    assert isinstance(events[0], RunStarted)
    assert isinstance(events[-1], RunEnded)
    assert len([event for event in events if isinstance(event, ArchiveSent)]) == summary.sent == 2
    assert summary.exit_code == 0


def test_a_plan_that_another_run_has_overtaken_sends_nothing_twice(ini: str) -> None:
    settings = glacier_backup.load(ini)
    plan = glacier_backup.plan_backup(settings)
    glacier_backup.run_backup(settings)

    summary = glacier_backup.run_backup(settings, plan)

    assert [result.decision.reason for result in summary.results if isinstance(result.decision, Skip)] == [
        SentMeanwhile(),
        SentMeanwhile(),
    ]


def test_errors_are_raised_and_nothing_exits(tmp_path: Path) -> None:
    with pytest.raises(ConfigError):
        glacier_backup.load(str(tmp_path / "missing.ini"))


def test_two_runs_of_one_catalog_exclude_each_other(ini: str, tmp_path: Path) -> None:
    settings = glacier_backup.load(ini)

    with RunLock(str(tmp_path / "catalog.sqlite3")), pytest.raises(LockHeld):
        glacier_backup.run_backup(settings)


def test_paths_and_options_can_be_given(ini: str, tmp_path: Path) -> None:
    settings = glacier_backup.load(ini, paths=[str(tmp_path / "data")], options={"limit": "1"})

    assert [decision.path for decision in glacier_backup.plan_backup(settings).decisions] == [str(tmp_path / "data")]
    assert settings.limit == 1


def test_logging_is_left_as_it_was(ini: str) -> None:
    before = list(logging.getLogger().handlers)

    glacier_backup.run_backup(glacier_backup.load(ini))

    assert logging.getLogger().handlers == before


def test_importing_it_loads_nothing_heavy() -> None:
    loaded = subprocess.run(
        [sys.executable, "-c", "import sys, glacier_backup; print(*sys.modules)"],
        capture_output=True,
        text=True,
        check=True,
    ).stdout.split()

    assert not {"boto3", "botocore", "sqlalchemy", "pydantic", "rich", "argparse"} & set(loaded)


def test_there_is_no_other_name_in_it() -> None:
    with pytest.raises(AttributeError, match="no attribute 'nonsense'"):
        glacier_backup.nonsense  # noqa: B018  # looking is the test
