"""A dataset sent by hand, ``zfs send | openssl enc | split``, and by a run of ours to a directory, in turns, as whole
processes: what each takes by the clock and of the processor, against what is promised.

How to run it is in README.md beside this file.
"""

from __future__ import annotations

import argparse
import os
import random
import shutil
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory
from typing import NamedTuple

REPOSITORY = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(REPOSITORY))

from glacier_backup.units import GIB, MIB, parse_size  # noqa: E402  # found only now
from tests.zfs_fuse.pool import Made, Pool, pool_in, sent  # noqa: E402

SPEED = 0.9
"""Of that of the commands by hand, at least."""
PROCESSOR = 1.2
"""Times theirs, at most. What the ZFS of the tests takes itself, in a process of its own, counts for neither."""

BY_HAND = """
set -euo pipefail
cd "$3"
PATH="$PATH:/usr/sbin:/sbin"
zfs send -I "$1" "$2" | openssl enc -aes-256-cbc -md sha512 -pbkdf2 -iter 250000 -pass "file:$4" |
    split --bytes=4G --suffix-length=6 - "ds-part-"
"""


class Took(NamedTuple):
    """What a command took, in seconds."""

    clock: float
    processor: float


class Bench:
    """A dataset of which next to nothing was sent, as a baseline, and all the rest is the next increment."""

    def __init__(self, pool: Pool, folder: Path, size: int) -> None:
        self.dataset = pool.filesystem("bench")
        self.work, self.before, self.password = folder / "work", folder / "before", folder / "password"
        self.password.write_text("correct horse battery staple\n")
        self.password.chmod(0o600)
        (self.work / "there").mkdir(parents=True)
        (self.work / "backup.ini").write_text(
            f"[main]\ndestination = {self.work}/there\ncatalog = {self.work}/catalog.sqlite3\nlogfile =\n"
            f"seal = openssl, split\npassword_file = {self.password}\n"
            f"[zfs:{self.dataset.name}]\nsnapshot = latest\n"
        )
        self.base = self.dataset.snapshot("offsite-20260101")
        self._run()
        shutil.copytree(self.work, self.before)
        fill(self.dataset, size)
        self.snapshot = self.dataset.snapshot("offsite-20260102")
        sent("-I", self.base, self.snapshot)  # so that both find in memory what ZFS has in memory

    def by_hand(self) -> Took:
        self._begin()
        return took(["bash", "-c", BY_HAND, "by hand", self.base, self.snapshot, str(self.work), str(self.password)])

    def ours(self) -> Took:
        """As it is each night: the catalog, and the key that was tried once, are there."""
        self._begin()
        return self._run()

    def _run(self) -> Took:
        return took([sys.executable, "-m", "glacier_backup", "-c", str(self.work / "backup.ini")])

    def _begin(self) -> None:
        """Everything as it was before."""
        shutil.rmtree(self.work)
        shutil.copytree(self.before, self.work)


def fill(dataset: Made, size: int) -> None:
    """Noise, in files of 16 MiB and some hundred small ones."""
    source = random.Random(8)  # noqa: S311  # the same each time
    for number in range(max(1, size // (16 * MIB))):
        with (dataset.mounted / f"{number:04}.bin").open("wb", buffering=0) as file:
            for _ in range(16):
                file.write(source.randbytes(MIB))
    for number in range(300):
        (dataset.mounted / f"{number:04}.txt").write_bytes(source.randbytes(3000))


def took(command: list[str]) -> Took:
    begun, before = time.perf_counter(), os.times()
    subprocess.run(command, cwd=REPOSITORY, check=True, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE)
    after = os.times()
    processor = after.children_user + after.children_system - before.children_user - before.children_system
    return Took(time.perf_counter() - begun, processor)


def compare(size: int, theirs: Callable[[], Took], ours: Callable[[], Took], pairs: int) -> tuple[float, float]:
    """Say how each pair went; the medians of how many times as fast we were, and took of the processor."""
    faster, more = [], []
    for _ in range(pairs):
        hand, own = theirs(), ours()
        faster.append(hand.clock / own.clock)
        more.append(own.processor / hand.processor)
        sys.stdout.write(
            f"by hand {size / MIB / hand.clock:6,.0f} MiB/s, processor {hand.processor:5.2f} s   "
            f"ours {size / MIB / own.clock:6,.0f} MiB/s, processor {own.processor:5.2f} s   "
            f"speed {faster[-1]:.2f} x, processor {more[-1]:.2f} x\n"
        )
        sys.stdout.flush()
    return median(faster), median(more)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--size", type=parse_size, default="3 GiB", help="of the increment")
    parser.add_argument("--pairs", type=int, default=5)
    parser.add_argument("--folder", help="where to work; in memory where that can be, by default")
    arguments = parser.parse_args()
    shared = "/dev/shm" if os.access("/dev/shm", os.W_OK) else None  # noqa: S108  # a folder of our own in it
    with (
        TemporaryDirectory(prefix="zfs-", dir=arguments.folder or shared) as name,
        pool_in(Path(name), arguments.size * 2 + GIB) as pool,
    ):
        bench = Bench(pool, Path(name), arguments.size)
        speed, processor = compare(arguments.size, bench.by_hand, bench.ours, arguments.pairs)
    sys.stdout.write(f"median: speed {speed:.2f} x, of {SPEED}; processor {processor:.2f} x, of {PROCESSOR}\n")
    return int(speed < SPEED or processor > PROCESSOR)


if __name__ == "__main__":
    sys.exit(main())
