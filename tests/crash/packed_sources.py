"""A whole tree whose files are sent together, and everything that each of them ever was."""

from __future__ import annotations

import hashlib
import os
import random
import stat
import struct
import tarfile
import zipfile
from collections.abc import Iterator
from decimal import Decimal
from pathlib import Path
from typing import NamedTuple

from glacier_backup.model.tree_digest import tree_fingerprint
from glacier_backup.units import MIB
from tests.crash.sources import Wanted

TREE = "Bäume & more"
FILES = {
    "one byte": 1,
    "empty": 0,
    "-rf": 5000,
    "new\nline/a b": 300_000,
    "tief/er/Übergröße": MIB + 1,
    "tief/block": 512,
    **{f"photos/{number} {number}.jpg": 900_000 + number for number in range(8)},
    "z large": 5 * MIB + 7,
}
SMALL = 40
"""As many more, of some kilobytes each."""
SIZES = (0, 1, 511, 512, 513, 40_000, 200_000, MIB, 3 * MIB)
"""Of what comes to be."""
PACK_SIZE, LARGE_PACK_SIZE = 4 * MIB, 20 * MIB
"""Bytes. The second is for destinations that take larger parts."""

_SECOND = 10**9
_EXACT = struct.Struct("<HqL")
"""Our own extra field of a ZIP: mode, seconds and nanoseconds."""


class Look(NamedTuple):
    """What a file was at one time."""

    kind: str
    """``file`` or ``link``."""
    size: int
    mtime_ns: int
    content: str
    """SHA-256; of a link its target."""

    @property
    def digest(self) -> str:
        """As the catalog has it."""
        return tree_fingerprint("link" if self.kind == "link" else "file", self.size, self.mtime_ns).digest


class PackedSources:
    """The files of one trial below ``root``."""

    def __init__(self, root: Path, dice: random.Random, wanted: Wanted) -> None:
        self.root = root / TREE
        self._dice = dice
        self._clock = 1_700_000_000 * _SECOND
        self._pack_size = LARGE_PACK_SIZE if wanted.large else PACK_SIZE
        self.by_prefix = wanted.by_prefix
        small = {f"small/{number % 3}/{number}": dice.randrange(20_000) for number in range(SMALL)}
        for name, size in {**FILES, **small, **wanted.large}.items():
            self._write(self.root / name, size)
        (self.root / "link").symlink_to("nowhere/at all")
        os.link(self.root / "one byte", self.root / "the same byte")
        self.versions: dict[str, list[Look]] = {}
        self._note()

    @property
    def sections(self) -> str:
        """The section of the INI file."""
        size = f"group_files_smaller_than = {MIB}" if self.by_prefix else f"pack_size = {self._pack_size}"
        return f"[{self.root}]\nupload_tree = yes\n{size}\n"

    def now(self) -> dict[str, Look]:
        """What is there, by path."""
        return {str(file): _look(file) for file in self._all()}

    def change(self) -> str:
        """Make some files others; what was done."""
        return ", ".join(self._change() for _ in range(self._dice.randint(1, 4)))

    def _change(self) -> str:
        edit = self._dice.choice((self._rewrite, self._rewrite, self._add, self._remove, self._rename))
        done = f"{edit.__name__[1:]} {edit()!r}"
        self._note()
        return done

    def _rewrite(self) -> str:
        file = self._any()
        file.unlink()
        self._write(file, self._dice.choice(SIZES))
        return file.name

    def _add(self) -> str:
        file = self.root / f"added {self._dice.randrange(3)}" / str(self._dice.randrange(10**9))
        self._write(file, self._dice.choice(SIZES))
        return file.name

    def _remove(self) -> str:
        file = self._any()
        file.unlink()
        return file.name

    def _rename(self) -> str:
        file = self._any()
        return file.rename(file.with_name(f"{self._dice.randrange(10**9)}")).name

    def _any(self) -> Path:
        return self._dice.choice(sorted(self._all()))

    def _all(self) -> Iterator[Path]:
        return (file for file in self.root.rglob("*") if file.is_symlink() or file.is_file())

    def _write(self, file: Path, size: int) -> None:
        """Each at a time of its own, so that no two of a name look alike."""
        self._clock += self._dice.randrange(1, 10 * _SECOND)
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(self._dice.randbytes(size))
        os.utime(file, ns=(self._clock, self._clock))

    def _note(self) -> None:
        for path, look in self.now().items():
            known = self.versions.setdefault(path, [])
            if look not in known:
                known.append(look)


def _look(file: Path) -> Look:
    found = file.lstat()
    if stat.S_ISLNK(found.st_mode):
        return Look("link", len(os.fsencode(os.readlink(file))), found.st_mtime_ns, os.readlink(file))
    return Look("file", found.st_size, found.st_mtime_ns, hashlib.sha256(file.read_bytes()).hexdigest())


def unpacked(group: Path) -> list[tuple[str, Look]]:
    """What Python's own tarfile or zipfile finds in a group: names and what is under them, in order."""
    if zipfile.is_zipfile(group):
        with zipfile.ZipFile(group) as zipped:
            return [(_name(one), _zipped(zipped, one)) for one in zipped.infolist()]
    with tarfile.open(group) as tar:
        return [(one.name, _member(tar, one)) for one in tar]


def _name(member: zipfile.ZipInfo) -> str:
    """zipfile takes what is no UTF-8 for CP437."""
    utf8 = member.flag_bits & 1 << 11
    return member.filename if utf8 else os.fsdecode(member.filename.encode("cp437"))


def _zipped(zipped: zipfile.ZipFile, member: zipfile.ZipInfo) -> Look:
    content = zipped.read(member)
    _, seconds, ns = _EXACT.unpack_from(member.extra, member.extra.index(b"gb") + 4)
    if stat.S_ISLNK(member.external_attr >> 16):
        return Look("link", len(content), seconds * _SECOND + ns, os.fsdecode(content))
    return Look("file", len(content), seconds * _SECOND + ns, hashlib.sha256(content).hexdigest())


def _member(tar: tarfile.TarFile, member: tarfile.TarInfo) -> Look:
    told = member.pax_headers.get("mtime")
    mtime_ns = int(Decimal(told) * _SECOND) if told is not None else int(member.mtime) * _SECOND
    if member.issym():
        return Look("link", len(os.fsencode(member.linkname)), mtime_ns, member.linkname)
    content = tar.extractfile(member) if member.isreg() else None
    if content is None:
        return Look(f"a member of type {member.type!r}", 0, mtime_ns, "")
    return Look("file", member.size, mtime_ns, hashlib.sha256(content.read()).hexdigest())
