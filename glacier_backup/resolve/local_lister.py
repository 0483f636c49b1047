"""The directories of this machine, as a walk through a whole tree goes down and up in them."""

from __future__ import annotations

import errno
import os
import stat
import sys
from collections.abc import Iterator, Sequence
from types import TracebackType
from typing import AnyStr

from glacier_backup.descent import OPEN_DIRECTORY, Descent
from glacier_backup.errors import SourceError
from glacier_backup.model.candidate import Fingerprint, Kind
from glacier_backup.model.reason import IsTheVault, Missing, NotAFile, SkipReason, Unreadable
from glacier_backup.model.tree_digest import tree_fingerprint
from glacier_backup.mounts import mount_table, virtual_below
from glacier_backup.resolve.entries import Entry
from glacier_backup.resolve.examine import absence, cause, special
from glacier_backup.resolve.nesting import covers
from glacier_backup.resolve.own import OwnNames, directory_of, is_own

_ENCODING = sys.getfilesystemencoding()

GONE = (errno.ENOENT, errno.ENOTDIR, errno.ELOOP)
"""It isn't there any more, or something else has taken its place."""


class LocalLister:
    """A :class:`~glacier_backup.resolve.walk.Lister` below ``path``; opens directories only, whatever their depth.

    Files that are ``own`` are no part of it, nor is what the kernel shows of itself, as in /proc. None of the
    directories ``vaults`` is entered, by whatever way. Close it by leaving its context. Raises OSError when ``path``
    can't be opened.
    """

    def __init__(self, path: str, own: OwnNames, vaults: Sequence[str]) -> None:
        self._own = own
        self._real_vaults = {vault: os.path.realpath(vault) for vault in vaults}
        self._identified = {identity: vault for vault in vaults if (identity := _identity_of(vault)) is not None}
        self._virtual = frozenset(virtual_below(path, mount_table()).values()) - {os.stat(path).st_dev}
        self._entered = os.open(path, OPEN_DIRECTORY)
        self._here = Descent(self._entered)
        self._found = os.fstat(self._entered)

    def __enter__(self) -> LocalLister:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._here.__exit__(kind, error, trace)

    def identity(self) -> tuple[int, int] | None:
        """See :class:`~glacier_backup.resolve.walk.Lister`."""
        identity = directory_of(self._found)
        return identity if identity[1] else None  # some file systems in user space number nothing

    def entries(self) -> Iterator[Entry]:
        """See :class:`~glacier_backup.resolve.walk.Lister`."""
        own = self._own.get(directory_of(self._found)) if self._own else None
        try:
            with os.scandir(self._entered) as listing:
                for item in listing:
                    entry = _entry(item, self._entered)
                    if entry is None or (own and is_own(entry.name, own, directory=entry.type == "directory")):
                        continue
                    yield entry
        except OSError as error:
            raise SourceError(cause(error)) from error

    def follow(self, name: bytes, path: str) -> Entry | SkipReason:
        """See :class:`~glacier_backup.resolve.walk.Lister`."""
        try:
            folder = self._here.present()
        except OSError as error:
            return _closed(error)
        try:
            found = os.stat(name, dir_fd=folder)
        except OSError as error:
            return absence(name, error, folder)
        reason = self._barred(path)
        if reason is not None:
            return reason
        if stat.S_ISDIR(found.st_mode):
            return Entry(name, "directory")
        if not stat.S_ISREG(found.st_mode):
            return NotAFile(special(found.st_mode))
        return Entry(name, "file", found.st_size, found.st_mtime_ns, stat.S_IMODE(found.st_mode))

    def enter(self, name: bytes, follow: bool) -> SkipReason | None:
        """See :class:`~glacier_backup.resolve.walk.Lister`."""
        try:
            self._entered = self._here.enter(name, follow)
        except OSError as error:
            return _closed(error)
        self._found = os.fstat(self._entered)
        if self._found.st_dev in self._virtual:
            self._here.leave()
            return Missing()
        vault = self._identified.get(directory_of(self._found)) if self._identified else None
        if vault is not None:
            self._here.leave()
            return IsTheVault(vault)
        return None

    def leave(self) -> None:
        """See :class:`~glacier_backup.resolve.walk.Lister`."""
        self._here.leave()

    def _barred(self, path: str) -> SkipReason | None:
        """Why what the link at ``path`` leads to is no part of the tree: the vault, and what this program writes."""
        if not self._real_vaults and not self._own:
            return None
        real = os.path.realpath(path)
        for vault, real_vault in self._real_vaults.items():
            if covers(real_vault, real):
                return IsTheVault(vault)
        folder, _, name = os.fsencode(real).rpartition(b"/")
        own = self._own.get(_identity_of(folder or b"/") or (0, 0))
        return Missing() if own and is_own(name, own, directory=False) else None


def look_at(path: str, kind: Kind) -> Fingerprint:
    """Of a file, or one that a link leads to, or with that kind of a link itself, as a walk would see it now.

    Raises OSError, also when it is something else.
    """
    if kind == "link":
        found = os.lstat(path)
        if not stat.S_ISLNK(found.st_mode):
            raise OSError(errno.EINVAL, "no longer a symlink", path)
        return tree_fingerprint("link", length(path, found), found.st_mtime_ns, stat.S_IMODE(found.st_mode))
    found = os.stat(path)
    if not stat.S_ISREG(found.st_mode):
        raise OSError(errno.EINVAL, "no longer a file", path)
    return tree_fingerprint("file", found.st_size, found.st_mtime_ns, stat.S_IMODE(found.st_mode))


def _entry(item: os.DirEntry[str], folder: int) -> Entry | None:
    """None for what has vanished."""
    name = item.name.encode(_ENCODING, "surrogateescape")  # as os.fsencode does, which takes longer
    try:
        if item.is_dir(follow_symlinks=False):
            return Entry(name, "directory")
        found = item.stat(follow_symlinks=False)
        mode = stat.S_IMODE(found.st_mode)
        if stat.S_ISREG(found.st_mode):
            return Entry(name, "file", found.st_size, found.st_mtime_ns, mode)
        if stat.S_ISLNK(found.st_mode):
            return Entry(name, "link", length(name, found, folder), found.st_mtime_ns, mode)
    except FileNotFoundError:
        return None
    except OSError as error:
        return Entry(name, "unreadable", note=cause(error))
    return Entry(name, "special", note=special(found.st_mode))


def length(path: AnyStr, link: os.stat_result, folder: int | None = None) -> int:
    """Bytes of what a link points to; /proc says 0 of all of its links."""
    return link.st_size or len(os.fsencode(os.readlink(path, dir_fd=folder)))


def _closed(error: OSError) -> SkipReason:
    """Why a directory can't be opened."""
    return Missing() if error.errno in GONE else Unreadable(cause(error))


def _identity_of(path: str | bytes) -> tuple[int, int] | None:
    try:
        return directory_of(os.stat(path))
    except OSError:
        return None
