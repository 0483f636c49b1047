"""An increment of a dataset by hand, ``zfs send | openssl enc | split``, and by a run of ours, sealed in the same way.

The dataset lies in a pool of the tests' own (zfs-fuse; it takes root). What zfs-fuse takes for itself, in a process of
its own, counts for neither.
"""

from __future__ import annotations

import random
import shutil
from collections.abc import Iterator

from glacier_backup.units import GIB, MIB
from tests.zfs_fuse.pool import Made, Pool, pool_in

from ..bench import Bench
from ..measure import Took, in_turns, took
from ..table import Row, at_least, at_most

BY_HAND = """
set -euo pipefail
cd "$3"
PATH="$PATH:/usr/sbin:/sbin"
zfs send -I "$1" "$2" | openssl enc -aes-256-cbc -md sha512 -pbkdf2 -iter 250000 -pass "file:$4" |
    split --bytes=4G --suffix-length=6 - "ds-part-"
"""


class Nightly:
    """A dataset of which next to nothing was sent, as a baseline, and all the rest is the next increment."""

    def __init__(self, bench: Bench, pool: Pool, size: int) -> None:
        self._bench = bench
        self._dataset = pool.filesystem("bench")
        self._work, self._before = bench.made("work"), bench.folder / "before"
        self._password = bench.folder / "password"
        self._password.write_text("correct horse battery staple\n")
        self._password.chmod(0o600)
        self._ini = self._work / "backup.ini"
        self._ini.write_text(
            f"[main]\ndestination = {self._work}/there\ncatalog = {self._work}/catalog.sqlite3\nlogfile =\n"
            f"seal = openssl, split\npassword_file = {self._password}\n"
            f"[zfs:{self._dataset.name}]\nsnapshot = latest\n"
        )
        (self._work / "there").mkdir()
        self._base = self._dataset.snapshot("offsite-20260101")
        bench.program("-c", self._ini)
        shutil.copytree(self._work, self._before)
        _fill(self._dataset, size)
        self._snapshot = self._dataset.snapshot("offsite-20260102")
        self.by_hand()  # so that both find in memory what ZFS has in memory

    def by_hand(self) -> Took:
        self._begin()
        return took(["bash", "-c", BY_HAND, "by hand", self._base, self._snapshot, self._work, self._password])

    def ours(self) -> Took:
        """As it is each night: the catalog, and the key that was tried once, are there."""
        self._begin()
        return self._bench.program("-c", self._ini)

    def _begin(self) -> None:
        """Everything as it was before."""
        shutil.rmtree(self._work)
        shutil.copytree(self._before, self._work)


def increment(bench: Bench) -> Iterator[Row]:
    size = bench.size(3 * GIB)
    with pool_in(bench.folder, size * 2 + GIB) as pool:
        nightly = Nightly(bench, pool, size)
        turns = in_turns(bench.rounds, {"by hand": nightly.by_hand, "ours": nightly.ours})
    what = f"{size / GIB:.3g} GiB of a dataset, sealed by openssl"
    yield at_least(
        f"{what}: speed",
        1 / turns.clocks("ours", "by hand"),
        0.9,
        " × by hand",
        f"{size / MIB / turns.clock('ours'):,.0f} MiB/s for {size / MIB / turns.clock('by hand'):,.0f}",
    )
    yield at_most(
        f"{what}: processor",
        turns.processors("ours", "by hand"),
        1.2,
        " × by hand",
        f"{turns.processor('ours'):.2f} s for {turns.processor('by hand'):.2f} s",
    )


def _fill(dataset: Made, size: int) -> None:
    """Noise, in files of 16 MiB and some hundred small ones."""
    source = random.Random(8)  # noqa: S311  # the same each time
    for number in range(max(1, size // (16 * MIB))):
        with (dataset.mounted / f"{number:04}.bin").open("wb", buffering=0) as file:
            for _ in range(16):
                file.write(source.randbytes(MIB))
    for number in range(300):
        (dataset.mounted / f"{number:04}.txt").write_bytes(source.randbytes(3000))
