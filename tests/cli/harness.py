"""Running the program as a user would, in this process or in one of its own."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from glacier_backup.cli.main import main

REPOSITORY = Path(__file__).resolve().parents[2]


@dataclass(frozen=True)
class Ran:
    """What a command line did."""

    code: int
    out: str
    err: str

    @property
    def json(self) -> Any:
        return json.loads(self.out)

    def results(self) -> dict[str, str]:
        """Path → ``sent``, ``failed`` or ``skipped``."""
        return {one["path"]: one["result"] for one in self.json["plan"]}

    def actions(self) -> dict[str, str]:
        """Path → ``upload`` or ``skip``."""
        return {one["path"]: one["action"] for one in self.json["plan"]}

    def reasons(self) -> dict[str, str]:
        return {one["path"]: one["reason"] for one in self.json["plan"]}

    def sent(self) -> set[str]:
        return {path for path, result in self.results().items() if result == "sent"}


class Cli:
    """``glacier-backup``, in this process; what it prints is captured."""

    def __init__(self, capsys: pytest.CaptureFixture[str], folder: Path) -> None:
        self._capsys = capsys
        self.folder = folder

    def __call__(self, *argv: str | Path) -> Ran:
        self._capsys.readouterr()
        code = main([str(word) for word in argv])
        out, err = self._capsys.readouterr()
        return Ran(code, out, err)

    def ini(self, text: str, name: str = "backup.ini") -> Path:
        """An INI file with ``text``; ``{data}`` in it is a folder for the sources, ``{here}`` that of the file."""
        path = self.folder / name
        data = self.folder / "data"
        data.mkdir(exist_ok=True)
        path.write_text(text.replace("{data}", str(data)).replace("{here}", str(self.folder)))
        return path

    @property
    def data(self) -> Path:
        """The folder for the sources."""
        data = self.folder / "data"
        data.mkdir(exist_ok=True)
        return data


def start(*argv: str | Path, environ: Mapping[str, str] | None = None, **options: Any) -> subprocess.Popen[str]:
    """``glacier-backup`` in a process of its own, with pipes for its output and no input."""
    return subprocess.Popen(
        [sys.executable, "-m", "glacier_backup", *map(str, argv)],
        cwd=REPOSITORY,
        env={**os.environ, **(environ or {})},
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        **options,
    )


def wait_until(holds: Callable[[], bool], process: subprocess.Popen[str], seconds: float = 60) -> None:
    """Wait until ``holds()`` while ``process`` works; if it ends before, or takes longer, fail with its output."""
    deadline = time.monotonic() + seconds
    over = False
    while not holds():
        if over:
            process.kill()
            ran = finish(process, 10)
            pytest.fail(f"it ended too early or took over {seconds} s: status {ran.code}\n{ran.out}\n{ran.err}")
        over = process.poll() is not None or time.monotonic() > deadline  # then one last look
        time.sleep(0.01)


def finish(process: subprocess.Popen[str], timeout: float = 120) -> Ran:
    """Wait for it."""
    out, err = process.communicate(timeout=timeout)
    return Ran(process.returncode, out, err)
