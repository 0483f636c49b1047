"""`python -m tests.crash --seeds 0-999 --jobs 2`: trials by hand, with progress. Exit code 1 if a promise is broken."""

from __future__ import annotations

import argparse
import sys
import tempfile
import time
from pathlib import Path
from typing import get_args

from tests.crash.batch import Result, Tally, run_batch
from tests.crash.into import Into


def seeds(text: str) -> range:
    """``7`` or ``0-999``; raises ValueError."""
    first, _, last = text.partition("-")
    return range(int(first), int(last or first) + 1)


def main() -> int:
    """Read the command line, play, say what came of it."""
    parser = argparse.ArgumentParser(prog="python -m tests.crash", description=__doc__)
    parser.add_argument("--seeds", type=seeds, default=range(100), metavar="N-M", help="0-99 unless told")
    parser.add_argument("--jobs", type=int, default=2, help="trials at a time")
    parser.add_argument("--into", choices=get_args(Into), default="vault", help="where archives go")
    parser.add_argument("--folder", type=Path, help="where trials are played, and kept when they fail")
    given = parser.parse_args()
    folder = given.folder or Path(tempfile.mkdtemp(prefix="crash-"))
    begun = time.monotonic()

    def tell(result: Result, tally: Tally) -> None:
        seconds = time.monotonic() - begun
        print(f"{len(tally.results)} of {len(given.seeds)}: {tally.kills} kills in {seconds:.0f} s; ", end="")
        print(f"seed {result.seed} ({result.variant}): {result.kills} kills, {result.terms} SIGTERM, ", end="")
        print("BROKEN" if result.broken else "ok", flush=True)
        if result.broken:
            print(result.words, flush=True)

    tally = run_batch(given.seeds, folder, into=given.into, jobs=given.jobs, tell=tell)
    print(f"{len(tally.results)} trials, {tally.runs} runs, {tally.kills} kills, {tally.terms} SIGTERM, ", end="")
    print(f"{len(tally.failures)} broken, {time.monotonic() - begun:.0f} s; seeds {given.seeds[0]}-{given.seeds[-1]}")
    for result in tally.failures:
        print(result.words)
    return 1 if tally.failures else 0


if __name__ == "__main__":
    sys.exit(main())
