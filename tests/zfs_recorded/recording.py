"""Putting the recorded ``zfs`` on the PATH."""

from __future__ import annotations

import json
import os
import sys
import tomllib
from pathlib import Path
from typing import Any

HERE = Path(__file__).parent


class Recording:
    """What it answers, and what it was asked."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        folder.mkdir()
        program = folder / "zfs"
        source = (HERE / "fake_zfs.py").read_text()
        program.write_text(f"#!{sys.executable} -IS\n{source}")
        program.chmod(0o755)
        self._answers: list[dict[str, Any]] = []

    def __call__(self, *names: str) -> None:
        """Answer from these recordings, without ``.toml``; those before count first."""
        for name in names:
            self._add((HERE / "recordings" / f"{name}.toml").read_text(), first=False)

    def answer(self, text: str) -> None:
        """Add answers, in TOML, that count before all that are there."""
        self._add(text, first=True)

    def _add(self, text: str, *, first: bool) -> None:
        more = tomllib.loads(text)["answer"]
        self._answers = more + self._answers if first else self._answers + more
        (self._folder / "answers.json").write_text(json.dumps(self._answers))

    @property
    def path(self) -> str:
        """A PATH with it in front."""
        return os.pathsep.join((str(self._folder), os.environ.get("PATH", os.defpath)))

    @property
    def calls(self) -> list[list[str]]:
        """The arguments of each call until now. Fails where one had no answer."""
        unknown = [one["unknown"] for one in self._noted() if "unknown" in one]
        assert not unknown, f"no answer was recorded for zfs {unknown}"
        return [one["arguments"] for one in self._noted() if "arguments" in one]

    @property
    def environments(self) -> list[dict[str, str]]:
        """What each call saw."""
        return [one["environment"] for one in self._noted() if "environment" in one]

    @property
    def taken(self) -> list[int]:
        """Bytes of standard input of those that took some."""
        return [one["taken"] for one in self._noted() if "taken" in one]

    def _noted(self) -> list[dict[str, Any]]:
        log = self._folder / "calls"
        return [json.loads(line) for line in log.read_text().splitlines()] if log.exists() else []
