"""Some of what is in a directory of an SFTP server as a POSIX tar that is made while it is read."""

from __future__ import annotations

from collections.abc import Callable, Collection, Generator, Iterator, Sequence
from contextlib import ExitStack, closing, contextmanager
from threading import Event

from glacier_backup.exclusion import Exclusion
from glacier_backup.model.archive import Container
from glacier_backup.model.increment import Linked
from glacier_backup.model.recipe import Step
from glacier_backup.pack.deleted_list import WithList
from glacier_backup.pack.doubts import DoubtingStream, Doubts
from glacier_backup.pack.increment import FullPacker
from glacier_backup.pack.packer import PackedStream, Packer
from glacier_backup.pack.remote import Ended, below_url, on_server, opened, translated
from glacier_backup.pack.remote_contents import RemoteContents
from glacier_backup.pack.remote_entry import entry_of, storable
from glacier_backup.pack.remote_tar import RemoteTarPacker
from glacier_backup.pack.tar_header import check_stored_name, estimate
from glacier_backup.pack.tar_writer import TarWriter
from glacier_backup.pack.tree import Entry, Lost, Piece, Range
from glacier_backup.pack.written_tar import written
from glacier_backup.ssh.named import named
from glacier_backup.ssh.remote import Remote


def packer_of_link(remote: Remote, linked: Linked, exclusion: Exclusion) -> Packer:
    """What packs a directory of a server as that link of a chain."""
    if linked.delta is None:
        return FullPacker(RemoteTarPacker(remote, exclusion, doubting=True), linked)
    return RemoteIncrementPacker(remote, linked)


class RemoteIncrementPacker:
    """As :class:`~glacier_backup.pack.increment.IncrementPacker`, of a server. Paths are URLs."""

    container: Container = "tar"

    def __init__(self, remote: Remote, linked: Linked) -> None:
        self._remote = remote
        self._linked = linked

    @contextmanager
    def pack(self, path: str, stored_name: str) -> Iterator[PackedStream]:
        """See :class:`glacier_backup.pack.packer.Packer`. Raises SourceError."""
        check_stored_name(stored_name)
        names = self._linked.delta.names if self._linked.delta is not None else ()
        ended, doubts = Event(), Doubts(path, stored_name)
        tree = RemoteNamed(self._remote, path, names, Ended(ended))
        with ExitStack() as stack:
            stack.callback(tree.close)
            writer = TarWriter(path, stored_name, tree, 2 * self._remote.width, doubts)
            stream = stack.enter_context(written(writer))
            stack.callback(ended.set)
            yield WithList(DoubtingStream(stream, doubts), self._linked, stored_name)

    def step(self) -> Step:
        """Any tar undoes it, on top of what it builds on."""
        return self._linked.link.step

    def estimate(self, content: int, entries: int) -> int:
        """At least the bytes of the stream, unless names are very long."""
        return estimate(content, entries)


class RemoteNamed:
    """A :class:`~glacier_backup.pack.tree.Tree` of some of what is in a directory of a server. What has vanished is
    left out without a word, and nothing is reached through a symlink."""

    def __init__(self, remote: Remote, path: str, names: Collection[bytes], check: Callable[[], None]) -> None:
        """Raises SourceError where the directory isn't there."""
        self._remote = remote
        self._path = path
        self._top = on_server(path)
        self._names = names
        self._check = check
        self._contents = RemoteContents(remote, path, check)
        self._before = opened(remote, path)

    def entries(self) -> Generator[Entry | Lost, None, None]:
        """See :class:`~glacier_backup.pack.tree.Tree`; the directory itself comes first."""
        yield entry_of(self._path, "", self._before)
        names = (name for name in self._names if name)
        with (
            translated(self._path),
            closing(named(self._remote, self._top, names, targets=True, check=self._check)) as answers,
        ):
            for name, answer in zip((name for name in self._names if name), answers, strict=True):
                stored = name.decode("utf-8", "surrogateescape")
                path = below_url(self._path, stored)
                if isinstance(answer, FileNotFoundError):
                    continue
                if isinstance(answer, OSError):
                    yield Lost(path, answer.strerror or str(answer))
                    continue
                target = answer.target.decode("utf-8", "surrogateescape")
                if (one := storable(entry_of(path, stored, answer.attributes, target))) is not None:
                    yield one

    def read(self, ranges: Sequence[Range]) -> Sequence[Piece | OSError]:
        """See :class:`~glacier_backup.pack.tree.Tree`."""
        return self._contents.read(ranges)

    def close(self) -> None:
        """Let go of what is open."""
        self._contents.close()
