"""All that is in a directory of this machine, entry by entry, in the order in which a tar of it has them."""

from __future__ import annotations

import errno
import os
import stat
import struct
from collections.abc import Generator, Iterator
from itertools import groupby

from glacier_backup.descent import OPEN_DIRECTORY, Descent
from glacier_backup.errors import SourceError
from glacier_backup.exclusion import Below
from glacier_backup.model.archive import MemberType
from glacier_backup.model.candidate import Candidate
from glacier_backup.model.increment import Seen
from glacier_backup.mounts import mount_table, virtual_below
from glacier_backup.ordering import Ordering
from glacier_backup.resolve.examine import cause

_FIELDS = struct.Struct(">IQq")
"""Mode with its type, size and time."""

_LATEST = 2**63 - 1

TYPES: dict[int, MemberType] = {
    stat.S_IFREG: "file",
    stat.S_IFLNK: "symlink",
    stat.S_IFDIR: "directory",
    stat.S_IFIFO: "fifo",
    stat.S_IFCHR: "device",
    stat.S_IFBLK: "device",
}
"""Of what goes into a tar, by the type in its mode. Sockets don't."""


def listing(candidate: Candidate) -> Generator[Seen, None, None]:
    """The directory itself and what is below it, but for what is left out and what a tar holds none of: sockets, and
    all by which the kernel shows itself. Each directory comes before what is in it, and these by name (bytes).

    Opens no file and follows no link below. Memory goes with the depth, and with the largest directory up to a hundred
    thousand entries. What vanishes meanwhile isn't there; what can't be looked into says why. Raises SourceError where
    the directory itself is none any more.
    """
    path = candidate.path
    try:
        found = os.stat(path)
        if not stat.S_ISDIR(found.st_mode):
            raise NotADirectoryError(errno.ENOTDIR, "no longer a directory")
        virtual = frozenset(virtual_below(path, mount_table()).values()) - {found.st_dev}
        root = os.open(path, OPEN_DIRECTORY)
    except OSError as error:
        raise SourceError(f"{path}: {cause(error)}") from error
    with Descent(root) as here:
        yield from _Listing(candidate, here, virtual).all(os.fstat(root))


class _Listing:
    """One walk."""

    def __init__(self, candidate: Candidate, here: Descent, virtual: frozenset[int]) -> None:
        left_out = candidate.exclusion.compiled()
        self._below = None if left_out is None else Below(left_out)
        self._here = here
        self._virtual = virtual
        self._levels: list[tuple[bytes, Iterator[bytes]]] = []
        """Of each directory that the walk is in: its name with a slash behind it, and what is left of it."""

    def all(self, top: os.stat_result) -> Iterator[Seen]:
        yield self._entered(_seen(b"", top.st_mode, 0, top.st_mtime_ns), b"")
        while self._levels:
            above, entries = self._levels[-1]
            piece = next(entries, None)
            if piece is not None:
                yield from self._met(piece, above)
                continue
            self._levels.pop()
            if self._levels:
                self._here.leave()
                if self._below is not None:
                    self._below.leave()

    def _met(self, piece: bytes, above: bytes) -> Iterator[Seen]:
        name, _, rest = piece.partition(b"\0")
        mode, size, mtime_ns = _FIELDS.unpack_from(rest)
        if not mode:
            yield Seen(above + name, "other", 0, 0, 0, unreadable=os.fsdecode(rest[_FIELDS.size :]))
        elif not stat.S_ISDIR(mode):
            target = os.fsdecode(rest[_FIELDS.size :]) if stat.S_ISLNK(mode) else None
            yield _seen(above + name, mode, size, mtime_ns, target)
        else:
            seen = _seen(above + name, mode, 0, mtime_ns)
            try:
                self._here.enter(name)
            except OSError as error:
                if error.errno not in (errno.ENOENT, errno.ENOTDIR, errno.ELOOP):
                    yield seen._replace(unreadable=error.strerror or str(error))
                return
            if self._below is not None:
                self._below.enter(os.fsdecode(name))
            yield self._entered(seen, name)

    def _entered(self, seen: Seen, name: bytes) -> Seen:
        """What the walk stands in now, after its entries were listed."""
        pieces, unreadable = Ordering(), ""
        try:
            folder = self._here.present()
            if os.fstat(folder).st_dev not in self._virtual:
                self._list(folder, pieces)
        except OSError as error:
            unreadable = error.strerror or str(error)
        # Some listings repeat a name when something changes meanwhile.
        each_once = (next(same) for _, same in groupby(pieces, key=_name))
        self._levels.append((seen.name + b"/" if name else b"", each_once))
        return seen._replace(unreadable=unreadable) if unreadable else seen

    def _list(self, folder: int, pieces: Ordering) -> None:
        with os.scandir(folder) as found:
            for item in found:
                name = os.fsencode(item.name)
                try:
                    if self._below is not None and self._below.leaves_out(
                        item.name, item.is_dir(follow_symlinks=False)
                    ):
                        continue
                    one = item.stat(follow_symlinks=False)
                    target = os.readlink(name, dir_fd=folder) if stat.S_ISLNK(one.st_mode) else b""
                except FileNotFoundError:
                    continue
                except OSError as error:
                    pieces.add(b"%b\0%b%b" % (name, _FIELDS.pack(0, 0, 0), (error.strerror or "").encode()))
                    continue
                if stat.S_IFMT(one.st_mode) in TYPES:
                    time = max(-_LATEST, min(one.st_mtime_ns, _LATEST))
                    pieces.add(b"%b\0%b%b" % (name, _FIELDS.pack(one.st_mode, one.st_size, time), target))


def _name(piece: bytes) -> bytes:
    return piece[: piece.index(b"\0")]


def _seen(name: bytes, mode: int, size: int, mtime_ns: int, target: str | None = None) -> Seen:
    kind = TYPES[stat.S_IFMT(mode)]
    return Seen(name, kind, size if kind == "file" else 0, mtime_ns, stat.S_IMODE(mode), target)
