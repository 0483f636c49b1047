"""Looking through trees in which nothing has changed, beside ``find``."""

from __future__ import annotations

from collections.abc import Iterator

from glacier_backup.units import MIB

from ..bench import Bench, small_files
from ..measure import in_turns, took
from ..table import Row, at_most

CANDIDATES = 1_000


def unchanged(bench: Bench) -> Iterator[Row]:
    """Directories that are sent when they have changed, and haven't."""
    count, trees = bench.count(1_000_000), bench.folder / "trees"
    candidates = bench.count(CANDIDATES)
    small_files(trees, count, 10, in_a_folder=count // candidates)
    ini = bench.ini(
        "run",
        f"destination = {bench.made('there')}",
        f"[{trees}]\nupload_dirs = yes\nupload_if_changed = yes",
    )
    bench.program("-c", ini)
    turns = in_turns(
        bench.rounds,
        {
            "find": lambda: took(["find", trees, "-printf", "%s %T@\\n"]),
            "run": lambda: bench.program("-c", ini),
        },
        warm=True,
    )
    yield at_most(
        f"a run that finds nothing changed, {count:,} files below {candidates:,} candidates",
        turns.clocks("run", "find"),
        3,
        " × `find -printf`",
        f"{turns.clock('run'):.2f} s and {turns.clock('find'):.2f} s; "
        f"processor {turns.processors('run', 'find'):.2f} ×; peak {turns.peak('run') // MIB} MiB",
    )
