"""Two S3 servers, each a process that a test run starts and ends: moto's, and ``rclone serve s3``."""

from __future__ import annotations

import re
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO

_REPOSITORY = Path(__file__).resolve().parents[2]
_LISTENS = re.compile(r"(https?://127\.0\.0\.1:\d+)")
RCLONE = Path(sys.executable).with_name("rclone")


@contextmanager
def moto() -> Iterator[str]:
    """The address of moto's server, which knows storage classes, and thaws at once."""
    command = [sys.executable, "-m", "tests.s3_servers"]
    with subprocess.Popen(
        command, cwd=_REPOSITORY, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True
    ) as process:
        yield from _running(process, process.stdout)


@contextmanager
def rclone(root: Path, *options: str) -> Iterator[str]:
    """The address of a store that keeps its objects as files below ``root``, and honours little of what S3 does."""
    command = [str(RCLONE), "serve", "s3", "--addr", "127.0.0.1:0", "--config", "/dev/null", *options, str(root)]
    with subprocess.Popen(
        command, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True
    ) as process:
        yield from _running(process, process.stderr)


def _running(process: subprocess.Popen[str], said: IO[str] | None) -> Iterator[str]:
    assert said
    try:
        for line in said:
            if found := _LISTENS.search(line):
                yield found[1]
                return
        raise RuntimeError(f"{process.args!r} did not start")
    finally:
        process.kill()
