"""Files of this machine that become one archive together, as a tar is made of them here."""

from __future__ import annotations

import os
import stat
from collections.abc import Generator, Iterator, Sequence
from contextlib import ExitStack, contextmanager

from glacier_backup.descent import OPEN_DIRECTORY, Descent
from glacier_backup.errors import SourceError
from glacier_backup.model.contents import Contents, Held
from glacier_backup.pack.doubts import Doubts
from glacier_backup.pack.group_stream import GroupStream
from glacier_backup.pack.held import is_as_held, none_left
from glacier_backup.pack.local_contents import GONE, LocalContents
from glacier_backup.pack.local_tar import THREADS
from glacier_backup.pack.local_tree import entry_of, with_attributes
from glacier_backup.pack.packer import PackedStream
from glacier_backup.pack.tar_attributes import attributes_of
from glacier_backup.pack.tar_writer import TarWriter
from glacier_backup.pack.tree import Entry, Lost, Piece, Range
from glacier_backup.pack.written_tar import written


@contextmanager
def group_written_here(section: str, stored_name: str, contents: Contents, doubts: Doubts) -> Iterator[PackedStream]:
    """The tar of files below ``section``, under ``stored_name``; all is as GNU tar stores it, but holes are not told
    from zeros. Raises SourceError."""
    tree = LocalGroup(section, contents)
    with ExitStack() as stack:
        stack.callback(tree.close)
        writer = TarWriter(section, stored_name, tree, THREADS, doubts)
        yield GroupStream(stack.enter_context(written(writer)), doubts, lambda: True)


class LocalGroup:
    """A :class:`~glacier_backup.pack.tree.Tree` of single files below a section.

    Everything is opened by its name from the open directory above it, and unless the contents say so no symlink below
    the section is followed: whatever is swapped meanwhile, nothing outside is read. What has vanished, or has become
    something else, is left out without a word.
    """

    def __init__(self, section: str, contents: Contents) -> None:
        """Raises SourceError where the section can't be opened."""
        self._section = section
        self._contents_of = contents
        self._root = opened_section(section)
        self._contents = LocalContents(self._root, contents.follow)

    def entries(self) -> Generator[Entry | Lost, None, None]:
        """See :class:`~glacier_backup.pack.tree.Tree`; in the order of the contents. Raises SourceError where none is
        there any more."""
        found = False
        with Descent(os.dup(self._root)) as here:
            for held in self._contents_of:
                for one in self._entry(here, held):
                    found = True
                    yield one
        if not found:
            raise none_left(self._section, self._contents_of)

    def read(self, ranges: Sequence[Range]) -> Sequence[Piece | OSError]:
        """See :class:`~glacier_backup.pack.tree.Tree`."""
        return self._contents.read(ranges)

    def close(self) -> None:
        """Let go of what is open."""
        self._contents.close()
        os.close(self._root)

    def _entry(self, here: Descent, held: Held) -> Iterator[Entry | Lost]:
        path, follow = f"{self._section.rstrip('/')}/{held.name}", self._contents_of.follow
        folder_name, _, name = os.fsencode(held.name).rpartition(b"/")
        try:
            folder = here.go(folder_name, follow)
            found = os.stat(name, dir_fd=folder, follow_symlinks=follow)
            target = os.readlink(name, dir_fd=folder) if held.is_link and stat.S_ISLNK(found.st_mode) else b""
        except OSError as error:
            if error.errno not in GONE:
                yield Lost(path, error.strerror or str(error))
            return
        if is_as_held(found.st_mode, held):
            entry = entry_of(path, held.name, found, os.fsdecode(target))
            yield from with_attributes(entry._replace(names=1), lambda: attributes_of(name, folder, follow))


def opened_section(section: str) -> int:
    """The directory ``section``, or that it leads to. Raises SourceError."""
    try:
        return os.open(section, OPEN_DIRECTORY)
    except OSError as error:
        raise SourceError(f"{section}: nothing of it could be read: {error.strerror or error}") from error
