"""A symlink as itself: its target for content, as ``.rclonelink`` files have it and ``ln -s`` takes it."""

from __future__ import annotations

import errno
import os
import stat
from collections.abc import Iterator
from contextlib import contextmanager
from typing import NamedTuple

from glacier_backup.errors import SourceError
from glacier_backup.model.archive import Container
from glacier_backup.model.recipe import Step
from glacier_backup.pack.link_stream import LinkStream
from glacier_backup.pack.packer import PackedStream


class LinkPacker:
    """Packs a symlink, whatever it leads to, or to nothing, by handing on the bytes of its target."""

    container: Container = "raw"

    @contextmanager
    def pack(self, path: str, stored_name: str) -> Iterator[PackedStream]:
        """See :class:`glacier_backup.pack.packer.Packer`. Raises SourceError for anything but a symlink."""
        before, target = _look(path)

        def is_same() -> bool:
            try:
                return _look(path) == (before, target)
            except SourceError:
                return False

        yield LinkStream(stored_name, target, before.mtime_ns, before.mode, is_same)

    def step(self) -> Step:
        """A symlink has to be made of the content."""
        return Step("symlink")

    def estimate(self, content: int, entries: int) -> int:
        """Exactly the bytes of the target."""
        return content


class _Looks(NamedTuple):
    device: int
    inode: int
    mtime_ns: int
    mode: int


def _look(path: str) -> tuple[_Looks, bytes]:
    """The link, and its target."""
    try:
        found = os.lstat(path)
        target = os.readlink(os.fsencode(path))
    except OSError as error:
        why = "not a symlink" if error.errno == errno.EINVAL else error.strerror
        raise SourceError(f"{path}: {why}") from error
    return _Looks(found.st_dev, found.st_ino, found.st_mtime_ns, stat.S_IMODE(found.st_mode)), target
