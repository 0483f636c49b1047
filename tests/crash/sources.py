"""What is backed up in a trial, and everything it ever was: for each candidate the versions of its content."""

from __future__ import annotations

import hashlib
import os
import random
import stat
import tarfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from glacier_backup.model.archive import Container
from glacier_backup.model.naming import stored_name
from glacier_backup.pack.registry import PACKERS
from glacier_backup.units import MIB

FILES = {
    "one byte": 1,
    "empty.log": 0,
    "exactly one.bin": MIB,
    "drei MiB und eins mehr, Übergröße.bin": 3 * MIB + 1,
    "two MiB less one.bin": 2 * MIB - 1,
    "twelve.bin": 12 * MIB,
}
TREES = {
    "Bilder aus Köln": {"dom.jpg": 2 * MIB + 77, "Süd/Brücke.jpg": 300_000, "Süd/leer": 0, "a b/c d": 5},
    "small": {"note.txt": 10},
}
ALONE = "Döner & Söhne.txt"
_BLOCK = MIB

Entry = tuple[str, str, int]
"""Type, content (digest of a file, target of a link) and permission bits."""


@dataclass(frozen=True)
class Version:
    """What a candidate was at one time."""

    container: Container
    size: int
    sha256: str
    """Of the archive that it makes, packed anew."""
    entries: dict[str, Entry]
    """What is in it, by the name that an archive has for it: found without the program."""


class Wanted(Protocol):
    """What a destination has to do with it."""

    @property
    def least(self) -> int:
        """Bytes of the smallest archive that it takes."""
        ...

    @property
    def large(self) -> Mapping[str, int]:
        """More files, by name and bytes, that it takes in parts."""
        ...

    by_prefix: bool
    """See :class:`tests.crash.stage.Stage`."""


class Sources:
    """The candidates of one trial below ``root``."""

    def __init__(self, root: Path, dice: random.Random, wanted: Wanted) -> None:
        self.root = root
        self._dice = dice
        self._least = wanted.least
        self._files = {**FILES, **wanted.large}
        for name, size in self._files.items():
            self._write(root / "files" / name, size)
        for tree, files in TREES.items():
            for name, size in files.items():
                self._write(root / "trees" / tree / name, size)
        first = root / "trees" / next(iter(TREES))
        (first / "empty folder").mkdir()
        (first / "link").symlink_to("dom.jpg")
        os.link(first / "dom.jpg", first / "the same.jpg")
        self._write(root / ALONE, 300_000)
        self.versions = {path: [self._look(path)] for path in self._paths()}

    @property
    def sections(self) -> str:
        """The sections of the INI file that select exactly these candidates."""
        options = {"files": "upload_files = yes\n", "trees": "upload_dirs = yes\n", ALONE: ""}
        return "".join(f"[{self.root / name}]\n{lines}upload_if_changed = yes\n" for name, lines in options.items())

    def change(self) -> str:
        """Make some candidate another; its path."""
        path = self._dice.choice(sorted(self.versions))
        inside = [Path(path)] if os.path.isfile(path) else sorted(p for p in Path(path).rglob("*") if p.is_file())
        file = self._dice.choice(inside)
        size, before = file.stat().st_size, {version.sha256 for version in self.versions[path]}
        while (version := self._look(path)).sha256 in before:
            self._write(file, max(0, size + self._dice.choice((0, 1, -1, -MIB, MIB))))
        self.versions[path].append(version)
        return path

    def _paths(self) -> list[str]:
        names = [f"files/{name}" for name in self._files] + [f"trees/{name}" for name in TREES] + [ALONE]
        return [str(self.root / name) for name in names]

    def _write(self, file: Path, size: int) -> None:
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(self._dice.randbytes(size))

    def _look(self, path: str) -> Version:
        tarred = os.path.isdir(path) or os.path.getsize(path) < self._least
        container: Container = "tar" if tarred else "raw"
        size, sha256 = _packed(path, container)
        return Version(container, size, sha256, _tree(path))


def _packed(path: str, container: Container) -> tuple[int, str]:
    digest, size, buffer = hashlib.sha256(), 0, memoryview(bytearray(_BLOCK))
    with PACKERS[container].pack(path, stored_name(path)) as stream:
        while count := stream.readinto(buffer):
            digest.update(buffer[:count])
            size += count
    return size, digest.hexdigest()


def _tree(path: str) -> dict[str, Entry]:
    top = Path(path)
    return {"/".join((top.name, *file.relative_to(top).parts)): _entry(file) for file in (top, *top.rglob("*"))}


def _entry(file: Path) -> Entry:
    mode = file.lstat().st_mode
    if stat.S_ISLNK(mode):
        return "link", os.readlink(file), 0
    if stat.S_ISDIR(mode):
        return "directory", "", stat.S_IMODE(mode)
    return "file", hashlib.sha256(file.read_bytes()).hexdigest(), stat.S_IMODE(mode)


def extracted(archive: Path, version: Version) -> dict[str, Entry]:
    """What Python's own tarfile, or a look at the bytes, finds in an archive of that version's container."""
    if version.container == "raw":
        (name, (kind, _, mode)) = next(iter(version.entries.items()))
        return {name: (kind, hashlib.sha256(archive.read_bytes()).hexdigest(), mode)}
    with tarfile.open(archive) as tar:
        return {member.name: _member(tar, member) for member in tar}


def _member(tar: tarfile.TarFile, member: tarfile.TarInfo) -> Entry:
    if member.issym():
        return "link", member.linkname, 0
    if member.isdir():
        return "directory", "", member.mode
    content = tar.extractfile(member)
    assert content is not None, member.name
    return "file", hashlib.sha256(content.read()).hexdigest(), member.mode
