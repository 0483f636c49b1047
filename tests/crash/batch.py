"""Trials by seed, one after another or several at a time, each worker with a server and a zygote of its own."""

from __future__ import annotations

import shlex
import sys
import threading
import traceback
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path

from tests.crash import packed_promises
from tests.crash.into import OF, Into, NewStage, stages
from tests.crash.launcher import Launcher
from tests.crash.promises import broken
from tests.crash.scenario import Scenario, Variant, scenario
from tests.crash.trial import Failed, Pace, Trial

_CALM = Variant("undisturbed")


@dataclass(frozen=True)
class Result:
    """What came of one seed."""

    seed: int
    into: Into
    variant: str
    runs: int
    kills: int
    terms: int
    broken: tuple[str, ...]
    """Each broken promise in words; none: all is well."""
    folder: Path
    """Kept when something is broken: the program's output, the catalog, and ``story.txt``."""

    @property
    def words(self) -> str:
        """For a person: what is broken, where to look, and how to see it again."""
        again = f"{shlex.quote(sys.executable)} -m tests.crash --seeds {self.seed} --into {self.into}"
        told = "\n".join(f"  {line}" for line in self.broken)
        return f"seed {self.seed} ({self.variant}):\n{told}\n  look into {self.folder}\n  again: {again}"


@dataclass
class Tally:
    """What came of many."""

    results: list[Result] = field(default_factory=list)

    @property
    def kills(self) -> int:
        return sum(result.kills for result in self.results)

    @property
    def terms(self) -> int:
        return sum(result.terms for result in self.results)

    @property
    def runs(self) -> int:
        return sum(result.runs for result in self.results)

    @property
    def failures(self) -> list[Result]:
        return [result for result in self.results if result.broken]


def run_batch(
    seeds: Iterable[int], folder: Path, *, into: Into, jobs: int, tell: Callable[[Result, Tally], object] = print
) -> Tally:
    """Play all ``seeds``, telling of each result. What failed is kept below ``folder``."""
    left, lock, tally = iter(seeds), threading.Lock(), Tally()

    def work(number: int) -> None:
        with bench(folder / f"worker-{number}", into) as own:
            while True:
                with lock:
                    seed = next(left, None)
                if seed is None:
                    return
                result = own.play(seed)
                with lock:
                    tally.results.append(result)
                    tell(result, tally)

    with ThreadPoolExecutor(jobs) as pool:
        for future in [pool.submit(work, number) for number in range(jobs)]:
            future.result()
    return tally


@contextmanager
def bench(folder: Path, into: Into) -> Iterator[Bench]:
    """A bench with the server that it takes."""
    folder.mkdir(parents=True, exist_ok=True)
    with ExitStack() as stack:
        stage = stack.enter_context(stages(into, folder))
        yield Bench(folder, stack.enter_context(Launcher()), into, stage)


class Bench:
    """One worker's destinations and zygote."""

    def __init__(self, folder: Path, launcher: Launcher, into: Into, stage: NewStage) -> None:
        self._folder = folder
        self._launcher = launcher
        self._into = into
        self._stage = stage
        self._paces: dict[bool, Pace] = {}

    def play(self, seed: int) -> Result:
        """One trial, and all promises."""
        planned = scenario(seed, OF[self._into], self._stage("none").operations)
        trial = self.trial(f"seed-{seed}", planned, self.pace(planned.variant.real))
        told = _told(trial)
        if not told:
            trial.remove()
        variant, into = planned.variant.name, self._into
        return Result(seed, into, variant, trial.runs, trial.kills, trial.terms, tuple(told), trial.folder)

    def trial(self, name: str, planned: Scenario, pace: Pace) -> Trial:
        """A trial in a folder, and a destination, of that name."""
        return Trial(planned, self._stage(name), self._folder / name, self._launcher, pace)

    def pace(self, real: bool) -> Pace:
        """How long runs take, found out by a trial without any trouble."""
        if real not in self._paces:
            undisturbed = Scenario(0, replace(_CALM, real=real), ())
            trial = self.trial(f"undisturbed-{real}", undisturbed, Pace(0, 0))
            if told := _told(trial):
                raise Failed("already undisturbed:\n" + "\n".join(told) + f"\nlook into {trial.folder}")
            whole, idle = trial.seconds[:2]
            self._paces[real] = Pace(idle, whole)
            trial.remove()
        return self._paces[real]


def _told(trial: Trial) -> list[str]:
    """Play it; what is broken, in words. A defect of the harness itself is one more."""
    try:
        trial.play()
        return packed_promises.broken(trial) if trial.stage.packed else broken(trial)
    except Failed as error:
        return [f"{error}: {trial.complaints.strip()[-2000:]}"]
    except Exception:  # noqa: BLE001  # the other seeds are to go on
        return [traceback.format_exc()]
