"""What whole processes take: by the clock, of the processor and of memory, in turns."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tempfile
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


_WATCH = """
import os, sys, time
begun = time.perf_counter()
process = os.posix_spawn(sys.argv[2], sys.argv[2:], os.environ)
_, status, usage = os.wait4(process, 0)
clock = time.perf_counter() - begun
with open(int(sys.argv[1]), "w") as report:
    print(os.waitstatus_to_exitcode(status), clock, usage.ru_utime + usage.ru_stime, usage.ru_maxrss, file=report)
"""
"""Starts a program and tells what it took. It has next to nothing in memory: the kernel counts what whoever starts a
process has there as that process's own."""


def took(
    command: Sequence[str | Path], *, environ: Mapping[str, str] | None = None, cwd: Path = REPOSITORY, code: int = 0
) -> Took:
    """Run ``command``, whose output nobody reads, with ``environ`` on top of ours. Failed when it ends otherwise than
    with ``code``, with the last that it said. What Python compiles is kept, as on a user's machine."""
    program = shutil.which(command[0])
    if program is None:
        raise Failed(f"{command[0]} isn't installed")
    with tempfile.TemporaryFile() as said, tempfile.TemporaryFile("w+") as report:
        subprocess.run(
            [sys.executable, "-I", "-S", "-c", _WATCH, str(report.fileno()), program, *map(str, command[1:])],
            cwd=cwd,
            env={**os.environ, "PYTHONDONTWRITEBYTECODE": "", **(environ or {})},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=said,
            pass_fds=(report.fileno(),),
            check=True,
        )
        report.seek(0)
        ended, clock, processor, peak = report.read().split()
        if int(ended) != code:
            said.seek(0)
            words = said.read()[-2000:].decode(errors="replace")
            raise Failed(f"exit code {ended} of {command[0]} …: {words}")
    return Took(float(clock), float(processor), int(peak) * 1024)


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
