"""A directory of small files, packed and sent, beside GNU tar with the same options."""

from __future__ import annotations

import os
import shlex
from collections.abc import Iterator
from pathlib import Path
from shutil import rmtree

from glacier_backup.pack.block_counts import blocks_are_counted
from glacier_backup.pack.gnu_tar import SPARSE, arguments, environment
from glacier_backup.units import MIB

from ..bench import Bench, forget, small_files
from ..measure import Took, in_turns, took
from ..table import Row, at_least


def directory(bench: Bench) -> Iterator[Row]:
    """One directory, to a vault on this machine."""
    count, files = bench.count(500_000), bench.folder / "files"
    small_files(files, count, 1000)
    there, catalog = bench.folder / "there", bench.folder / "run.sqlite3"
    ini = bench.ini("run", f"destination = {there}", f"[{files}]\nupload_single_dir = yes")

    def ours() -> Took:
        rmtree(there, ignore_errors=True)
        forget(catalog)
        there.mkdir()
        return bench.program("-c", ini)

    tar = ["sh", "-c", f"{_tar(files, bench.folder / 'index')} | cat"]
    turns = in_turns(bench.rounds, {"tar": lambda: took(tar, environ=environment(), cwd=files), "run": ours})
    yield at_least(
        f"{count:,} files of 1 kB in one directory, packed and sent to a local vault",
        1 / turns.clocks("run", "tar"),
        0.5,
        " × `tar \\| cat`, in files/s",
        f"{count / turns.clock('run'):,.0f} files/s and {count / turns.clock('tar'):,.0f}; "
        f"processor {turns.processors('run', 'tar'):.2f} ×; peak {turns.peak('run') // MIB} MiB; "
        f"catalog {os.stat(catalog).st_size / count:.0f} B a file",
    )


def _tar(folder: Path, index: Path) -> str:
    """With every option that ours has, the list of members too."""
    options = SPARSE if blocks_are_counted(str(folder)) else ()
    return shlex.join(arguments(("--", "."), r"^\.", folder.name, index=str(index), options=options))
