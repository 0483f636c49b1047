"""Fingerprints of what lies on a server: the bytes are those of :mod:`glacier_backup.resolve.fingerprint`.

Times are whole seconds, for SFTP tells no finer ones; a tree whose times are, has the same fingerprint here and there.
"""

from __future__ import annotations

import hashlib
import stat
import struct
from collections.abc import Iterator
from itertools import islice

from glacier_backup.exclusion import NOTHING, Exclusion
from glacier_backup.model.candidate import Fingerprint
from glacier_backup.ssh.entries import Attributes, Entry
from glacier_backup.ssh.folders import Folder, folders, keeping
from glacier_backup.ssh.remote import Remote

_FIRST_LINE = b"glacier-backup fingerprint 1\n"
_FIELDS = struct.Struct(">IQQ").pack
_LENGTH = struct.Struct(">I").pack

_READ = b"\0r"
_UNREADABLE = b"\0u"

_AT_ONCE = 8192
"""Entries joined into one piece for the hash."""


def fingerprint_file(remote: Remote, path: bytes) -> Fingerprint:
    """Of the regular file at ``path``, or that it links to. Raises OSError, also when it is something else, and
    ServerError."""
    found = remote.look(path)
    if not stat.S_ISREG(found.mode):
        raise OSError("no longer a file")
    return _Tally(found).fingerprint()


def fingerprint_directory(remote: Remote, path: bytes, exclusion: Exclusion = NOTHING) -> Fingerprint:
    """Of the directory at ``path``, or that it links to, with all below it. Raises OSError when it isn't one, and
    ServerError.

    Many directories are listed at the same time. What vanishes meanwhile is left out, and so is what the ``exclusion``
    does; links below are not followed.
    """
    found = remote.look(path)
    if not stat.S_ISDIR(found.mode):
        raise NotADirectoryError("no longer a directory")
    tally = _Tally(found)
    with folders(remote, path, keep=keeping(path, exclusion)) as all_folders:
        for folder in all_folders:
            tally.add(folder)
    return tally.fingerprint()


class _Tally:
    """What a walk has added up so far."""

    def __init__(self, top: Attributes) -> None:
        self._hash = hashlib.sha256(_FIRST_LINE)
        self._bytes = 0
        self._entries = 0
        self._newest = 0
        self._mode = stat.S_IMODE(top.mode)
        self._hash.update(self._count(Entry(b"", top)))

    def add(self, folder: Folder) -> None:
        """One directory's block."""
        entries: Iterator[bytes] = map(self._count, folder.entries())
        while piece := b"".join(islice(entries, _AT_ONCE)):
            self._hash.update(piece)
        self._hash.update(_READ if folder.error is None else _UNREADABLE)

    def _count(self, entry: Entry) -> bytes:
        found = entry.attributes
        kind = stat.S_IFMT(found.mode)
        self._entries += 1
        self._newest = max(self._newest, found.mtime_ns)
        if kind == stat.S_IFREG:
            self._bytes += found.size
            return entry.name + b"\0" + _FIELDS(found.mode, found.size, found.mtime_ns)
        if kind == stat.S_IFDIR:
            return entry.name + b"\0" + _FIELDS(found.mode, 0, 0)
        if not found.is_known:
            return entry.name + b"\0" + _FIELDS(0, 0, 0)
        other = entry.name + b"\0" + _FIELDS(found.mode, 0, found.mtime_ns)
        return other + _LENGTH(len(entry.target)) + entry.target if kind == stat.S_IFLNK else other

    def fingerprint(self) -> Fingerprint:
        return Fingerprint(self._hash.hexdigest(), self._bytes, self._entries, self._newest, self._mode)
