"""Measure what is promised, and print the table. How to run it is in README.md beside this file."""

from __future__ import annotations

import argparse
import os
import sys
from pathlib import Path
from tempfile import TemporaryDirectory

from .bench import Bench
from .cases import CASES
from .table import Row, machine, markdown


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    parser.add_argument("cases", nargs="*", metavar="CASE", help=f"of {', '.join(CASES)}; all by default")
    parser.add_argument("--rounds", type=int, default=3, help="how often each contender runs; medians count")
    parser.add_argument("--scale", type=float, default=1.0, help="of all sizes and counts, such as 0.01 to try it out")
    parser.add_argument("--folder", help="where to work; in memory where that can be, by default")
    arguments = parser.parse_args()
    if unknown := set(arguments.cases) - set(CASES):
        parser.error(f"no such case: {', '.join(sorted(unknown))}; there are {', '.join(CASES)}")
    shared = "/dev/shm" if os.access("/dev/shm", os.W_OK) else None  # noqa: S108  # a folder of our own in it
    rows: list[Row] = []
    for name in arguments.cases or CASES:
        sys.stderr.write(f"{name}\n")
        with TemporaryDirectory(prefix=f"{name}-", dir=arguments.folder or shared) as folder:
            rows += CASES[name](Bench(Path(folder), arguments.scale, arguments.rounds))
        sys.stderr.write("".join(f"  {line}\n" for line in markdown(rows).splitlines()[-1:]))
    sys.stdout.write(f"{machine()}\n\n{markdown(rows)}")
    return int(not all(row.met for row in rows))


if __name__ == "__main__":
    sys.exit(main())
