"""Files of an SFTP server as one ZIP that is made while they are read."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from threading import Event

from glacier_backup.model.archive import Container
from glacier_backup.model.contents import Contents
from glacier_backup.model.recipe import Step
from glacier_backup.pack.doubts import Doubts
from glacier_backup.pack.group_stream import GroupStream
from glacier_backup.pack.packer import PackedStream
from glacier_backup.pack.remote import Ended
from glacier_backup.pack.remote_group import RemoteGroup
from glacier_backup.pack.written_tar import written
from glacier_backup.pack.zip import zip_estimate, zip_step
from glacier_backup.pack.zip_files import FilesOf
from glacier_backup.pack.zip_writer import ZipWriter
from glacier_backup.ssh.remote import Remote


class RemoteZipPacker:
    """Packs the files of a group that goes by a prefix as :class:`~glacier_backup.pack.zip.ZipPacker` does, as far as
    the server tells what there is to tell: times in whole seconds. Paths are URLs."""

    container: Container = "zip"

    def __init__(self, remote: Remote, contents: Contents) -> None:
        self._remote = remote
        self._contents = contents

    @contextmanager
    def pack(self, path: str, stored_name: str) -> Iterator[PackedStream]:
        """See :class:`glacier_backup.pack.packer.Packer`; ``path`` is the section's, ``stored_name`` what stands in
        front of the names, which may be empty. Raises SourceError."""
        ended, doubts = Event(), Doubts(path, stored_name)
        tree = RemoteGroup(self._remote, path, self._contents, Ended(ended))
        with ExitStack() as stack:
            stack.callback(tree.close)
            writer = ZipWriter(path, stored_name, FilesOf(tree), 2 * self._remote.width, doubts)
            stream = stack.enter_context(written(writer))
            stack.callback(ended.set)
            yield GroupStream(stream, doubts, lambda: False, lambda: tree.as_planned)

    def step(self) -> Step:
        """See :class:`~glacier_backup.pack.zip.ZipPacker`."""
        return zip_step(self._contents)

    def estimate(self, content: int, entries: int) -> int:
        """At least the bytes of the stream."""
        return zip_estimate(self._contents, content, entries)
