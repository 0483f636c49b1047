"""A symlink of an SFTP server as itself: its target for content."""

from __future__ import annotations

import stat
from collections.abc import Iterator
from contextlib import contextmanager

from glacier_backup.errors import SourceError
from glacier_backup.model.archive import Container
from glacier_backup.model.recipe import Step
from glacier_backup.pack.link_stream import LinkStream
from glacier_backup.pack.packer import PackedStream
from glacier_backup.pack.remote import on_server, translated
from glacier_backup.ssh.entries import Attributes
from glacier_backup.ssh.remote import Remote

_SECOND = 10**9
"""In ns."""


class RemoteLinkPacker:
    """Packs a symlink, whatever it leads to, by handing on the bytes of its target. Paths are URLs."""

    container: Container = "raw"

    def __init__(self, remote: Remote) -> None:
        self._remote = remote

    @contextmanager
    def pack(self, path: str, stored_name: str) -> Iterator[PackedStream]:
        """See :class:`glacier_backup.pack.packer.Packer`. Raises SourceError for anything but a symlink."""
        before, target = self._look(path)

        def is_same() -> bool:
            try:
                return self._look(path) == (before, target)
            except SourceError:
                return False

        yield LinkStream(stored_name, target, before.mtime * _SECOND, stat.S_IMODE(before.mode), is_same)

    def step(self) -> Step:
        """A symlink has to be made of the content."""
        return Step("symlink")

    def estimate(self, content: int, entries: int) -> int:
        """Exactly the bytes of the target."""
        return content

    def _look(self, path: str) -> tuple[Attributes, bytes]:
        with translated(path):
            found = self._remote.look(on_server(path), follow=False)
            if not stat.S_ISLNK(found.mode):
                raise SourceError(f"{path}: not a symlink")
            return found, self._remote.link_target(on_server(path))
