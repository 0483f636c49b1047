"""Bringing back what was packed, from a vault on this machine, beside unpacking the same archive with tar."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from shutil import rmtree

from glacier_backup.units import GIB, MIB

from ..bench import Bench, noise, small_files
from ..measure import Took, Turns, in_turns, took
from ..table import Row, at_least

IN_A_FOLDER = 1_000


def small(bench: Bench) -> Iterator[Row]:
    """Many small files."""
    count, files = bench.count(500_000), bench.folder / "files"
    small_files(files, count, 1000, in_a_folder=IN_A_FOLDER)
    turns = _compared(bench, files)
    yield at_least(
        f"unpacking {count:,} files of 1 kB",
        1 / turns.clocks("restore", "tar"),
        0.5,
        " × `tar -xf`, in files/s",
        f"{count / turns.clock('restore'):,.0f} files/s and {count / turns.clock('tar'):,.0f}; {_more(turns)}",
    )


def large(bench: Bench) -> Iterator[Row]:
    """One large file, whose bytes are checked on the way: tar checks nothing."""
    size, files = bench.size(2 * GIB), bench.made("files")
    noise(files / "large", size)
    turns = _compared(bench, files)
    yield at_least(
        f"unpacking one file of {size // MIB:,} MiB",
        1 / turns.clocks("restore", "tar"),
        0.25,
        " × `tar -xf`",
        f"{size / MIB / turns.clock('restore'):,.0f} MiB/s and {size / MIB / turns.clock('tar'):,.0f}; {_more(turns)}",
    )


def _compared(bench: Bench, files: Path) -> Turns:
    """A restore of ``files``, which are removed once they are sent, and tar's own unpacking of the same archive."""
    ini = bench.ini("run", f"destination = {bench.made('there')}", f"[{files}]\nupload_single_dir = yes")
    bench.program("-c", ini)
    rmtree(files)
    (archive,) = (bench.folder / "there").rglob("*.tar")
    back = bench.folder / "back"

    def cleared() -> Path:
        rmtree(back, ignore_errors=True)
        back.mkdir()
        return back

    def tar() -> Took:
        return took(["tar", "-xpf", archive, "-C", cleared(), "--xattrs", "--acls", "--numeric-owner"])

    def restore() -> Took:
        return bench.program("restore", "-c", ini, "--to", cleared())

    return in_turns(bench.rounds, {"tar": tar, "restore": restore})


def _more(turns: Turns) -> str:
    return f"processor {turns.processors('restore', 'tar'):.2f} ×; peak {turns.peak('restore') // MIB} MiB"
