"""One trial: runs that are stopped, what happens between them, runs to the end, and one more that has nothing to do."""

from __future__ import annotations

import os
import random
import shutil
import signal
from dataclasses import dataclass, field
from pathlib import Path

from tests.crash.launcher import READ_TIMEOUT, REPOSITORY, Ended, Launcher, Start, Stop
from tests.crash.packed_sources import PackedSources
from tests.crash.scenario import CONCURRENCY, Gap, Moment, Round, Scenario
from tests.crash.sources import Sources
from tests.crash.stage import Stage

MOST_ENDINGS = 6
"""Runs without a stop that it may take until all is sent. One is the rule; each expired id may take another."""
AROUND = 0.01
"""Seconds: within that time after a request's beginning it is dealt with, answered, and the answer is written down."""


@dataclass(frozen=True)
class Pace:
    """How long runs take here, in seconds."""

    start: float
    """One that has nothing to do."""
    whole: float
    """One that sends everything, undisturbed."""


class Failed(AssertionError):
    """A run ended as no run may."""


@dataclass
class Trial:
    """A trial under way, and what was seen of it."""

    scenario: Scenario
    stage: Stage
    folder: Path
    launcher: Launcher
    pace: Pace
    kills: int = 0
    """SIGKILLs that hit the program at work."""
    terms: int = 0
    """Likewise SIGTERMs."""
    unsettled: int = 0
    """How many of both left something on its way while the next run began."""
    runs: int = 0
    story: list[str] = field(default_factory=list)
    """What happened, a line each."""

    def __post_init__(self) -> None:
        self._dice = self.scenario.dice
        self.seconds: list[float] = []
        for name in ("home", "tmp", "runs"):
            (self.folder / name).mkdir(parents=True)
        kind = PackedSources if self.stage.packed else Sources
        self.sources: Sources | PackedSources = kind(
            self.folder / "data", random.Random(f"{self.scenario.seed} data"), self.stage
        )
        self._part_size = self._dice.choice(self.stage.part_sizes[:2])
        self._write_ini()

    def play(self) -> None:
        """All of it. Raises Failed for a run that ends as none may; what it leaves behind is checked elsewhere."""
        self.stage.begin(self.scenario)
        for round_ in self.scenario.rounds:
            done = self._stopped(round_)
            if round_.settled:
                self.stage.settle()
            self._gap(round_.gap)
            if done and round_.gap != "change":
                break
        self._to_the_end()
        self.stage.settle()
        self.next_day()

    @property
    def catalog(self) -> Path:
        return self.folder / "catalog.sqlite3"

    @property
    def complaints(self) -> str:
        """All that all runs have said on standard error."""
        return "".join(file.read_text() for file in sorted((self.folder / "runs").glob("*.err")))

    def run(self, *verb: str, moment: Moment | None = None, number: int = signal.SIGKILL) -> Ended:
        """One run of the program. Raises Failed when it hangs."""
        self.runs += 1
        output = str(self.folder / "runs" / f"{self.runs:02d}")
        stop = None if moment is None else self._stop(moment, number)
        variant = self.scenario.variant
        ended = self.launcher.run(
            Start(
                [*verb, "--config", str(self._ini)],
                str(self.folder),
                self._environ(),
                f"{output}.out",
                f"{output}.err",
                stop,
                self.scenario.seed * 100 + self.runs,
                variant.real,
                variant.read_timeout or READ_TIMEOUT,
            )
        )
        self.seconds.append(ended.seconds)
        self._tell(f"run {self.runs}: {' '.join(verb)} {stop or ''} -> {ended}")
        if ended.hung:
            raise Failed(f"run {self.runs} hung; where, {output}.err says")
        return ended

    def _stopped(self, round_: Round) -> bool:
        """A run that is to be stopped; whether it was quicker, and sent everything."""
        ended = self.run("backup", moment=round_.moment, number=round_.signal)
        hit = ended.stopped and ended.status in (-round_.signal, 130)
        self.kills += hit and round_.signal == signal.SIGKILL
        self.terms += hit and round_.signal == signal.SIGTERM
        self.unsettled += hit and not round_.settled
        if not hit and not (ended.stopped and ended.status == 1):
            # With 1 it was a tar that the signal ended, just when it was started: it was still in the program's group.
            self._check(ended)
        return ended.status == 0

    def _to_the_end(self) -> None:
        for _ in range(MOST_ENDINGS):
            ended = self.run("backup")
            self._check(ended)
            if ended.status == 0:
                return
        raise Failed(f"{MOST_ENDINGS} runs were not enough to send everything")

    def next_day(self) -> None:
        """One more run, as cron would: it may abort what the others left open, and has nothing to send."""
        before = self.stage.traffic()
        ended = self.run("backup")
        if ended.status:
            raise Failed(f"run {self.runs} had nothing to do and ended with {ended.status}")
        if self.stage.traffic() != before:
            raise Failed(f"run {self.runs} had nothing to do and sent something")

    def _check(self, ended: Ended) -> None:
        """An undisturbed run sends everything, unless the destination lost what it had begun."""
        variant = self.scenario.variant
        loses = {"expire", "forget", "day"} & set(variant.gaps) or "expire_upload" in variant.faults.get("kinds", ())
        if ended.status not in ((0, 1) if loses else (0,)):
            raise Failed(f"run {self.runs} ended with {ended.status}")

    def _gap(self, gap: Gap) -> None:
        done: str = gap
        if gap == "change":
            done = f"change {self.sources.change()}"
        elif gap == "regrid":
            self._part_size = self._dice.choice(self.stage.part_sizes)
            self._write_ini()
            done = f"regrid to {self._part_size}"
        else:
            done = self.stage.gap(gap, self._dice.random())
        self._tell(done)

    def _stop(self, moment: Moment, number: int) -> Stop:
        if moment.early:
            return Stop(number, moment.share * self.pace.start)
        latest = self.pace.start / 2 + moment.share * (self.pace.whole - self.pace.start / 2)
        if moment.operation is None:
            return Stop(number, latest)
        return Stop(number, latest, moment.operation, moment.nth, moment.delay * AROUND, self.stage.journal)

    def _environ(self) -> dict[str, str]:
        return {
            "PATH": os.environ.get("PATH", os.defpath),
            "HOME": str(self.folder / "home"),
            "TMPDIR": str(self.folder / "tmp"),
            "PYTHONPATH": str(REPOSITORY),
            "LANG": "C.UTF-8",
            "AWS_EC2_METADATA_DISABLED": "true",
            **self.stage.environ,
        }

    @property
    def _ini(self) -> Path:
        return self.folder / "backup.ini"

    def _write_ini(self) -> None:
        self._ini.write_text(
            f"[main]\n{self.stage.main}catalog = {self.catalog}\nlogfile = {self.folder}/backup.log\n"
            f"concurrency = {CONCURRENCY}\npart_size = {self._part_size}\n"
            f"{self.stage.more}{self.sources.sections}"
        )

    def _tell(self, line: str) -> None:
        self.story.append(line)
        with (self.folder / "story.txt").open("a") as file:
            file.write(line + "\n")

    def remove(self) -> None:
        """Take everything away."""
        self.stage.remove()
        shutil.rmtree(self.folder)
