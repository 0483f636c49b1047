"""What whole processes take: by the clock, of the processor and of memory, in turns."""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from statistics import median
from typing import NamedTuple

REPOSITORY = Path(__file__).resolve().parents[1]


class Took(NamedTuple):
    """What a command took, with all that it started and waited for."""

    clock: float
    """Seconds."""
    processor: float
    """Seconds, of user and system together."""
    peak: int
    """Bytes resident, of the largest of its processes."""


class Failed(Exception):
    """A command that was measured didn't do what it should."""


def took(
    command: Sequence[str | Path], *, environ: Mapping[str, str] | None = None, cwd: Path = REPOSITORY, code: int = 0
) -> Took:
    """Run ``command``, whose output nobody reads, with ``environ`` on top of ours. Failed when it ends otherwise than
    with ``code``, with the last that it said."""
    with tempfile.TemporaryFile() as said:
        begun = time.perf_counter()
        process = subprocess.Popen(
            [str(word) for word in command],
            cwd=cwd,
            env={**os.environ, **(environ or {})},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=said,
        )
        _, status, usage = os.wait4(process.pid, 0)
        clock = time.perf_counter() - begun
        process.returncode = os.waitstatus_to_exitcode(status)
        if process.returncode != code:
            said.seek(0)
            words = said.read()[-2000:].decode(errors="replace")
            raise Failed(f"exit code {process.returncode} of {command[0]} …: {words}")
    return Took(clock, usage.ru_utime + usage.ru_stime, usage.ru_maxrss * 1024)


class Turns:
    """What came of contenders that ran in turns, a round each time."""

    def __init__(self, rounds: list[dict[str, Took]]) -> None:
        self._rounds = rounds

    def clock(self, name: str) -> float:
        """The median, in seconds."""
        return median(one[name].clock for one in self._rounds)

    def processor(self, name: str) -> float:
        """The median, in seconds."""
        return median(one[name].processor for one in self._rounds)

    def peak(self, name: str) -> int:
        """The largest, in bytes."""
        return max(one[name].peak for one in self._rounds)

    def clocks(self, name: str, other: str) -> float:
        """How many times as long as ``other`` it took by the clock: the median of the rounds."""
        return median(one[name].clock / one[other].clock for one in self._rounds)

    def processors(self, name: str, other: str) -> float:
        """How many times as much of the processor: the median of the rounds."""
        return median(one[name].processor / one[other].processor for one in self._rounds)


def in_turns(rounds: int, contenders: Mapping[str, Callable[[], Took]], *, warm: bool = False) -> Turns:
    """Let each contender run once a round, after one that doesn't count where they are to be ``warm``."""
    if warm:
        for run in contenders.values():
            run()
    taken = []
    for number in range(rounds):
        taken.append({name: run() for name, run in contenders.items()})
        words = ", ".join(f"{name} {one.clock:.2f} s ({one.processor:.2f} s)" for name, one in taken[-1].items())
        sys.stderr.write(f"  round {number + 1}, by the clock (processor): {words}\n")
    return Turns(taken)
