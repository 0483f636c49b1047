"""ZIPs for tests: of what is in memory, by our own writer and by others, and archives that nobody would make."""

from __future__ import annotations

import io
import stat
import zipfile
from collections.abc import Callable, Generator, Sequence
from functools import partial
from typing import NamedTuple

from glacier_backup.model.archive import Member
from glacier_backup.pack.doubts import Doubts
from glacier_backup.pack.tree import Entry, Piece, Range
from glacier_backup.pack.unpacker import UnpackOrder
from glacier_backup.pack.zip_files import Batch, FilesOf
from glacier_backup.pack.zip_writer import ZipWriter

FILES = UnpackOrder("files", "group")


class Made(NamedTuple):
    """A file, or a link."""

    name: str
    content: bytes = b""
    """Of a link its target."""
    mtime_ns: int = 0
    mode: int = 0o644
    is_link: bool = False


class Zipped(NamedTuple):
    """All that the writer gave."""

    data: bytes
    members: list[Member]


class InMemory:
    """A Tree of such files."""

    def __init__(self, made: Sequence[Made]) -> None:
        self._made = {one.name: one for one in made}

    def entries(self) -> Generator[Entry, None, None]:
        for one in self._made.values():
            kind = stat.S_IFLNK if one.is_link else stat.S_IFREG
            size, target = (0, one.content) if one.is_link else (len(one.content), b"")
            text = target.decode("utf-8", "surrogateescape")
            yield Entry(f"/top/{one.name}", one.name, kind | one.mode, size, one.mtime_ns, 0, 0, text)

    def read(self, ranges: Sequence[Range]) -> Sequence[Piece | OSError]:
        found = [(self._made[one.entry.name], one) for one in ranges]
        return [
            Piece(made.content[one.offset : one.offset + one.length], len(made.content), made.mtime_ns)
            for made, one in found
        ]


def zipped(*made: Made, top: str = "") -> Zipped:
    """Those, in that order."""
    writer = ZipWriter("/top", top, FilesOf(InMemory(made)), 1, Doubts("/top", top))
    data = b"".join(writer.blocks())
    return Zipped(data, [*writer.members()])


class Batches:
    """Files that are told as they are wanted."""

    def __init__(self, *batches: Callable[[], Batch]) -> None:
        self._batches = batches

    def jobs(self) -> Generator[Callable[[], Batch], None, None]:
        yield from map(partial, self._batches)

    def read(self, ranges: Sequence[Range]) -> Sequence[Piece | OSError]:
        raise AssertionError("nothing is read twice")


class OneWay(io.BytesIO):
    """What a pipe is to those who write."""

    def seekable(self) -> bool:
        return False

    def tell(self) -> int:
        raise OSError("no place in a pipe")


def by_python(*made: Made, method: int = zipfile.ZIP_STORED, streamed: bool = False) -> bytes:
    """As Python's zipfile makes it, to a pipe or into a file."""
    data: io.BytesIO = OneWay() if streamed else io.BytesIO()
    with zipfile.ZipFile(data, "w", method) as archive:
        for one in made:
            info = zipfile.ZipInfo(one.name, (2020, 2, 29, 12, 30, 58))
            info.external_attr = ((stat.S_IFLNK if one.is_link else stat.S_IFREG) | one.mode) << 16
            info.compress_type = method
            archive.writestr(info, one.content)
    return data.getvalue()
