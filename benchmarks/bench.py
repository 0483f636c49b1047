"""Where a benchmark works, how large it is, and the programs that it runs."""

from __future__ import annotations

import os
import random
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from glacier_backup.units import MIB

from .measure import Took, took

SCRIPT = Path(sys.executable).with_name("glacier-backup")
"""Ours, as a user starts it."""


@dataclass(frozen=True)
class Bench:
    """Passed to every case."""

    folder: Path
    """Empty, and removed when the case ends."""
    scale: float
    """1.0 for what is promised; less to try a benchmark out."""
    rounds: int
    """How often each contender runs."""

    def count(self, whole: int) -> int:
        """So many files, candidates, members, but at least one, as ``whole`` at this scale."""
        return max(1, int(whole * self.scale))

    def size(self, whole: int) -> int:
        """So many bytes, whole MiB and at least one, as ``whole`` at this scale."""
        return max(1, int(whole * self.scale) // MIB) * MIB

    def made(self, name: str) -> Path:
        """A new folder in that of the case."""
        path = self.folder / name
        path.mkdir(parents=True)
        return path

    def ini(self, name: str, main: str, sections: str) -> Path:
        """A configuration with a catalog of its own, ``NAME.sqlite3``, and no log."""
        path = self.folder / f"{name}.ini"
        path.write_text(f"[main]\ncatalog = {self.folder}/{name}.sqlite3\nlogfile =\n{main}\n{sections}\n")
        return path

    def program(self, *arguments: str | Path, environ: Mapping[str, str] | None = None, code: int = 0) -> Took:
        """One run of ours."""
        return took([sys.executable, "-m", "glacier_backup", *arguments], environ=environ, code=code)


def forget(catalog: Path) -> None:
    """Remove a catalog, as if nothing had ever been sent."""
    for suffix in ("", "-wal", "-shm", ".lock"):
        Path(f"{catalog}{suffix}").unlink(missing_ok=True)


def noise(path: Path, size: int) -> None:
    """A file of ``size`` bytes, a multiple of 1 MiB, that nothing shrinks; the same each time."""
    source = random.Random(9)  # noqa: S311  # the same each time
    block = source.randbytes(2 * MIB)
    with path.open("wb", buffering=0) as file:
        for at in range(0, size, len(block)):
            os.pwrite(file.fileno(), at.to_bytes(8, "big") + block[8 : min(len(block), size - at)], at)


def small_files(top: Path, count: int, size: int, in_a_folder: int = 0) -> None:
    """``count`` files of ``size`` bytes, all in ``top``, or ``in_a_folder`` in each folder below it."""
    content = random.Random(9).randbytes(size)  # noqa: S311
    per_folder = in_a_folder or count
    for first in range(0, count, per_folder):
        folder = top / f"{first // per_folder:05}" if in_a_folder else top
        folder.mkdir(parents=True, exist_ok=True)
        directory = os.open(folder, os.O_DIRECTORY)
        for number in range(first, min(first + per_folder, count)):
            name = f"{number * 7919 % 10**7:07}-photo.jpg"
            file = os.open(name, os.O_CREAT | os.O_WRONLY, 0o600, dir_fd=directory)
            os.write(file, content)
            os.close(file)
        os.close(directory)
