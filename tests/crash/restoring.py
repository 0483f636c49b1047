"""Restores that are killed again and again, until everything is back: each byte is asked for once, and fetched little
more often than once."""

from __future__ import annotations

import os
import random
import shutil
import signal
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

from glacier_backup.units import MIB
from tests.crash.launcher import REPOSITORY, Ended, Launcher, Start, Stop
from tests.crash.sealed_stage import age, openssl_with_parity
from tests.vault_server.process import VaultServer
from tests.workflow.library import look

From = Literal["vault", "local", "sealed by openssl", "sealed by age", "packs", "packs in a vault", "sealed packs"]
"""What is sealed lies in a local folder, and so do packs where nothing else is said."""

PACK_SIZE = MIB

THAWING = 75
CONCURRENCY = 3
LARGE = 12 * MIB
AT_STAKE = 2 * CONCURRENCY * MIB + CONCURRENCY * 3 * MIB
"""Bytes that a kill may cost: what is on its way, and what was unpacked since the last checkpoint of each."""
LEAST, MOST = 4, 8
"""Kills in one trial."""
ENDINGS = 4


@dataclass
class Trial:
    """What came of one seed."""

    seed: int
    kills: int = 0
    runs: int = 0
    codes: list[int] = field(default_factory=list)
    broken: list[str] = field(default_factory=list)


class Depot:
    """Something backed up, to be restored by many trials."""

    def __init__(
        self, folder: Path, launcher: Launcher, server: VaultServer | None, seal: str = "", *, packs: bool = False
    ) -> None:
        """``seal``: lines for ``[main]``; ``packs``: the files of a tree, put together."""
        self.folder = folder
        self.source = folder / "source"
        self.server = server
        self.packs = packs
        self._seal = seal
        self._launcher = launcher
        self._fill()
        ended = self.run("backup")
        if ended.status:
            raise AssertionError(f"nothing to restore: {(folder / 'err').read_text()}")
        self.catalog = folder / "catalog.sqlite3"
        shutil.copy(self.catalog, folder / "as-sent.sqlite3")
        self.seconds = self._pace()

    def _pace(self) -> float:
        """How long an undisturbed run takes that brings everything back."""
        self.begin()
        for _ in range(2):
            ended = self.run("restore", str(self.source), "--to", str(self.folder / "target"))
            if ended.status == 0:
                return ended.seconds
            self.thaw()
        raise AssertionError(f"already undisturbed: {ended}: {(self.folder / 'err').read_text()}")

    def _fill(self) -> None:
        dice = random.Random(7)
        tree = self.source / "tree"
        (tree / "inner").mkdir(parents=True)
        for number in range(120):
            (tree / "inner" / f"{number}").write_bytes(dice.randbytes(dice.choice([0, 10, 5000])))
        (tree / "large").write_bytes(dice.randbytes(5 * MIB))
        (tree / "link").symlink_to("inner/1")
        os.link(tree / "inner" / "2", tree / "again")
        (self.source / "large").write_bytes(dice.randbytes(LARGE))
        for number in range(6):
            (self.source / f"small-{number}").write_bytes(dice.randbytes(1 + 200_000 * number))

    def run(self, *argv: str, stop: Stop | None = None, seed: int = 0) -> Ended:
        return self._launcher.run(
            Start(
                [*argv, "--config", str(self._ini())],
                str(self.folder),
                self._environ(),
                str(self.folder / "out"),
                str(self.folder / "err"),
                stop,
                seed,
            )
        )

    def begin(self) -> None:
        """As if nothing had ever been asked for. Out of packs some files are there already."""
        for file in self.folder.glob("catalog.sqlite3*"):
            file.unlink()
        shutil.copy(self.folder / "as-sent.sqlite3", self.catalog)
        shutil.rmtree(self.folder / "target", ignore_errors=True)
        if self.packs:
            there = self.folder / "target" / "source" / "tree" / "inner"
            there.mkdir(parents=True)
            for number in range(0, 120, 7):
                shutil.copy2(self.source / "tree" / "inner" / f"{number}", there)
        if self.server:
            self.server.control(finish_jobs=True, expire_jobs=True)

    def thaw(self) -> None:
        if self.server:
            self.server.control(finish_jobs=True)

    def asked_for(self) -> list[tuple[str, int, int]]:
        return [] if self.server is None else self.server.retrieved("vault")

    def fetched(self) -> int:
        return 0 if self.server is None else int(self.server.stats()["bytes"].get("GetJobOutput", 0))

    def stored(self) -> list[tuple[str, int, int]]:
        return [] if self.server is None else [(one.id, 0, one.size) for one in self.server.archives("vault")]

    def _environ(self) -> dict[str, str]:
        return {
            "PATH": os.environ.get("PATH", os.defpath),
            "HOME": str(self.folder),
            "PYTHONPATH": str(REPOSITORY),
            "LANG": "C.UTF-8",
            "AWS_EC2_METADATA_DISABLED": "true",
            **(self.server.environment if self.server else {}),
        }

    def _ini(self) -> Path:
        ini = self.folder / "backup.ini"
        if not ini.exists():
            place = f"destination = {self.folder}/vault\n"
            if self.server:
                where = self.server
                place = f"vault_name = vault\nregion = {where.region}\nendpoint_url = {where.endpoint_url}\n"
            ini.write_text(
                f"[main]\n{place}{self._seal}catalog = {self.folder}/catalog.sqlite3\nlogfile =\n"
                f"concurrency = {CONCURRENCY}\n"
                f"[{self.source}]\n" + self._options()
            )
        return ini

    def _options(self) -> str:
        if self.packs:
            return f"upload_tree = yes\npack_size = {PACK_SIZE}\n"
        return "upload_dirs = yes\nupload_files = yes\n"


@contextmanager
def depot(folder: Path, of: From) -> Iterator[Depot]:
    folder.mkdir(parents=True)
    with Launcher() as launcher:
        packs = "packs" in of
        if "vault" not in of:
            yield Depot(folder, launcher, None, _seal(of, folder), packs=packs)
            return
        with VaultServer(folder / "server", job_delay=3600) as server:
            server.create_vault("vault")
            yield Depot(folder, launcher, server, packs=packs)


def _seal(of: From, folder: Path) -> str:
    match of:
        case "sealed by openssl":
            return openssl_with_parity(folder).options
        case "sealed by age" | "sealed packs":
            seal = age(folder)
            return f"{seal.options}identity_file = {seal.keys.identity_files[0]}\n"
        case _:
            return ""


def play(seed: int, at: Depot) -> Trial:
    """One trial: killed at moments that the seed decides, then left alone."""
    trial, dice = Trial(seed), random.Random(f"{seed} restore")
    at.begin()
    asked, fetched = len(at.asked_for()), at.fetched()
    kills = dice.randint(LEAST, MOST)
    for nth in range(kills):
        if nth >= kills // 4:
            at.thaw()
        ended = _run(trial, at, Stop(signal.SIGKILL, dice.random() ** 2 * at.seconds))
        trial.kills += ended.status == -signal.SIGKILL
        if ended.status == 0:
            break
    for _ in range(ENDINGS):
        if trial.codes[-1] == 0:
            break
        at.thaw()
        _run(trial, at, None)
    _judge(trial, at, at.asked_for()[asked:], at.fetched() - fetched)
    return trial


def _run(trial: Trial, at: Depot, stop: Stop | None) -> Ended:
    trial.runs += 1
    ended = at.run("restore", str(at.source), "--to", str(at.folder / "target"), stop=stop, seed=trial.seed)
    trial.codes.append(ended.status)
    if ended.hung or ended.status not in (0, THAWING, -signal.SIGKILL):
        trial.broken.append(f"run {trial.runs} ended with {ended}: {(at.folder / 'err').read_text()[-2000:]}")
    return ended


def _judge(trial: Trial, at: Depot, asked: list[tuple[str, int, int]], fetched: int) -> None:
    if trial.codes[-1] != 0:
        trial.broken.append(f"not everything came back: {trial.codes}")
    found, wanted = _seen(at, at.folder / "target" / "source"), _seen(at, at.source)
    if found != wanted:
        names = {name for name in found.keys() | wanted.keys() if found.get(name) != wanted.get(name)}
        trial.broken.append(f"other than it was: {sorted(names)[:10]}")
    if (left := set(os.listdir(at.folder / "target")) - {"source"}) != set():
        trial.broken.append(f"left behind: {left}")
    if sorted(asked) != sorted(at.stored()):
        trial.broken.append(f"asked for {len(asked)} times, and {len(at.stored())} archives are stored")
    most = sum(end for _, _, end in at.stored()) + trial.kills * AT_STAKE
    if at.server and fetched > most:
        trial.broken.append(f"{fetched:,} bytes were fetched after {trial.kills} kills, {most:,} at most were to be")


def _seen(at: Depot, top: Path) -> dict[str, tuple[object, ...]]:
    """What is compared: packs hold no directories, and a file with two names as two."""
    return {name: seen for name, seen in look(top).items() if not at.packs or seen[0] != "directory"}
