"""Contents of a server's files, for a tar that is made of them here."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from threading import Lock

from glacier_backup.pack.remote import on_server, translated
from glacier_backup.pack.tar_writer import SMALL
from glacier_backup.pack.tree import Piece, Range
from glacier_backup.ssh import reading
from glacier_backup.ssh.remote import Remote


class RemoteContents:
    """Reads files by the paths of their entries; safe to use from several threads."""

    def __init__(self, remote: Remote, path: str, check: Callable[[], None]) -> None:
        """``path`` is what errors of the server name."""
        self._remote = remote
        self._path = path
        self._check = check
        self._open: dict[bytes, int] = {}
        """Large files that may be open, and how many of their bytes are still to be read."""
        self._lock = Lock()

    def read(self, ranges: Sequence[Range]) -> Sequence[Piece | OSError]:
        """See :meth:`glacier_backup.pack.tree.Tree.read`."""
        wanted = [reading.Range(on_server(one.entry.path), one.offset, one.length) for one in ranges]
        with translated(self._path):
            found = self._remote.read(wanted, self._check)
        if ranges[0].entry.size > SMALL:
            self._was_read(wanted[0], ranges[0].entry.size)
        return [one if isinstance(one, OSError) else _piece(one) for one in found]

    def close(self) -> None:
        """Let go of what is open."""
        for path in self._open:
            self._remote.forget(path)

    def _was_read(self, wanted: reading.Range, size: int) -> None:
        """Large files stay open for other ranges, until all were read, in whatever order."""
        with self._lock:
            left = self._open.pop(wanted.path, size) - wanted.length
            if left:
                self._open[wanted.path] = left
        if not left:
            self._remote.forget(wanted.path)


def _piece(read: reading.Read) -> Piece:
    return Piece(read.data, read.attributes.size, read.attributes.mtime_ns)
