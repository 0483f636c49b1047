"""Files of an SFTP server that become one archive together, as a POSIX tar that is made while they are read."""

from __future__ import annotations

from collections.abc import Callable, Generator, Iterator, Sequence
from contextlib import ExitStack, closing, contextmanager
from threading import Event

from glacier_backup.model.archive import Container
from glacier_backup.model.contents import Contents, Held
from glacier_backup.model.recipe import Step
from glacier_backup.pack.doubts import Doubts
from glacier_backup.pack.group_stream import GroupStream
from glacier_backup.pack.held import is_as_held, none_left
from glacier_backup.pack.packer import PackedStream
from glacier_backup.pack.remote import Ended, below_url, on_server, opened, translated
from glacier_backup.pack.remote_contents import RemoteContents
from glacier_backup.pack.remote_entry import entry_of, storable
from glacier_backup.pack.tar_header import check_stored_name, estimate
from glacier_backup.pack.tar_writer import TarWriter
from glacier_backup.pack.tree import Entry, Lost, Piece, Range
from glacier_backup.pack.written_tar import written
from glacier_backup.ssh import entries as remote_entries
from glacier_backup.ssh.named import named
from glacier_backup.ssh.remote import Remote


class RemoteGroupPacker:
    """Packs the files of a group. What is told of them, and what isn't, is as with directories of a server. Paths are
    URLs."""

    container: Container = "tar"

    def __init__(self, remote: Remote, contents: Contents) -> None:
        self._remote = remote
        self._contents = contents

    @contextmanager
    def pack(self, path: str, stored_name: str) -> Iterator[PackedStream]:
        """See :class:`glacier_backup.pack.packer.Packer`; ``path`` is the section's. Raises SourceError."""
        check_stored_name(stored_name)
        ended, doubts = Event(), Doubts(path, stored_name)
        tree = RemoteGroup(self._remote, path, self._contents, Ended(ended))
        with ExitStack() as stack:
            stack.callback(tree.close)
            writer = TarWriter(path, stored_name, tree, 2 * self._remote.width, doubts)
            stream = stack.enter_context(written(writer))
            stack.callback(ended.set)
            yield GroupStream(stream, doubts, lambda: True)

    def step(self) -> Step:
        """Any tar undoes it, without parameters."""
        return Step("tar")

    def estimate(self, content: int, entries: int) -> int:
        """At least the bytes of the stream, unless names are very long."""
        return estimate(content, entries)


class RemoteGroup:
    """A :class:`~glacier_backup.pack.tree.Tree` of single files below a section of a server.

    What has vanished, or has become something else, is left out without a word; so is what lies behind a symlink by
    now, unless the contents say that links are followed.
    """

    def __init__(self, remote: Remote, section: str, contents: Contents, check: Callable[[], None]) -> None:
        """Raises SourceError where the section isn't there."""
        self._remote = remote
        self._section = section
        self._top = on_server(section)
        self._held = contents
        self._check = check
        self._contents = RemoteContents(remote, section, check)
        self.as_planned = True
        """Whether all that was there so far is what the contents say."""
        opened(remote, section)

    def entries(self) -> Generator[Entry | Lost, None, None]:
        """See :class:`~glacier_backup.pack.tree.Tree`; in the order of the contents. Raises SourceError where none is
        there any more."""
        found = False
        names = (one.name.encode("utf-8", "surrogateescape") for one in self._held)
        with (
            translated(self._section),
            closing(
                named(self._remote, self._top, names, follow=self._held.follow, targets=True, check=self._check)
            ) as answers,
        ):
            for held, answer in zip(self._held, answers, strict=True):
                one = self._entry(held, answer)
                if one is not None:
                    found = True
                    yield one
        if not found:
            raise none_left(self._section, self._held)

    def read(self, ranges: Sequence[Range]) -> Sequence[Piece | OSError]:
        """See :class:`~glacier_backup.pack.tree.Tree`."""
        return self._contents.read(ranges)

    def close(self) -> None:
        """Let go of what is open."""
        self._contents.close()

    def _entry(self, held: Held, answer: remote_entries.Entry | OSError) -> Entry | Lost | None:
        path = below_url(self._section, held.name)
        if isinstance(answer, OSError) and not isinstance(answer, FileNotFoundError):
            return Lost(path, answer.strerror or str(answer))
        if isinstance(answer, OSError) or not is_as_held(answer.attributes.mode, held):
            self.as_planned = False
            return None
        if (answer.attributes.size, answer.attributes.mtime_ns) != (held.size, held.mtime_ns):
            self.as_planned = False
        target = answer.target.decode("utf-8", "surrogateescape")
        return storable(entry_of(path, held.name, answer.attributes, target)._replace(stored=held.stored))
