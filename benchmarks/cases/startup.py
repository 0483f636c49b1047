"""How long the program takes before it does anything, and a run that finds nothing to do."""

from __future__ import annotations

import sys
from collections.abc import Iterator

from glacier_backup.units import MIB

from ..bench import SCRIPT, Bench, small_files
from ..measure import in_turns, took
from ..table import Row, at_most

OFTEN = 7
"""As many times the rounds as asked for: each takes less than a second."""


def words(bench: Bench) -> Iterator[Row]:
    """``--version`` and ``--help``."""
    turns = in_turns(
        bench.rounds * OFTEN,
        {
            "python": lambda: took([sys.executable, "-c", "pass"]),
            "--version": lambda: took([SCRIPT, "--version"]),
            "--help": lambda: took([SCRIPT, "--help"]),
        },
        warm=True,
    )
    for option in ("--version", "--help"):
        more = 1000 * (turns.clock(option) - turns.clock("python"))
        yield at_most(
            f"`{option}`", more, 60, " ms above `python -c pass`", f"python alone {1000 * turns.clock('python'):.0f} ms"
        )


def nothing_to_do(bench: Bench) -> Iterator[Row]:
    """A cron run over candidates that have all been sent."""
    count = bench.count(10_000)
    small_files(bench.made("many"), count, 100)
    there = bench.made("there")
    ini = bench.ini("run", f"destination = {there}", f"[{bench.folder / 'many'}]\nupload_files = yes")
    bench.program("-c", ini)
    turns = in_turns(
        bench.rounds * OFTEN,
        {
            "sqlalchemy": lambda: took([sys.executable, "-c", "import sqlalchemy"]),
            "run": lambda: bench.program("-c", ini),
        },
        warm=True,
    )
    yield at_most(
        f"a run that finds nothing to do, {count:,} candidates",
        turns.clocks("run", "sqlalchemy"),
        3,
        " × `import sqlalchemy`",
        f"{turns.clock('run'):.2f} s for {turns.clock('sqlalchemy'):.2f} s; peak {turns.peak('run') // MIB} MiB",
    )
