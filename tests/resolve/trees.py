"""Real trees for the tests, and a way to look at them without root's power to read everything."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterable
from pathlib import Path

from glacier_backup.model.candidate import Candidate, PassedOver, Resolved
from glacier_backup.model.reason import SkipReason

CAPABILITIES = "-dac_override,-dac_read_search"


def write(path: Path, content: str = "") -> Path:
    """A file at ``path``, with the directories above it."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(content)
    return path


def candidates(resolved: Iterable[Resolved]) -> list[tuple[str, str]]:
    """Path and kind of those that are candidates."""
    return [(found.path, found.kind) for found in resolved if isinstance(found, Candidate)]


def passed_over(resolved: Iterable[Resolved]) -> dict[str, SkipReason]:
    """Path and reason of those that are not."""
    return {found.path: found.reason for found in resolved if isinstance(found, PassedOver)}


def as_ordinary_user(code: str, *arguments: object) -> str:
    """What ``code`` prints in a Python that permissions hold for; ``arguments`` are its ``sys.argv[1:]``."""
    command = [sys.executable, "-c", code, *(str(argument) for argument in arguments)]
    if os.geteuid() == 0:
        command = ["setpriv", f"--bounding-set={CAPABILITIES}", f"--inh-caps={CAPABILITIES}", *command]
    done = subprocess.run(command, check=True, capture_output=True, text=True, env=os.environ | {"PYTHONPATH": "."})
    return done.stdout.strip()
