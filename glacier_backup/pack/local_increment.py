"""Some of what is in a directory of this machine, as a tar is made of it here."""

from __future__ import annotations

import os
import stat
from collections.abc import Collection, Generator, Iterator, Sequence
from contextlib import ExitStack, contextmanager

from glacier_backup.descent import Descent
from glacier_backup.pack.doubts import Doubts
from glacier_backup.pack.local_contents import GONE, LocalContents
from glacier_backup.pack.local_group import opened_section
from glacier_backup.pack.local_tar import THREADS
from glacier_backup.pack.local_tree import Files, entry_of, with_attributes
from glacier_backup.pack.packer import PackedStream
from glacier_backup.pack.tar_attributes import attributes_of, attributes_of_open
from glacier_backup.pack.tar_header import TYPES
from glacier_backup.pack.tar_writer import TarWriter
from glacier_backup.pack.tree import Entry, Lost, Piece, Range
from glacier_backup.pack.written_tar import written


@contextmanager
def increment_written_here(
    path: str, stored_name: str, names: Collection[bytes], doubts: Doubts
) -> Iterator[PackedStream]:
    """The tar of the entries of that name in the directory at ``path``, under ``stored_name``; all is as GNU tar stores
    it, but holes are not told from zeros. Raises SourceError."""
    tree = LocalNamed(path, names)
    with ExitStack() as stack:
        stack.callback(tree.close)
        yield stack.enter_context(written(TarWriter(path, stored_name, tree, THREADS, doubts)))


class LocalNamed:
    """A :class:`~glacier_backup.pack.tree.Tree` of some of what is in a directory; the directory itself, whose name is
    empty, is one of them. What has vanished is left out without a word, and nothing is reached through a symlink."""

    def __init__(self, path: str, names: Collection[bytes]) -> None:
        """Raises SourceError where the directory can't be opened."""
        self._path = path
        self._names = names
        self._root = opened_section(path)
        self._files = Files()
        self._contents = LocalContents(self._root)

    def entries(self) -> Generator[Entry | Lost, None, None]:
        """See :class:`~glacier_backup.pack.tree.Tree`; in the order of the names."""
        with Descent(os.dup(self._root)) as here:
            for name in self._names:
                if name:
                    yield from self._entry(here, name)
                else:
                    top = entry_of(self._path, "", os.fstat(self._root))
                    yield from with_attributes(top, lambda: attributes_of_open(self._root))

    def read(self, ranges: Sequence[Range]) -> Sequence[Piece | OSError]:
        """See :class:`~glacier_backup.pack.tree.Tree`."""
        return self._contents.read(ranges)

    def close(self) -> None:
        """Let go of what is open."""
        self._contents.close()
        os.close(self._root)

    def _entry(self, here: Descent, name: bytes) -> Iterator[Entry | Lost]:
        stored = os.fsdecode(name)
        path = f"{self._path.rstrip('/')}/{stored}"
        above, _, base = name.rpartition(b"/")
        try:
            folder = here.go(above)
            found = os.stat(base, dir_fd=folder, follow_symlinks=False)
            target = os.readlink(base, dir_fd=folder) if stat.S_ISLNK(found.st_mode) else b""
        except OSError as error:
            if error.errno not in GONE:
                yield Lost(path, error.strerror or str(error))
            return
        if stat.S_IFMT(found.st_mode) not in TYPES:
            return
        same_as = "" if stat.S_ISDIR(found.st_mode) else self._files.first_name(found, stored)
        entry = entry_of(path, stored, found, os.fsdecode(target), same_as)
        yield from (entry,) if same_as else with_attributes(entry, lambda: attributes_of(base, folder))
