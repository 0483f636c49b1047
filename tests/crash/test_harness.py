"""The harness notices what it is there to notice: after a trial without trouble each promise is broken by hand."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from signal import SIGKILL

import pytest

from tests.crash.batch import Bench
from tests.crash.launcher import Launcher
from tests.crash.promises import broken
from tests.crash.scenario import VARIANTS, Moment, Scenario, Variant, scenario
from tests.crash.stage import VaultStage
from tests.crash.trial import Failed, Pace, Trial
from tests.vault_server import VaultServer
from tests.vault_server.deliveries import delivery_log

TIMES_UNKNOWN = Pace(0.0, 0.0)


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[VaultServer]:
    with VaultServer(tmp_path_factory.mktemp("crash") / "server") as server:
        yield server


@pytest.fixture(scope="module")
def bench(server: VaultServer, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Bench]:
    with Launcher() as launcher:
        yield Bench(tmp_path_factory.mktemp("bench"), launcher, "vault", lambda name: VaultStage(server, name))


@pytest.fixture
def trial(bench: Bench, request: pytest.FixtureRequest) -> Trial:
    """One that was played to its end, and broke nothing."""
    name = request.node.name.replace("[", "-").replace("]", "")
    played = bench.trial(name, Scenario(0, Variant("undisturbed"), ()), TIMES_UNKNOWN)
    played.play()
    assert broken(played) == []
    return played


def broken_now(trial: Trial) -> set[str]:
    """The names of the promises."""
    return {line.partition(":")[0] for line in broken(trial)}


def execute(trial: Trial, *statements: str) -> None:
    with closing(sqlite3.connect(trial.catalog)) as catalog, catalog:
        catalog.execute("PRAGMA foreign_keys = ON")
        for statement in statements:
            catalog.execute(statement)


def test_a_flipped_bit_in_an_archive_is_noticed(trial: Trial) -> None:
    file = max((one.file for one in trial.stage.stored()), key=lambda file: file.stat().st_size)
    content = bytearray(file.read_bytes())
    content[len(content) // 2] ^= 1
    file.write_bytes(content)
    assert broken_now(trial) == {"archives_are_their_sources", "the_newest_is_what_is_there_now"}


def test_an_archive_that_the_catalog_lost_is_noticed(trial: Trial) -> None:
    execute(trial, "DELETE FROM archives WHERE id = (SELECT max(id) FROM archives)")
    assert broken_now(trial) == {"the_newest_is_what_is_there_now", "nothing_is_stored_twice"}


def test_an_archive_that_the_vault_lost_is_noticed(trial: Trial) -> None:
    trial.stage.stored()[0].file.with_suffix(".json").unlink()
    assert broken_now(trial) == {"the_newest_is_what_is_there_now", "nothing_is_recorded_twice"}


def test_a_source_that_was_not_sent_again_is_noticed(trial: Trial) -> None:
    trial.sources.change()
    assert broken_now(trial) == {"the_newest_is_what_is_there_now"}


def test_members_that_the_catalog_lost_are_noticed(trial: Trial) -> None:
    execute(trial, "DELETE FROM members WHERE number = 1")
    assert broken_now(trial) == {"members_are_recorded"}


def test_what_is_left_in_the_temporary_folder_is_noticed(trial: Trial) -> None:
    (trial.folder / "tmp" / "index").touch()
    assert broken_now(trial) == {"nothing_is_left_open"}


def test_a_part_that_came_twice_is_noticed(trial: Trial, server: VaultServer) -> None:
    vault = server.root / "vaults" / trial.folder.name
    upload = min(server.begun(trial.folder.name))
    (first, last) = min(server.received(trial.folder.name, upload))
    delivery_log(vault, upload).note(first, last, None)
    assert broken_now(trial) == {"parts_are_sent_once"}
    trial.unsettled = 1
    assert broken_now(trial) == set()


def test_an_upload_begun_again_is_noticed(trial: Trial, server: VaultServer) -> None:
    vault = server.root / "vaults" / trial.folder.name
    log = delivery_log(vault, "another")
    log.begin(next(iter(server.begun_as(trial.folder.name).values())))
    assert broken_now(trial) == set()
    log.note(0, 0, None)
    assert broken_now(trial) == {"uploads_are_begun_once"}


def test_a_run_that_sends_more_than_there_is_to_send_is_noticed(trial: Trial) -> None:
    trial.sources.change()
    with pytest.raises(Failed, match="had nothing to do and sent something"):
        trial.next_day()


def test_a_kill_hits_a_program_at_work(bench: Bench) -> None:
    trial = bench.trial("killed", Scenario(0, Variant("undisturbed"), ()), Pace(0.0, 60.0))
    trial.stage.begin(trial.scenario)
    ended = trial.run("backup", moment=Moment(1.0, operation="UploadMultipartPart", nth=2), number=SIGKILL)
    assert (ended.stopped, ended.status) == (True, -SIGKILL)
    trial.play()
    assert broken(trial) == []


def test_a_seed_always_decides_the_same() -> None:
    assert scenario(17, VARIANTS) == scenario(17, VARIANTS) != scenario(17 + len(VARIANTS), VARIANTS)


def test_a_result_says_how_to_see_it_again(bench: Bench, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr("tests.crash.batch.broken", lambda trial: ["nothing: is well"])
    monkeypatch.setattr(bench, "pace", lambda real: TIMES_UNKNOWN)
    result = bench.play(0)
    assert "seed 0 (kills alone):\n  nothing: is well" in result.words
    assert "-m tests.crash --seeds 0 --into vault" in result.words
    assert (result.folder / "story.txt").exists()
