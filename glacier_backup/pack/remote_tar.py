"""A directory tree, or one file, of an SFTP server as a POSIX tar that is made while it is read."""

from __future__ import annotations

import stat
from collections.abc import Callable, Generator, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from threading import Event

from glacier_backup.errors import ServerError, SourceError
from glacier_backup.exclusion import NOTHING, Exclusion
from glacier_backup.model.archive import Container
from glacier_backup.model.recipe import Step
from glacier_backup.pack.doubts import DoubtingStream, Doubts
from glacier_backup.pack.packer import PackedStream
from glacier_backup.pack.remote import Ended, below_url, on_server, opened, translated
from glacier_backup.pack.remote_contents import RemoteContents
from glacier_backup.pack.remote_entry import entry_of, storable
from glacier_backup.pack.tar_header import check_stored_name, estimate
from glacier_backup.pack.tar_writer import TarWriter
from glacier_backup.pack.tree import Entry, Lost, Piece, Range
from glacier_backup.pack.written_tar import written
from glacier_backup.ssh.folders import Folder, folders, keeping
from glacier_backup.ssh.remote import Remote


class RemoteTarPacker:
    """Packs a directory or a regular file, or what a symlink to one points to, under its own name.

    Names, types, sizes, modes, numeric owners, links and times are those that the server shows; times are whole
    seconds. Sockets are left out. Hard links can't be told, and are stored as files; devices have no numbers there, and
    are problems. Paths are URLs.
    """

    container: Container = "tar"

    def __init__(self, remote: Remote, exclusion: Exclusion = NOTHING, *, doubting: bool = False) -> None:
        """``doubting`` as of :class:`glacier_backup.pack.tar.TarPacker`."""
        self._remote = remote
        self._exclusion = exclusion
        self._doubting = doubting

    def leaving_out(self, exclusion: Exclusion) -> RemoteTarPacker:
        """See :class:`glacier_backup.pack.packer.PacksDirectories`."""
        return RemoteTarPacker(self._remote, exclusion, doubting=self._doubting)

    @contextmanager
    def pack(self, path: str, stored_name: str) -> Iterator[PackedStream]:
        """See :class:`glacier_backup.pack.packer.Packer`. Raises SourceError."""
        check_stored_name(stored_name)
        ended, doubts = Event(), Doubts(path, stored_name)
        tree = RemoteTree(self._remote, path, Ended(ended), self._exclusion)
        with ExitStack() as stack:
            stack.callback(tree.close)
            writer = TarWriter(path, stored_name, tree, 2 * self._remote.width, doubts if self._doubting else None)
            stream = stack.enter_context(written(writer, tree.is_as_before))
            stack.callback(ended.set)
            yield DoubtingStream(stream, doubts) if self._doubting else stream

    def step(self) -> Step:
        """Any tar undoes it, without parameters."""
        return Step("tar")

    def estimate(self, content: int, entries: int) -> int:
        """At least the bytes of the stream, unless names are very long."""
        return estimate(content, entries)


class RemoteTree:
    """A :class:`~glacier_backup.pack.tree.Tree` of a server, without what the ``exclusion`` leaves out."""

    def __init__(self, remote: Remote, path: str, check: Callable[[], None], exclusion: Exclusion = NOTHING) -> None:
        """Raises SourceError for what is neither a directory nor a file."""
        self._remote = remote
        self._path = path
        self._top = on_server(path)
        self._check = check
        self._keep = keeping(self._top, exclusion)
        self._contents = RemoteContents(remote, path, check)
        self._before = opened(remote, path)
        if not (stat.S_ISDIR(self._before.mode) or stat.S_ISREG(self._before.mode)):
            raise SourceError(f"{path}: neither a file nor a directory")

    def entries(self) -> Generator[Entry | Lost, None, None]:
        """See :class:`~glacier_backup.pack.tree.Tree`."""
        top = entry_of(self._path, "", self._before)
        if stat.S_ISREG(top.mode):
            yield top
            return
        with translated(self._path), folders(self._remote, self._top, self._check, self._keep) as below:
            yield from self._below(top, below)

    def _below(self, top: Entry, folders: Iterator[Folder]) -> Iterator[Entry | Lost]:
        """The folders come in the order in which directories are met here."""
        first = next(folders)
        if first.error is not None:
            raise SourceError(f"{self._path}: {first.error.strerror}") from first.error
        yield top
        open_folders = [("", first.entries())]
        while open_folders:
            above, entries = open_folders[-1]
            found = next(entries, None)
            if found is None:
                open_folders.pop()
                continue
            name = above + found.name.decode("utf-8", "surrogateescape")
            path = below_url(self._path, name)
            target = found.target.decode("utf-8", "surrogateescape")
            if (one := storable(entry_of(path, name, found.attributes, target))) is not None:
                yield one
            if stat.S_ISDIR(found.attributes.mode):
                folder = next(folders)
                if folder.error is not None:
                    yield Lost(path, _cause(folder.error))
                open_folders.append((f"{name}/", folder.entries()))

    def read(self, ranges: Sequence[Range]) -> Sequence[Piece | OSError]:
        """See :class:`~glacier_backup.pack.tree.Tree`."""
        return self._contents.read(ranges)

    def is_as_before(self) -> bool:
        """Whether the topmost one still looks as it did."""
        try:
            return self._remote.look(self._top) == self._before
        except OSError:
            return False
        except ServerError:
            return False

    def close(self) -> None:
        """Let go of what is open."""
        self._contents.close()


def _cause(error: OSError) -> str | None:
    return None if isinstance(error, FileNotFoundError) else error.strerror
