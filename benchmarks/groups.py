"""Small files put together by their prefixes: how long planning takes beside listing the tree, how much memory, and how
fast they are sent beside packing them, against what is promised.

How to run it is in README.md beside this file.
"""

from __future__ import annotations

import argparse
import os
import random
import subprocess
import sys
import time
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import NamedTuple

REPOSITORY = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(REPOSITORY))

from glacier_backup.units import MIB, format_size  # noqa: E402  # found only now

PLAN = 5.0
"""Times that of ``find``, at most."""
SEND = 0.4
"""Times the files a second of ``zip -0``, at least."""
PEAK = 400 * MIB

SIZES = (80, 150, 300, 700, 1500)

PROGRAM = """
import re, sys, time
from glacier_backup.cli import wiring
from glacier_backup.config.load import load
settings = load(sys.argv[1], overrides={}, environ={})
begun = time.perf_counter()
if sys.argv[2] == "plan":
    plan = wiring.plan_backup(settings)
    uploads, files = plan.uploads, plan.files
else:
    summary = wiring.run_backup(settings)
    uploads, files = summary.sent, summary.files
seconds = time.perf_counter() - begun
with open("/proc/self/status") as status:
    print(uploads, files, seconds, time.process_time(), re.search(r"VmHWM:\\s+(\\d+)", status.read())[1])
"""


class Took(NamedTuple):
    """What a command took."""

    seconds: float
    cpu: float
    """Seconds, too."""


class Measured(NamedTuple):
    """One run."""

    uploads: int
    files: int
    seconds: float
    cpu: float
    """Seconds, of the whole process."""
    peak: int
    """Bytes."""


def forest(folder: Path, count: int) -> None:
    """As git keeps its objects: files of a kilobyte or so in 256 folders of each repository."""
    source, made, number = random.Random(1), 0, 0  # noqa: S311  # the same each time
    while made < count:
        for letters in range(256):
            inner = folder / f"repo{number:04d}" / ".git" / "objects" / f"{letters:02x}"
            inner.mkdir(parents=True)
            for _ in range(min(4, count - made)):
                with open(inner / f"{source.getrandbits(152):038x}", "wb", buffering=0) as file:
                    file.write(source.randbytes(source.choice(SIZES)))
                made += 1
            if made == count:
                return
        number += 1


class Bench:
    """A tree, and where it goes."""

    def __init__(self, folder: Path, count: int) -> None:
        self.tree = folder / "tree"
        forest(self.tree, count)
        self.config = folder / "groups.ini"
        self.config.write_text(
            f"[main]\ndestination = {folder}/there\ncatalog = {folder}/catalog.sqlite3\nlogfile =\n"
            f"[{self.tree}]\nupload_tree = yes\ngroup_files_smaller_than = 1 MiB\n"
        )
        (folder / "there").mkdir()

    def find(self) -> Took:
        return _took(["find", str(self.tree), "-printf", "%s %T@ %p\\n"], Path(os.devnull))

    def zip(self) -> Took:
        """To the disk that groups go to, too."""
        made = self.tree.with_name("zip")
        try:
            return _took(["zip", "-q", "-0", "-r", "-", "."], made, self.tree)
        finally:
            made.unlink(missing_ok=True)

    def measure(self, what: str) -> Measured:
        """A plan, or a run."""
        told = subprocess.run(
            [sys.executable, "-c", PROGRAM, str(self.config), what],
            cwd=REPOSITORY,
            capture_output=True,
            text=True,
            check=True,
        ).stdout.split()[-5:]
        return Measured(int(told[0]), int(told[1]), float(told[2]), float(told[3]), int(told[4]) * 1024)

    def change_one(self) -> None:
        name = next(str(Path(folder, names[0])) for folder, _, names in os.walk(self.tree) if names)
        os.utime(name, (1, 1))


def _took(command: list[str], output: Path, folder: Path | None = None) -> Took:
    begun, before = time.perf_counter(), os.times()
    with output.open("wb") as file:
        subprocess.run(command, cwd=folder, stdout=file, check=True)
    after = os.times()
    cpu = after.children_user + after.children_system - before.children_user - before.children_system
    return Took(time.perf_counter() - begun, cpu)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--count", type=int, default=1_000_000, help="files")
    parser.add_argument("--folder", help="where to make them; a temporary one by default")
    parser.add_argument("--plans", action="store_true", help="don't send anything")
    arguments = parser.parse_args()
    with TemporaryDirectory(prefix="groups-", dir=arguments.folder) as folder:
        bench = Bench(Path(folder), arguments.count)
        kept = [_plan("first plan", bench)]
        if not arguments.plans:
            kept += [_send(bench, arguments.count), _plan("second plan", bench, uploads=0), _one_changed(bench)]
    return 0 if all(kept) else 1


def _plan(what: str, bench: Bench, uploads: int | None = None) -> bool:
    bench.find()  # so that both find all in memory
    listing = bench.find()
    planned = bench.measure("plan")
    times, peak = planned.seconds / listing.seconds, planned.peak
    _say(
        what,
        f"{planned.seconds:.1f} s, {times:.1f} x find ({listing.seconds:.1f} s); "
        f"CPU {planned.cpu:.1f} and {listing.cpu:.1f} s; peak {format_size(peak)}",
    )
    return times <= PLAN and peak <= PEAK and uploads in (None, planned.uploads)


def _send(bench: Bench, count: int) -> bool:
    packing = bench.zip()
    sent = bench.measure("run")
    times = packing.seconds / sent.seconds
    _say(
        "sending",
        f"{sent.seconds:.1f} s, {sent.uploads} groups, {count / sent.seconds:,.0f} files/s, {times:.2f} x zip -0 "
        f"({count / packing.seconds:,.0f} files/s); CPU {sent.cpu:.1f} and {packing.cpu:.1f} s; "
        f"peak {format_size(sent.peak)}",
    )
    return sent.files == count and times >= SEND


def _one_changed(bench: Bench) -> bool:
    bench.change_one()
    sent = bench.measure("run")
    _say("one changed", f"{sent.seconds:.1f} s, {sent.uploads} group of {sent.files} files")
    return sent.uploads == 1


def _say(what: str, came: str) -> None:
    sys.stdout.write(f"{what:12}  {came}\n")
    sys.stdout.flush()


if __name__ == "__main__":
    sys.exit(main())
