"""The files of a group on this machine, as a ZIP is made of them: each is opened, looked at and read in one go."""

from __future__ import annotations

import errno
import os
import stat
from collections.abc import Callable, Generator, Iterator, Sequence
from functools import partial

from glacier_backup.descent import Descent
from glacier_backup.model.contents import Contents, Held
from glacier_backup.pack.held import is_as_held
from glacier_backup.pack.local_contents import FILE, GONE, LocalContents
from glacier_backup.pack.local_group import opened_section
from glacier_backup.pack.tar_writer import LARGE, MOST_TOGETHER
from glacier_backup.pack.tree import Entry, Lost, Piece, Range
from glacier_backup.pack.zip_files import TOGETHER, Batch, Part, Taken, whole

_NO_FILE = (*GONE, errno.ENXIO, errno.ENODEV)
"""The last two are said of sockets and devices that have taken a file's place (open(2))."""


class LocalFiles:
    """Safe to use from several threads, as :class:`~glacier_backup.pack.zip_files.Files` says.

    Everything is opened by its name from the open directory above it, and unless the contents say so no symlink below
    the section is followed: whatever is swapped meanwhile, nothing outside is read. What has vanished, or has become
    something else, is left out without a word.
    """

    def __init__(self, section: str, contents: Contents) -> None:
        """Raises SourceError where the section can't be opened."""
        self._above = f"{section.rstrip('/')}/"
        self._held = contents
        self._follow = contents.follow
        self._flags = FILE if contents.follow else FILE | os.O_NOFOLLOW
        self._root = opened_section(section)
        self._contents = LocalContents(self._root, contents.follow)
        self.as_planned = True
        """Whether all that was there so far is what the contents say."""

    def jobs(self) -> Generator[Callable[[], Batch], None, None]:
        """See :class:`~glacier_backup.pack.zip_files.Files`."""
        for some in _together(self._held):
            if some and some[0].size > LARGE:
                yield from self._large(some[0])
            else:
                yield partial(self._batch, some)

    def read(self, ranges: Sequence[Range]) -> Sequence[Piece | OSError]:
        """See :class:`~glacier_backup.pack.zip_files.Files`."""
        return self._contents.read(ranges)

    def close(self) -> None:
        """Let go of what is open."""
        self._contents.close()
        os.close(self._root)

    def _batch(self, some: Sequence[Held]) -> Batch:
        batch = Batch([], [])
        with Descent(os.dup(self._root)) as here:
            there, folder = None, -1
            for held in some:
                above, _, name = held.name.rpartition("/")
                try:
                    if above != there:
                        there = None
                        folder = here.go(os.fsencode(above), self._follow)
                        there = above
                    batch.taken.append(self._taken(folder, name, held, batch.changed))
                except OSError as error:
                    if error.errno in _NO_FILE:
                        self.as_planned = False
                    else:
                        batch.taken.append(Lost(self._above + held.name, error.strerror or str(error)))
                except _SomethingElse:
                    self.as_planned = False
        return batch

    def _taken(self, folder: int, name: str, held: Held, changed: list[str]) -> Taken:
        if held.is_link:
            return self._link(held, folder, name)
        descriptor = os.open(name, self._flags, dir_fd=folder)
        try:
            before = os.fstat(descriptor)
            if not stat.S_ISREG(before.st_mode):
                raise _SomethingElse
            entry = self._entry(held, before)
            if entry.size > LARGE:
                return Range(entry, 0, entry.size)
            data = _read(descriptor, entry.size)
            after = os.fstat(descriptor)
        finally:
            os.close(descriptor)
        if (after.st_size, after.st_mtime_ns) != (len(data), entry.mtime_ns):
            changed.append(entry.path)
        return whole(entry, data)

    def _link(self, held: Held, folder: int, name: str) -> Taken:
        found = os.stat(name, dir_fd=folder, follow_symlinks=False)
        if not stat.S_ISLNK(found.st_mode):
            raise _SomethingElse
        target = os.readlink(name, dir_fd=folder)
        return whole(self._entry(held, found, target), os.fsencode(target))

    def _large(self, held: Held) -> Iterator[Callable[[], Batch]]:
        """The pieces of one that was large when it was planned."""
        with Descent(os.dup(self._root)) as here:
            try:
                folder_name, _, name = os.fsencode(held.name).rpartition(b"/")
                folder = here.go(folder_name, self._follow)
                found = os.stat(name, dir_fd=folder, follow_symlinks=self._follow)
            except OSError as error:
                if error.errno in GONE:
                    self.as_planned = False
                    return
                cause = error.strerror or str(error)
                yield lambda: Batch([Lost(self._above + held.name, cause)], [])
                return
        if not is_as_held(found.st_mode, held):
            self.as_planned = False
            return
        if found.st_size <= LARGE:
            yield partial(self._batch, [held])
            return
        entry = self._entry(held, found)
        for offset in range(0, entry.size, LARGE):
            yield partial(self._part, Range(entry, offset, min(LARGE, entry.size - offset)))

    def _part(self, part: Range) -> Batch:
        return Batch([Part(part, self._contents.read((part,))[0])], [])

    def _entry(self, held: Held, found: os.stat_result, target: str = "") -> Entry:
        name, mode, size, mtime_ns = held.name, found.st_mode, found.st_size, found.st_mtime_ns
        if size != held.size or mtime_ns != held.mtime_ns:
            self.as_planned = False
        # Owners aren't in a ZIP.
        return Entry(self._above + name, name, mode, size, mtime_ns, 0, 0, target, stored=held.stored)


class _SomethingElse(Exception):
    """It is no longer what it was."""


def _read(descriptor: int, size: int) -> bytes:
    """All of a file, whatever size it says it has: those of /sys have less, and a log may have more; up to what is read
    in one go."""
    data = os.pread(descriptor, size + 1, 0)
    while len(data) <= LARGE and (len(data) != size) and (more := os.pread(descriptor, LARGE, len(data))):
        data += more
    return data[:LARGE]


def _together(contents: Contents) -> Iterator[Sequence[Held]]:
    """Those that are read in one go; a large one by itself."""
    some: list[Held] = []
    size = 0
    for held in contents:
        if held.size > LARGE:
            yield from filter(None, (some, [held]))
            some, size = [], 0
            continue
        some.append(held)
        size += held.size
        if len(some) >= TOGETHER or size >= MOST_TOGETHER:
            yield some
            some, size = [], 0
    yield some
