"""A dataset of real ZFS is sent, and received again, by a program that is killed at any moment: the chain stays whole,
what comes back is the dataset, and neither snapshots nor holds pile up.

``GLACIER_ROUND_TRIPS=20`` plays twenty times as many seeds.
"""

from __future__ import annotations

import os
import random
import subprocess
from collections.abc import Iterator
from pathlib import Path
from signal import SIGKILL

import pytest

from glacier_backup.catalog.catalog import Catalog
from glacier_backup.workflow.sending.holds import hold_tag
from tests.crash.launcher import REPOSITORY, Ended, Launcher, Start, Stop
from tests.roundtrip.trees import Looks, look
from tests.roundtrip.zfs_dataset import holds, snapshots
from tests.zfs_fuse.daemon import program
from tests.zfs_fuse.pool import Made, Pool

SEEDS = 2 * int(os.environ.get("GLACIER_ROUND_TRIPS", "1"))
KILLS = 4
KEPT = 3
SEALS = ("", "seal = openssl, split\nvolume_size = 1 MiB\n", "seal = zstd, split, age\nvolume_size = 1 MiB\n")


@pytest.fixture(scope="module")
def launcher() -> Iterator[Launcher]:
    with Launcher() as launcher:
        yield launcher


class Trial:
    """A dataset, where it goes, and a program that may be killed."""

    def __init__(self, seed: int, folder: Path, pool: Pool, launcher: Launcher) -> None:
        self.dice = random.Random(f"{seed} zfs")
        self.folder, self.pool, self._launcher = folder, pool, launcher
        self.dataset = pool.filesystem("photos")
        self.kills = self._runs = 0
        self.seconds = 1.0
        """That a run takes."""
        (folder / "home").mkdir()
        (folder / "password").write_text("correct horse\n")
        (folder / "password").chmod(0o600)
        (folder / "backup.ini").write_text(
            f"[main]\ndestination =\n    {folder}/one\n    {folder}/two\n"
            f"catalog = {folder}/catalog.sqlite3\nlogfile =\npassword_file = {folder}/password\n"
            f"{SEALS[seed % len(SEALS)]}"
            f"[zfs:{self.dataset.name}]\nkeep_snapshots = {KEPT}\nfull_every = 6 increments\n"
        )

    def run(self, *argv: str | Path, at: float | None = None) -> Ended:
        """One run, killed ``at`` that share of the way, if it isn't over by then."""
        self._runs += 1
        ended = self._launcher.run(
            Start(
                [*map(str, argv), "--config", f"{self.folder}/backup.ini"],
                str(self.folder),
                {
                    "PATH": os.environ.get("PATH", os.defpath),
                    "HOME": str(self.folder / "home"),
                    "PYTHONPATH": str(REPOSITORY),
                    "LANG": "C.UTF-8",
                },
                f"{self.folder}/{self._runs:02}.out",
                f"{self.folder}/{self._runs:02}.err",
                None if at is None else Stop(SIGKILL, at * self.seconds),
            )
        )
        self.kills += ended.status == -SIGKILL
        assert not ended.hung
        return ended

    def settled(self, *argv: str | Path) -> None:
        """A run that nothing disturbs."""
        ended = self.run(*argv)
        assert ended.status == 0, self.said()
        self.seconds = ended.seconds

    def said(self) -> str:
        return f"{self.folder}:\n" + "".join(
            file.read_text() for file in sorted(self.folder.glob("[0-9]*.[eo][ru][rt]"))[-4:]
        )

    def change(self) -> None:
        for _ in range(self.dice.randint(1, 4)):
            name = self.dice.choice("abcdefgh")
            path = self.dataset.mounted / name
            if path.exists() and self.dice.random() < 0.3:
                path.unlink()
            else:
                path.write_bytes(self.dice.randbytes(self.dice.choice((10, 100_000, 3_000_000))))

    def looks(self, made: Made | None = None) -> dict[str, Looks]:
        return look((made or self.dataset).mounted)

    def held(self) -> dict[str, list[str]]:
        """Of each destination the snapshots that are held for it; they are let go."""
        with Catalog.peek(f"{self.folder}/catalog.sqlite3") as catalog:
            tags = {str(place): hold_tag(place) for _, place in catalog.places()}
        here = snapshots(self.dataset.name)
        return {
            place: [name for name in here if _is_released(tag, f"{self.dataset.name}@{name}")]
            for place, tag in tags.items()
        }


def _is_released(tag: str, snapshot: str) -> bool:
    return subprocess.run([program("zfs"), "release", tag, snapshot], capture_output=True).returncode == 0


@pytest.mark.parametrize("seed", range(SEEDS))
def test_whatever_is_killed_the_chain_stays_whole(seed: int, tmp_path: Path, pool: Pool, launcher: Launcher) -> None:
    trial = Trial(seed, tmp_path, pool, launcher)
    trial.settled("backup", "--dryrun")  # which takes less than a run, so that most of the kills find one
    trial.change()
    for _ in range(KILLS):
        trial.run("backup", at=trial.dice.random())
        if trial.dice.random() < 0.6:
            trial.change()
    trial.settled("backup")
    trial.change()
    for _ in range(2):
        trial.run("backup", at=trial.dice.random())
    trial.settled("backup")

    now = trial.looks()
    assert trial.run("verify", "--full").status == 0, trial.said()
    for place in ("one", "two"):
        name = pool.unused("back")
        trial.settled("restore", f"zfs:{trial.dataset.name}", "--from", tmp_path / place, "--to", name)
        assert trial.looks(Made(name, pool.mounted(name))) == now, place
    held = trial.held()
    assert [len(names) for names in held.values()] == [1, 1], held
    # A zfs send -I that is killed leaves holds of its own with zfs-fuse, until the pool is imported again.
    free = [name for name in snapshots(trial.dataset.name) if not holds(f"{trial.dataset.name}@{name}")]
    assert len(free) <= KEPT
    assert trial.kills


@pytest.mark.parametrize("seed", range(SEEDS))
def test_a_restore_that_is_killed_goes_on(seed: int, tmp_path: Path, pool: Pool, launcher: Launcher) -> None:
    trial = Trial(seed, tmp_path, pool, launcher)
    for _ in range(3):
        trial.change()
        trial.settled("backup")
    now = trial.looks()
    name = pool.unused("back")
    words = ("restore", f"zfs:{trial.dataset.name}", "--to", name)

    trial.settled(*words[:-1], pool.unused("undisturbed"))
    for _ in range(KILLS):
        if trial.run(*words, at=trial.dice.uniform(0.2, 0.8)).status == 0:
            break
    trial.settled(*words)

    assert trial.looks(Made(name, pool.mounted(name))) == now
    assert trial.kills >= 1
