"""Other programs that work with the same catalog."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path

_ROOT = Path(__file__).parents[2]

# root may write everywhere unless it gives that up
_AS_ANYBODY = ["setpriv", "--bounding-set=-dac_override,-dac_read_search", "--inh-caps=-dac_override,-dac_read_search"]


def run_as_anybody(code: str, *arguments: str) -> str:
    """What Python code prints when permissions count for it."""
    command = [sys.executable, "-c", code, *arguments]
    if os.geteuid() == 0:
        command = [*_AS_ANYBODY, *command]
    done = subprocess.run(command, cwd=_ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout


def running(code: str, *arguments: str) -> AbstractContextManager[subprocess.Popen[str]]:
    """Python code at work in another process, from its first line of output on; killed at the end."""
    return _running("-c", code, *arguments)


def running_module(name: str, *arguments: str) -> AbstractContextManager[subprocess.Popen[str]]:
    """A module at work in another process, likewise."""
    return _running("-m", name, *arguments)


@contextmanager
def _running(*arguments: str) -> Iterator[subprocess.Popen[str]]:
    command = [sys.executable, *arguments]
    with subprocess.Popen(command, cwd=_ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        process.stdout.readline()
        try:
            yield process
        finally:
            process.kill()
