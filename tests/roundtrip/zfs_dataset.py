"""A dataset that changes, and what it was each time that it was sent; real ZFS."""

from __future__ import annotations

import subprocess
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from glacier_backup.catalog.catalog import Catalog
from glacier_backup.workflow.sending.holds import hold_tag
from tests.roundtrip.changing_folder import Edit, Folder
from tests.roundtrip.journey import Journey
from tests.zfs_fuse.daemon import program, within
from tests.zfs_fuse.pool import Made, Pool, zfs

RUNS = (
    (
        *(
            Edit("write", name)
            for name in ("a", "a.d/b", "a.d/deep/er/c", "dir/-rf", "dir/two words", "dir/line\nbreak")
        ),
        *(Edit("write", name) for name in ("dir/caf\udce9", "dir/sub/1", "dir/sub/2", "ä")),
        *(Edit("hard link", "a", "dir/also a"), Edit("link", "a", "dir/to a"), Edit("fifo", "pipe")),
    ),
    (Edit("same size", "a"), Edit("delete", "a.d/deep"), Edit("write", "new/file"), Edit("mode", "dir/sub/1")),
    (Edit("delete", "dir/sub/1"), Edit("folder", "a-b"), Edit("write", "a-b/in it"), Edit("move", "ä", "dir/ö")),
    (Edit("file", "dir/sub"), Edit("move", "a.d", "moved"), Edit("mode", "dir"), Edit("delete", "dir/to a")),
    (Edit("write", "a", size=700_000), Edit("move", "moved/b", "b"), Edit("hard link", "b", "also b")),
    (Edit("delete", "new"), Edit("write", "last"), Edit("move", "last", "the last")),
)
"""A baseline and five increments."""


@dataclass
class Dataset(Folder):
    """It lies in a pool, and goes where the journey leads."""

    pool: Pool = None  # type: ignore[assignment]  # what stands before it has defaults
    made: Made = None  # type: ignore[assignment]
    options: str = ""

    def __post_init__(self) -> None:
        self.journey.sections(f"[zfs:{self.made.name}]\n{self.options}", self.main)

    @property
    def top(self) -> Path:
        return self.made.mounted

    @property
    def word(self) -> str:
        return f"zfs:{self.made.name}"

    def received(self, *words: str, code: int = 0) -> Made:
        """All of it, brought back into a dataset that is new."""
        name = self.pool.unused("back")
        ran = self.journey.restore(Path(name), self.word, *words)
        assert ran.code == code, ran
        return Made(name, self.pool.mounted(name))

    def has_come_back(self, *words: str, time: int = -1) -> Made:
        """Raises AssertionError where what comes back isn't what was there when it was sent the ``time``-th time."""
        then = self.ever[time]
        made = self.received("--at", then.time, *words)
        found = self.looks(made.mounted)
        names = found.keys() | then.looks.keys()
        assert {name for name in names if found.get(name) != then.looks.get(name)} == set(), then.reason
        return made

    def snapshots(self) -> list[str]:
        return snapshots(self.made.name)

    def held(self) -> list[str]:
        """Names of snapshots that something holds."""
        return [name for name in self.snapshots() if holds(f"{self.made.name}@{name}")]

    def let_go(self, name: str) -> None:
        """Release whatever this program holds that snapshot by, as somebody would who knows the tag."""
        with Catalog.peek(str(self.journey.catalog)) as catalog:
            for _, place in catalog.places():
                if name in self.held():
                    zfs("release", hold_tag(place), f"{self.made.name}@{name}")


def dataset(journey: Journey, pool: Pool, options: str = "", main: str = "") -> Dataset:
    """A new one, empty, with its section in the INI file."""
    return Dataset(journey, main=main, pool=pool, made=pool.filesystem("photos"), options=options)


def snapshots(name: str) -> list[str]:
    """Of a dataset, the oldest first."""
    lines = zfs("list", "-H", "-t", "snapshot", "-o", "name", "-s", "createtxg", "-d", "1", name).splitlines()
    return [line.partition("@")[2] for line in lines]


def holds(snapshot: str) -> int:
    """How many. (``zfs holds`` of zfs-fuse lists nothing.)"""
    return int(zfs("get", "-Hp", "-o", "value", "userrefs", snapshot))


def destroyed(name: str) -> None:
    """A dataset with its snapshots. For a moment after its files were read the kernel may still have some open."""
    command = [program("zfs"), "destroy", "-r", "-f", name]
    assert within(30, lambda: subprocess.run(command, capture_output=True).returncode == 0)


def play(dataset: Dataset, runs: Iterable[Iterable[Edit]]) -> None:
    """A run after each."""
    for edits in runs:
        dataset.edit(edits)
        dataset.back_up()
