"""A tree of this machine for the tar writer."""

from __future__ import annotations

import os
import stat
from collections.abc import Generator, Sequence
from pathlib import Path

from glacier_backup.pack.tar_writer import TarWriter
from glacier_backup.pack.tree import Entry, Lost, Piece, Range
from tests.pack.packing import Packed


class TreeHere:
    """The Tree below ``top``."""

    def __init__(self, top: Path) -> None:
        self._top = top

    def entries(self) -> Generator[Entry | Lost, None, None]:
        yield from self._all(self._top, "")

    def _all(self, path: Path, name: str) -> Generator[Entry | Lost, None, None]:
        found = path.lstat()
        size = found.st_size if stat.S_ISREG(found.st_mode) else 0
        target = os.readlink(path) if path.is_symlink() else ""
        owner = found.st_uid, found.st_gid
        yield Entry(str(path), name, found.st_mode, size, found.st_mtime_ns, *owner, target)
        if stat.S_ISDIR(found.st_mode):
            for child in sorted(os.listdir(path), key=os.fsencode):
                yield from self._all(path / child, f"{name}/{child}" if name else child)

    def read(self, ranges: Sequence[Range]) -> Sequence[Piece | OSError]:
        return [self._read(one) for one in ranges]

    def _read(self, wanted: Range) -> Piece | OSError:
        try:
            with open(wanted.entry.path, "rb") as file:
                data = os.pread(file.fileno(), wanted.length, wanted.offset)
                found = os.fstat(file.fileno())
        except OSError as error:
            return error
        return Piece(data, found.st_size, found.st_mtime_ns)


def written(top: Path, stored_name: str) -> Packed:
    """The whole tar of ``top``."""
    writer = TarWriter(str(top), stored_name, TreeHere(top), threads=2)
    data = b"".join(writer.blocks())
    return Packed(data, writer.outcome(), list(writer.members()))
