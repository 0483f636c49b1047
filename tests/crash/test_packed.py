"""The harness notices what it is there to notice where files are sent together, too."""

from __future__ import annotations

import shutil
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from tests.crash.batch import bench
from tests.crash.packed_promises import broken
from tests.crash.packed_sources import PackedSources
from tests.crash.scenario import Scenario, Variant
from tests.crash.stage import Stored
from tests.crash.trial import Failed, Pace, Trial


@pytest.fixture(scope="module")
def played(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Trial]:
    """A trial without any trouble, which broke nothing."""
    with bench(tmp_path_factory.mktemp("packed"), "packed-local") as made:
        trial = made.trial("calm", Scenario(0, Variant("undisturbed"), ()), Pace(0.0, 0.0))
        trial.play()
        assert broken(trial) == []
        yield trial


@pytest.fixture
def trial(played: Trial) -> Iterator[Trial]:
    """The same for each test."""
    kept = played.folder.with_name("kept")
    shutil.copytree(played.folder.parent / "calm-vault", kept / "vault")
    shutil.copytree(played.folder, kept / "trial", symlinks=True)
    yield played
    for folder, name in ((played.folder.parent / "calm-vault", "vault"), (played.folder, "trial")):
        shutil.rmtree(folder)
        shutil.copytree(kept / name, folder, symlinks=True)
    shutil.rmtree(kept)


def broken_now(trial: Trial) -> set[str]:
    """The names of the promises."""
    return {line.partition(":")[0] for line in broken(trial)}


def group(trial: Trial) -> Stored:
    """One of them."""
    return next(one for one in trial.stage.stored() if "~pack-" in one.path)


def execute(trial: Trial, *statements: str) -> None:
    with closing(sqlite3.connect(trial.catalog)) as catalog, catalog:
        for statement in statements:
            catalog.execute(statement)


def test_files_do_go_together_and_the_large_ones_alone(trial: Trial) -> None:
    stored = trial.stage.stored()
    assert sum("~pack-" in one.path for one in stored) >= 2
    assert [one.path.rpartition("/")[2] for one in stored if "~pack-" not in one.path] == ["z large"]


def test_a_flipped_bit_in_a_group_is_noticed(trial: Trial) -> None:
    file = group(trial).file
    content = bytearray(file.read_bytes())
    content[-20_000] ^= 1
    file.write_bytes(content)
    assert broken_now(trial) == {"archives_hold_what_was"}


def test_a_group_that_is_not_stored_is_noticed(trial: Trial) -> None:
    one = group(trial)
    for file in one.file.parent.iterdir():
        file.unlink()
    assert broken_now(trial) == {"what_is_recorded_is_stored", "members_are_recorded"}


def test_a_group_that_the_catalog_lost_is_noticed(trial: Trial) -> None:
    lost = "(SELECT max(id) FROM archives WHERE kind = 'group')"
    execute(trial, "PRAGMA foreign_keys = ON", f"DELETE FROM archives WHERE id = {lost}")
    assert broken_now(trial) == {"what_is_there_now_is_the_newest", "nothing_is_stored_twice"}


def test_a_file_that_counts_as_another_is_noticed(trial: Trial) -> None:
    execute(trial, "UPDATE grouped SET number = number + 1 WHERE number = 3")
    assert {"what_is_recorded_is_stored"} <= broken_now(trial)


def test_a_group_that_is_stored_twice_is_noticed(trial: Trial) -> None:
    one = group(trial)
    shutil.copytree(one.file.parent, one.file.parent.with_name("~pack-0123456789ab"))
    assert broken_now(trial) == {"versions_are_stored_once", "nothing_is_stored_twice"}


def test_what_was_not_sent_again_is_noticed(trial: Trial) -> None:
    assert isinstance(trial.sources, PackedSources)
    file = Path(trial.sources.root) / "one byte"
    file.write_bytes(b"two")
    assert "what_is_there_now_is_the_newest" in broken_now(trial)
    with pytest.raises(Failed, match="had nothing to do and sent something"):
        trial.next_day()
