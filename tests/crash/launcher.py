"""Start the program from a test, and stop it at a moment: the near side of :mod:`tests.crash.zygote`."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from types import TracebackType

REPOSITORY = Path(__file__).resolve().parents[2]
DEADLINE = 60.0
"""Seconds until a run counts as hung; a few before, its threads' stacks go to its standard error."""
READ_TIMEOUT = 30.0
"""Seconds that the program waits for an answer, unless told otherwise: more than a busy machine takes."""


@dataclass(frozen=True)
class Stop:
    """A signal to the program's process group."""

    signal: int
    seconds: float
    """After the start, at the latest."""
    operation: str | None = None
    nth: int = 0
    """With the nth request for that operation…"""
    delay: float = 0.0
    """… and so many seconds."""
    journal: str = ""
    """Of the server, which says what requests there were."""


@dataclass(frozen=True)
class Start:
    """One command line. Output is appended to files."""

    argv: Sequence[str]
    cwd: str
    environ: Mapping[str, str]
    out: str
    err: str
    stop: Stop | None = None
    seed: int = 0
    """Of the program's own dice: its waits."""
    real: bool = False
    """Whether to start a new interpreter, with all waits as they are."""
    read_timeout: float = READ_TIMEOUT
    deadline: float = DEADLINE


@dataclass(frozen=True)
class Ended:
    """How a run ended."""

    status: int
    """Exit code, or minus the signal that ended it."""
    seconds: float
    stopped: bool
    """Whether it was there when the signal was sent."""
    hung: bool


class Launcher:
    """A zygote at work; a context manager. For one thread."""

    def __enter__(self) -> Launcher:
        self._process = subprocess.Popen(
            [sys.executable, "-m", "tests.crash.zygote"],
            cwd=REPOSITORY,
            # Measured, it might be stopped by a signal while it holds the measure's own lock, and hang for ever.
            env={name: value for name, value in os.environ.items() if not name.startswith(("COVERAGE_", "COV_"))},
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        with self._process as process:
            assert process.stdin
            process.stdin.close()

    def run(self, start: Start) -> Ended:
        """Run a command line to its end, whatever that is."""
        assert self._process.stdin
        assert self._process.stdout
        self._process.stdin.write(json.dumps(asdict(start)) + "\n")
        self._process.stdin.flush()
        line = self._process.stdout.readline()
        if not line:
            raise RuntimeError("the zygote has died; its last words are on standard error")
        return Ended(**json.loads(line))
