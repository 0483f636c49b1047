"""Trees of files of every kind, the same for the same seed."""

from __future__ import annotations

import os
import random
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

from tests.pack.packing import ODD_NAMES
from tests.roundtrip.attributes import with_acl, with_attributes

SIZES = (0, 1, 511, 512, 513, 10_240, 40_000)
LARGE = 3 * 2**20 + 1
"""Bytes; more than one of the pieces that are hashed by themselves."""

MODES = (0o600, 0o644, 0o755, 0o444, 0o000, 0o4755, 0o2711)
FOLDER_MODES = (0o700, 0o755, 0o555, 0o500, 0o1777, 0o2750)

ENTRIES = 50

LATEST = 2**34 * 10**9
"""Nanoseconds since 1970: beyond what ext4 takes, and what 64 bits hold."""


@dataclass
class Grower:
    """A tree while it grows. ``plain``: only what SFTP can tell of files; ``latest``: what times are before;
    ``short``: no path has more than a few hundred bytes, and no name almost as many as a file system takes."""

    top: Path
    seed: int
    plain: bool = False
    latest: int = LATEST
    short: bool = False
    folders: list[Path] = field(default_factory=list)
    files: list[Path] = field(default_factory=list)
    paths: list[Path] = field(default_factory=list)
    """All, each after the folder that it is in."""

    def __post_init__(self) -> None:
        self._dice = random.Random(self.seed)
        self._is_root = os.geteuid() == 0

    def grow(self, entries: int = ENTRIES) -> None:
        self._add(self.top, self._folder)
        for make in self._once():
            self._add(self._new_path(), make)
        kinds = [self._folder, self._file, self._file, self._file, self._holes, self._link, self._fifo]
        for _ in range(entries):
            self._add(self._new_path(), self._dice.choice(kinds if self.plain else [*kinds, self._hard_link]))
        for path in reversed(self.paths):
            self._finish(path)

    def _once(self) -> list[Callable[[Path], None]]:
        """What each tree has."""
        deep, linked = [] if self.short else [self._deep], [] if self.plain else [self._hard_link]
        return [self._folder, self._large, *deep, self._holes, *linked]

    def _new_path(self) -> Path:
        while True:
            odd = self._dice.choice(ODD_NAMES)
            cut = os.fsdecode(os.fsencode(f"{len(self.paths)}{odd}")[:200])
            path = self._dice.choice(self.folders) / (cut if self.short else self._dice.choice((cut, odd)))
            longest = 500 if self.short else 3_000
            if not os.path.lexists(path) and len(os.fsencode(path)) < longest:
                return path

    def _add(self, path: Path, make: Callable[[Path], None]) -> None:
        make(path)
        self.paths.append(path)

    def _folder(self, path: Path) -> None:
        path.mkdir()
        self.folders.append(path)

    def _file(self, path: Path) -> None:
        path.write_bytes(self._dice.randbytes(self._dice.choice(SIZES)))
        self.files.append(path)

    def _large(self, path: Path) -> None:
        path.write_bytes(self._dice.randbytes(LARGE))
        self.files.append(path)

    def _holes(self, path: Path) -> None:
        with path.open("wb") as file:
            for _ in range(self._dice.randrange(4)):
                file.seek(self._dice.randrange(300_000), os.SEEK_CUR)
                file.write(self._dice.randbytes(self._dice.choice(SIZES)))
            file.truncate(file.tell() + self._dice.choice((0, 1, 100_000)))
        self.files.append(path)

    def _link(self, path: Path) -> None:
        path.symlink_to(self._dice.choice(("..", "/no/such/place", "/", *ODD_NAMES, os.path.relpath(self.top, path))))

    def _hard_link(self, path: Path) -> None:
        path.hardlink_to(self._dice.choice(self.files))

    def _fifo(self, path: Path) -> None:
        os.mkfifo(path)

    def _deep(self, path: Path) -> None:
        """A path of which tar can't say all in one old header."""
        path.mkdir()
        for _ in range(25):
            path = path / ("d" * 40)
            self._add(path, Path.mkdir)
        self._add(path / "file", self._file)

    def _finish(self, path: Path) -> None:
        """Owners, permissions, attributes and times, from the leaves to the top."""
        if self._is_root and self._dice.random() < 0.3:
            os.chown(path, self._dice.randrange(2**31), self._dice.randrange(2**31), follow_symlinks=False)
        if not path.is_symlink():
            path.chmod(self._dice.choice(FOLDER_MODES if path.is_dir() else MODES))
            if not self.plain and not path.is_fifo():
                self._dress(path)
        moment = self._moment()
        os.utime(path, ns=(0, moment), follow_symlinks=False)

    def _dress(self, path: Path) -> None:
        if self._dice.random() < 0.2:
            with_attributes(path)
        if self._dice.random() < 0.1:
            with_acl(path)

    def _moment(self) -> int:
        """Nanoseconds since 1970; what SFTP tells are whole seconds in 32 bits without a sign."""
        if self.plain:
            return self._dice.randrange(2**32) * 10**9
        return self._dice.choice((-1, 0, 1, self._dice.randrange(-(2**31) * 10**9, self.latest)))


def grow(
    top: Path, seed: int, entries: int = ENTRIES, *, plain: bool = False, latest: int = LATEST, short: bool = False
) -> None:
    """Make a tree at ``top``, which isn't there yet."""
    Grower(top, seed, plain, latest, short).grow(entries)
