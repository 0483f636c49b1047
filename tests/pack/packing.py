"""Packing for tests: everything that came of it, and trees that are hard to pack."""

from __future__ import annotations

import io
import os
import random
import shutil
import stat
import tarfile
import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

from glacier_backup.model.archive import Member
from glacier_backup.pack.packer import PackedStream, Packer, PackOutcome

ODD_NAMES = (
    "plain",
    " blank ",
    "-rf",
    "--checkpoint-action=exec=false",
    "new\nline",
    "tab\tbell\a",
    "back\\slash",
    "back\\nslash",
    '"quoted"',
    "it's",
    "a -> b",
    "a link to b",
    "a,b&c;d|e",
    "$HOME*?[x]",
    "{brace}",
    "über",
    "日本語",
    "\udcff\udcfe not UTF-8",
    "half \udcc3",
    "^.hidden",
    ".dot",
    "...",
    "@file",
    "#\x01\x7f",
    "n" * 255,
)
"""Names that a shell, tar's own options, quoting or patterns could stumble over."""


class Stored(NamedTuple):
    """A member as another program finds it."""

    name: str
    offset: int
    size: int
    content: bytes
    """Empty for a link."""
    target: str | None


class Packed(NamedTuple):
    """All that a packer gave."""

    data: bytes
    outcome: PackOutcome
    members: list[Member]

    def tarfile(self) -> tarfile.TarFile:
        """The stream as Python's own reader sees it."""
        return tarfile.open(fileobj=io.BytesIO(self.data), encoding="utf-8", errors="surrogateescape")

    def stored(self) -> list[Stored]:
        """What Python's own readers find in it, be it a tar or a ZIP."""
        if self.data[:2] != b"PK":
            with self.tarfile() as found:
                return [_of_tar(found, one) for one in found]
        with zipfile.ZipFile(io.BytesIO(self.data)) as archive:
            return [_of_zip(archive, info) for info in archive.infolist()]


def _of_tar(archive: tarfile.TarFile, info: tarfile.TarInfo) -> Stored:
    file = archive.extractfile(info) if info.isreg() else None
    return Stored(info.name, info.offset, info.size, b"" if file is None else file.read(), info.linkname or None)


def _of_zip(archive: zipfile.ZipFile, info: zipfile.ZipInfo) -> Stored:
    utf8 = bool(info.flag_bits & 1 << 11)
    name = info.filename if utf8 else os.fsdecode(info.filename.encode("cp437"))
    content = archive.read(info)
    if stat.S_ISLNK(info.external_attr >> 16):
        return Stored(name, info.header_offset, 0, b"", os.fsdecode(content))
    return Stored(name, info.header_offset, info.file_size, content, None)


def read_all(stream: PackedStream, size: int = 64 * 1024) -> bytes:
    """What is left of the stream, read ``size`` bytes at a time."""
    buffer = memoryview(bytearray(size))
    data = bytearray()
    while (count := stream.readinto(buffer)) == size:
        data += buffer
    return bytes(data + buffer[:count])


def packed(packer: Packer, path: Path | str, stored_name: str, size: int = 64 * 1024) -> Packed:
    """The whole stream of ``path`` and what the packer knows of it."""
    with packer.pack(str(path), stored_name) as stream:
        data = read_all(stream, size)
        return Packed(data, stream.outcome(), list(stream.members()))


def seen(top: Path) -> dict[str, tuple[object, ...]]:
    """What a restored tree must have in common with the original, by relative path.

    Type and mode, mtime (ns), content, link target, and which names are hard links of one another.
    """
    found: dict[str, tuple[object, ...]] = {}
    first_of: dict[int, str] = {}
    for path in _walk(top):
        status = path.lstat()
        name = str(path.relative_to(top))
        first = first_of.setdefault(status.st_ino, name)
        content = path.read_bytes() if stat.S_ISREG(status.st_mode) else b""
        target = os.readlink(path) if path.is_symlink() else ""
        found[name] = (oct(status.st_mode), status.st_mtime_ns, status.st_rdev, content, target, first)
    return found


def grow(top: Path, seed: int) -> None:
    """A tree of about a hundred entries of every kind, the same for the same seed."""
    choice = random.Random(seed)
    top.mkdir()
    folders, files = [top], list[Path]()
    for number in range(100):
        path = choice.choice(folders) / f"{number}{choice.choice(ODD_NAMES)[:200]}"
        kind = choice.choice(("folder", "file", "file", "file", "holes", "symlink", "hardlink", "fifo"))
        if kind == "folder":
            path.mkdir()
            folders.append(path)
        elif kind == "symlink":
            path.symlink_to(choice.choice(ODD_NAMES))
        elif kind == "hardlink" and files:
            path.hardlink_to(choice.choice(files))
        elif kind == "fifo":
            os.mkfifo(path)
        else:
            path.write_bytes(choice.randbytes(choice.choice((0, 1, 511, 512, 513, 10_240, choice.randrange(50_000)))))
            if kind == "holes":
                os.truncate(path, 300_000)
            path.chmod(choice.choice((0o600, 0o644, 0o755, 0o4755, 0o2711)))
            files.append(path)
    for path in reversed(list(_walk(top))):
        moment = choice.randrange(-(10**18), 3 * 10**18)
        os.utime(path, ns=(moment, moment), follow_symlinks=False)


def regrow(original: Path, copy: Path) -> None:
    """Copy a tree name by name in another order, with other inode numbers and times of access."""
    links: dict[int, Path] = {}
    paths = sorted(_walk(original), key=lambda path: (len(path.parts), [-ord(letter) for letter in path.name]))
    for path in paths:
        new, status = copy / path.relative_to(original), path.lstat()
        if stat.S_ISDIR(status.st_mode):
            new.mkdir()
        elif status.st_ino in links:
            new.hardlink_to(links[status.st_ino])
        elif stat.S_ISFIFO(status.st_mode):
            os.mkfifo(new)
        elif stat.S_ISLNK(status.st_mode):
            new.symlink_to(os.readlink(path))
        else:
            _copy_with_holes(path, new)
        links.setdefault(status.st_ino, new)
    for path in reversed(paths):
        shutil.copystat(path, copy / path.relative_to(original), follow_symlinks=False)
        os.utime(copy / path.relative_to(original), ns=(0, path.lstat().st_mtime_ns), follow_symlinks=False)


def _copy_with_holes(path: Path, new: Path) -> None:
    content = path.read_bytes()
    new.write_bytes(content.rstrip(b"\0") if len(content) == 300_000 else content)
    os.truncate(new, len(content))


def _walk(top: Path) -> Iterator[Path]:
    yield top
    with os.scandir(top) as entries:
        for entry in sorted(entries, key=lambda entry: entry.name):
            if entry.is_dir(follow_symlinks=False):
                yield from _walk(Path(entry.path))
            else:
                yield Path(entry.path)
