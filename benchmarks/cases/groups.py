"""Small files put together by their prefixes: planned beside listing the tree, and sent beside packing it."""

from __future__ import annotations

import os
import random
from collections.abc import Iterator
from pathlib import Path
from shutil import rmtree

from glacier_backup.units import MIB

from ..bench import Bench, forget
from ..measure import Took, in_turns, took
from ..table import Row, at_least, at_most

SIZES = (80, 150, 300, 700, 1500)
IN_A_FOLDER = 4
FOLDERS = 256
"""Of a repository."""


def groups(bench: Bench) -> Iterator[Row]:
    """A forest of git objects: planned, sent, planned again, and sent with one file changed."""
    count, tree = bench.count(1_000_000), bench.folder / "tree"
    _forest(tree, count)
    there, catalog = bench.folder / "there", bench.folder / "run.sqlite3"
    ini = bench.ini("run", f"destination = {there}", f"[{tree}]\nupload_tree = yes\ngroup_files_smaller_than = 1 MiB")
    there.mkdir()
    yield from _plan(bench, "the first plan of", count, tree, ini)

    def ours() -> Took:
        rmtree(there)
        forget(catalog)
        there.mkdir()
        return bench.program("-c", ini)

    zipped = ["sh", "-c", f"zip -q -0 -r - . > {bench.folder}/zip"]
    turns = in_turns(bench.rounds, {"zip": lambda: took(zipped, cwd=tree), "run": ours})
    yield at_least(
        f"{count:,} small files sent in groups",
        1 / turns.clocks("run", "zip"),
        0.4,
        " × `zip -0 -r -`, in files/s",
        f"{count / turns.clock('run'):,.0f} files/s and {count / turns.clock('zip'):,.0f}; "
        f"processor {turns.processors('run', 'zip'):.2f} ×; peak {turns.peak('run') // MIB} MiB",
    )
    yield from _plan(bench, "the plan when all are sent, of", count, tree, ini)
    sent, seconds = _sent_by_another_run(bench, ini)
    yield at_most("groups sent when nothing has changed", sent, 0, "", f"the run took {seconds:.1f} s")
    name = next(Path(folder, names[0]) for folder, _, names in os.walk(tree) if names)
    os.utime(name, (1, 1))
    sent, seconds = _sent_by_another_run(bench, ini)
    yield at_most(
        "groups sent when one file has changed",
        abs(sent - 1),
        0,
        " more, or fewer, than one",
        f"the run took {seconds:.1f} s",
    )


def _plan(bench: Bench, what: str, count: int, tree: Path, ini: Path) -> Iterator[Row]:
    turns = in_turns(
        bench.rounds,
        {
            "find": lambda: took(["find", tree, "-printf", "%s %T@ %p\\n"]),
            "plan": lambda: bench.program("--dryrun", "-c", ini),
        },
        warm=True,
    )
    yield at_most(
        f"{what} {count:,} small files in groups",
        turns.clocks("plan", "find"),
        5,
        " × `find -printf`",
        f"{turns.clock('plan'):.2f} s and {turns.clock('find'):.2f} s; "
        f"processor {turns.processors('plan', 'find'):.2f} ×",
    )
    yield at_most(f"memory of {what} as many", turns.peak("plan") / MIB, 400, " MiB", "peak, resident")


def _sent_by_another_run(bench: Bench, ini: Path) -> tuple[int, float]:
    """How many groups, and in how many seconds."""
    before = _archives(bench)
    taken = bench.program("-c", ini)
    return len(_archives(bench) - before), taken.clock


def _archives(bench: Bench) -> set[tuple[Path, int]]:
    """With when each was stored: a version that is replaced may keep its name."""
    return {(one, one.stat().st_mtime_ns) for one in (bench.folder / "there").rglob("*.zip*")}


def _forest(folder: Path, count: int) -> None:
    """As git keeps its objects: files of a kilobyte or so in 256 folders of each repository."""
    source = random.Random(1)  # noqa: S311  # the same each time
    for number in range(0, count, IN_A_FOLDER):
        repository, letters = divmod(number // IN_A_FOLDER, FOLDERS)
        inner = folder / f"repo{repository:04d}" / ".git" / "objects" / f"{letters:02x}"
        inner.mkdir(parents=True)
        for _ in range(min(IN_A_FOLDER, count - number)):
            with open(inner / f"{source.getrandbits(152):038x}", "wb", buffering=0) as file:
                file.write(source.randbytes(source.choice(SIZES)))
