"""The directories of a server, as a walk through a whole tree goes down and up in them."""

from __future__ import annotations

import stat
from collections.abc import Iterator

from glacier_backup.errors import SourceError
from glacier_backup.model.reason import BrokenLink, Missing, NotAFile, SkipReason, Unreadable
from glacier_backup.resolve.entries import Entry
from glacier_backup.resolve.examine import cause, special
from glacier_backup.ssh import entries as remote_entries
from glacier_backup.ssh.folders import Folder, FolderWalk
from glacier_backup.ssh.reading import below
from glacier_backup.ssh.remote import Remote


class SftpLister:
    """A :class:`~glacier_backup.resolve.walk.Lister` over a walk that lists directories ahead. Raises ServerError.

    SFTP has no inode numbers: a directory is known by its real path, which sees loops of links and none of mounts.
    """

    def __init__(self, remote: Remote, folders: FolderWalk) -> None:
        self._remote = remote
        self._walk = folders
        self._folder: Folder = folders.top
        self._real: list[bytes | None] = [self._real_path(folders.top.path)]

    def identity(self) -> bytes | None:
        """See :class:`~glacier_backup.resolve.walk.Lister`."""
        return self._real[-1]

    def entries(self) -> Iterator[Entry]:
        """See :class:`~glacier_backup.resolve.walk.Lister`."""
        if self._folder.error is not None:
            raise SourceError(cause(self._folder.error)) from self._folder.error
        return map(_entry, self._folder.entries())

    def follow(self, name: bytes, path: str) -> Entry | SkipReason:
        """See :class:`~glacier_backup.resolve.walk.Lister`."""
        there = below(self._walk.path, name)
        try:
            found = self._remote.look(there)
        except FileNotFoundError:
            return self._absence(there)
        except OSError as error:
            return Unreadable(cause(error))
        if stat.S_ISREG(found.mode) or stat.S_ISDIR(found.mode):
            return _entry(remote_entries.Entry(name, found))
        return NotAFile(special(found.mode))

    def enter(self, name: bytes, follow: bool) -> SkipReason | None:
        """See :class:`~glacier_backup.resolve.walk.Lister`."""
        folder = self._walk.enter(name)
        if folder.error is not None:
            self._walk.leave()
            missing = isinstance(folder.error, FileNotFoundError)
            return Missing() if missing else Unreadable(cause(folder.error))
        self._folder = folder
        above = self._real[-1]
        plain = None if above is None else below(above, name)
        self._real.append(self._real_path(folder.path) if follow else plain)
        return None

    def leave(self) -> None:
        """See :class:`~glacier_backup.resolve.walk.Lister`."""
        self._walk.leave()
        self._real.pop()

    def _real_path(self, path: bytes) -> bytes | None:
        try:
            return self._remote.real_path(path)
        except OSError:
            return None

    def _absence(self, path: bytes) -> SkipReason:
        try:
            return BrokenLink(self._remote.link_target(path).decode("utf-8", "surrogateescape"))
        except OSError:
            return Missing()


def _entry(found: remote_entries.Entry) -> Entry:
    name, attributes = found.name, found.attributes
    mode = stat.S_IMODE(attributes.mode)
    match stat.S_IFMT(attributes.mode):
        case stat.S_IFDIR:
            return Entry(name, "directory")
        case stat.S_IFREG:
            return Entry(name, "file", attributes.size, attributes.mtime_ns, mode)
        case stat.S_IFLNK:
            return Entry(name, "link", attributes.size, attributes.mtime_ns, mode)
    return Entry(name, "special", note=special(attributes.mode))
