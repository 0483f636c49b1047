"""A directory of this machine, or one file, as a tar is made of it here.

Everything is opened by its name from the open directory above it, and no symlink below the topmost one is followed:
whatever is swapped meanwhile, nothing outside is read.
"""

from __future__ import annotations

import os
import stat
from collections.abc import Callable, Generator, Iterator, Sequence
from itertools import groupby
from typing import NamedTuple

from glacier_backup.descent import OPEN_DIRECTORY, Descent
from glacier_backup.errors import SourceError
from glacier_backup.exclusion import NOTHING, Exclusion
from glacier_backup.mounts import mount_table, virtual_below
from glacier_backup.ordering import Ordering
from glacier_backup.pack.local_contents import FILE, GONE, LocalContents
from glacier_backup.pack.tar_attributes import Attributes, attributes_of, attributes_of_open
from glacier_backup.pack.tar_header import TYPES
from glacier_backup.pack.tree import Entry, Lost, Piece, Range

_UNREADABLE = "nothing of it could be read"


class LocalTree:
    """A :class:`~glacier_backup.pack.tree.Tree` of this machine; what the topmost one is a symlink to is meant.

    A file that was met before under another name is an entry that says so: of each file with several names, its number
    and one name are in memory until all of them were met. Directories are left out, with all below, where they can't be
    listed, and without a word sockets, all in file systems by which the kernel shows itself, and what the ``exclusion``
    leaves out.
    """

    def __init__(self, path: str, exclusion: Exclusion = NOTHING) -> None:
        """Raises SourceError for what is neither a directory nor a file, and when it can't be opened."""
        self._path = path
        self._left_out = exclusion.compiled()
        try:
            self._root = _opened_topmost(path)
        except OSError as error:
            raise SourceError(f"{path}: {_UNREADABLE}: {_words(error)}") from error
        self._before = os.fstat(self._root)
        self._virtual = frozenset(virtual_below(path, mount_table()).values()) - {self._before.st_dev}
        self._files = Files()
        self._contents = LocalContents(self._root)

    def entries(self) -> Generator[Entry | Lost, None, None]:
        """See :class:`~glacier_backup.pack.tree.Tree`."""
        top = entry_of(self._path, "", self._before)
        yield from with_attributes(top, lambda: attributes_of_open(self._root))
        if stat.S_ISDIR(top.mode):
            with Descent(os.dup(self._root)) as here:
                yield from self._below(here)

    def read(self, ranges: Sequence[Range]) -> Sequence[Piece | OSError]:
        """See :class:`~glacier_backup.pack.tree.Tree`."""
        return self._contents.read(ranges)

    def is_as_before(self) -> bool:
        """Whether the topmost one still looks as it did."""
        try:
            return _looks(os.stat(self._path)) == _looks(self._before)
        except OSError:
            return False

    def close(self) -> None:
        """Let go of what is open."""
        self._contents.close()
        os.close(self._root)

    def _below(self, here: Descent) -> Iterator[Entry | Lost]:
        levels: list[_Level] = []
        above = self._path.rstrip("/") + "/"
        yield from _list(levels, here.present(), "", above)
        while levels:
            level = levels[-1]
            name = next(level.entries, None)
            if name is not None:
                yield from self._met(name, levels, here)
                continue
            if _has_changed(level, here):
                yield Lost(level.path.rstrip("/") or "/", None)
            levels.pop()
            if levels:
                here.leave()

    def _met(self, name: bytes, levels: list[_Level], here: Descent) -> Iterator[Entry | Lost]:
        stored, path = levels[-1].name + os.fsdecode(name), levels[-1].path + os.fsdecode(name)
        try:
            folder = here.present()
            found = os.stat(name, dir_fd=folder, follow_symlinks=False)
            if self._left_out is not None and self._left_out(stored, stat.S_ISDIR(found.st_mode)) is not None:
                return
            target = os.readlink(name, dir_fd=folder) if stat.S_ISLNK(found.st_mode) else b""
            entered = here.enter(name) if stat.S_ISDIR(found.st_mode) else None
        except OSError as error:
            yield Lost(path, None if error.errno in GONE else _words(error))
            return
        if entered is not None:
            yield from self._entered(stored, path, entered, levels, here)
        elif stat.S_IFMT(found.st_mode) in TYPES:
            entry = entry_of(path, stored, found, os.fsdecode(target), self._files.first_name(found, stored))
            yield from (entry,) if entry.same_as else with_attributes(entry, lambda: attributes_of(name, folder))
        elif not stat.S_ISSOCK(found.st_mode):
            yield Lost(path, "unknown file type")

    def _entered(
        self, name: str, path: str, directory: int, levels: list[_Level], here: Descent
    ) -> Iterator[Entry | Lost]:
        found = os.fstat(directory)
        yield from with_attributes(entry_of(path, name, found), lambda: attributes_of_open(directory))
        if found.st_dev in self._virtual:
            here.leave()
        else:
            yield from _list(levels, directory, f"{name}/", f"{path}/")


class _Level(NamedTuple):
    """A directory that the walk is in, or above which it is."""

    name: str
    """Below the topmost one, with a slash behind it."""
    path: str
    """Likewise."""
    entries: Iterator[bytes]
    mtime_ns: int


class Files:
    """The files with several names that were met."""

    def __init__(self) -> None:
        self._met: dict[tuple[int, ...], tuple[str, int]] = {}

    def first_name(self, found: os.stat_result, name: str) -> str:
        """The name under which this file was met first; empty if that is this time.

        Size and mtime are compared too: not every file system in user space numbers its files.
        """
        if found.st_nlink < 2:
            return ""
        file = (found.st_dev, found.st_ino, found.st_size, found.st_mtime_ns)
        first, left = self._met.get(file, ("", found.st_nlink))
        if left > 1:
            self._met[file] = (first or name, left - 1)
        else:
            del self._met[file]
        return first


def _opened_topmost(path: str) -> int:
    mode = os.stat(path).st_mode
    if not (stat.S_ISDIR(mode) or stat.S_ISREG(mode)):
        raise SourceError(f"{path}: neither a file nor a directory")
    return os.open(path, OPEN_DIRECTORY if stat.S_ISDIR(mode) else FILE)


def _list(levels: list[_Level], directory: int, name: str, path: str) -> Iterator[Lost]:
    """Go on with the names in ``directory``, in order, as far as they can be read."""
    names = Ordering()
    mtime_ns = os.fstat(directory).st_mtime_ns
    try:
        with os.scandir(directory) as listing:
            for entry in listing:
                names.add(os.fsencode(entry.name))
    except OSError as error:
        yield Lost(path.rstrip("/") or "/", _words(error))
    # Some listings repeat a name when something changes meanwhile.
    levels.append(_Level(name, path, (one for one, _ in groupby(names)), mtime_ns))


def _has_changed(level: _Level, here: Descent) -> bool:
    """Whether something came or went since the directory was listed."""
    try:
        return os.fstat(here.present()).st_mtime_ns != level.mtime_ns
    except OSError:
        return True


def entry_of(path: str, name: str, found: os.stat_result, target: str = "", same_as: str = "") -> Entry:
    return Entry(
        path,
        name,
        found.st_mode,
        found.st_size if stat.S_ISREG(found.st_mode) else 0,
        found.st_mtime_ns,
        found.st_uid,
        found.st_gid,
        target,
        names=found.st_nlink,
        same_as=same_as,
        device=found.st_rdev,
    )


def with_attributes(entry: Entry, read: Callable[[], Attributes]) -> Iterator[Entry | Lost]:
    try:
        attributes = read()
    except OSError as error:
        yield entry
        yield Lost(entry.path, f"extended attributes and ACLs: {_words(error)}")
    else:
        yield entry._replace(attributes=attributes)


def _looks(found: os.stat_result) -> tuple[int, int, int, int]:
    return found.st_dev, found.st_ino, found.st_size, found.st_mtime_ns


def _words(error: OSError) -> str:
    return error.strerror or str(error)
