"""A tree of small files that changes, and what of it should be back after any number of runs: of every file that ever
was there when a run came by the newest version."""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import NamedTuple

from tests.cli.harness import Ran
from tests.roundtrip.journey import Journey
from tests.roundtrip.kinds import url
from tests.ssh_server.sshd import Sshd
from tests.streams import noise

NAMES = (
    "2019/a.jpg",
    "2019/b.jpg",
    "2020/deep/er/c.jpg",
    "2020/-rf",
    "2020/a name with blanks",
    "2020/line\nbreak",
    "2020/--checkpoint-action=exec=true",
    "2020/caf\udce9",
    "ä.txt",
    "~pack-0123456789ab/x",
    "z",
)
"""None is a directory of another."""

SMALL, MEDIUM, LARGE = 1_000, 400_000, 1_200_000
"""Bytes; of the last none fits into a pack of 1 MiB, of the second two do."""

SECTION = "upload_tree = yes\nupload_if_changed = yes\npack_size = 1 MiB\n"


class Edit(NamedTuple):
    """One thing that somebody does to a file."""

    what: str
    """``write``, ``touch``, ``delete`` or ``rename``."""
    name: str
    size: int = SMALL
    to: str = ""


def here(data: Path) -> str:
    """A section for the tree as it lies on this machine."""
    return f"[{data}/tree]\n{SECTION}"


def on_server(sshd: Sshd) -> Callable[[Path], str]:
    """One for the same as a server shows it."""
    login = f"ssh_key = {sshd.key}\nhost_key = {sshd.host_key}\n"
    return lambda data: f"[{url(sshd, data / 'tree')}]\n{SECTION}{login}"


@dataclass
class PackedTree:
    """It lies below the folder of a journey."""

    journey: Journey
    section_of: Callable[[Path], str] = here
    main: str = ""
    ever: dict[str, tuple[bytes, int]] = field(default_factory=dict)
    """By name the content, or the target of a link, and the whole seconds of its time, of all that was sent."""
    clock: int = 1_600_000_000

    def __post_init__(self) -> None:
        self.journey.sections(self.section_of(self.journey.data), self.main)
        self.top.mkdir()

    @property
    def top(self) -> Path:
        return self.journey.data / "tree"

    def edit(self, *edits: Edit) -> None:
        """One after the other; what can't be done is left out."""
        for one in edits:
            self._do(one)

    def write(self, *names: str, size: int = SMALL) -> None:
        self.edit(*(Edit("write", name, size) for name in names))

    def _do(self, edit: Edit) -> None:
        path, to = self.top / edit.name, self.top / (edit.to or edit.name)
        self.clock += 2
        if edit.what == "write":
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(noise(edit.size, self.clock))
            os.utime(path, (self.clock, self.clock))
        elif not path.exists():
            return
        elif edit.what == "touch":
            os.utime(path, (self.clock, self.clock))
        elif edit.what == "delete":
            path.unlink()
        elif not to.exists():
            to.parent.mkdir(parents=True, exist_ok=True)
            path.rename(to)

    def back_up(self, *argv: str) -> Ran:
        """One run, in which everything goes well."""
        ran = self.journey("backup", "--json", *argv)
        assert ran.code == 0, ran
        self.ever |= self.present()
        return ran

    def present(self) -> dict[str, tuple[bytes, int]]:
        return contents(self.top)

    def restored(self, target: Path, *words: str) -> dict[str, tuple[bytes, int]]:
        """What a restore brings back, by name below the tree."""
        ran = self.journey.restore(target, *words)
        assert ran.code == 0, ran
        found = contents(target)
        return {name.partition(f"{self.top}/"[1:])[2] or name: look for name, look in found.items()}

    def check(self, target: Path) -> None:
        """All is back, and nothing else is; and a run right after the last has nothing to send."""
        assert self.restored(target) == self.ever
        assert self.sent() == []

    def check_one_pack(self, target: Path) -> None:
        """The same, after a run that sends one pack and nothing else."""
        (path,) = self.sent()
        assert "/~pack-" in path
        self.check(target)

    def sent(self) -> list[str]:
        """The paths of what a run sends."""
        return sorted(self.back_up().sent())

    def packs(self) -> list[dict[str, object]]:
        """As ``list`` has them."""
        listed = self.journey("list", "--json").json
        return [one for one in listed if "/~pack-" in one["path"] and one["name"] == "tree.pack.tar"]


def contents(top: Path) -> dict[str, tuple[bytes, int]]:
    """By name below ``top`` what a file, or link, has in it, and its time in whole seconds, which all sources know."""
    found = {}
    for path in top.rglob("*") if top.exists() else ():
        if path.is_symlink() or path.is_file():
            content = os.fsencode(os.readlink(path)) if path.is_symlink() else path.read_bytes()
            found[str(path.relative_to(top))] = (content, int(path.lstat().st_mtime))
    return found


def play(tree: PackedTree, rounds: Sequence[Sequence[Edit]], target: Path, *, often: bool = True) -> None:
    """Edits, a run, everything back; again and again. Unless ``often`` it has to be back at the end only."""
    target.mkdir()
    for number, edits in enumerate(rounds, 1):
        tree.edit(*edits)
        tree.back_up()
        if often or number == len(rounds):
            tree.check(target / str(number))
