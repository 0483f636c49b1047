"""What a server shows of one file, as an entry of a tar."""

from __future__ import annotations

import stat

from glacier_backup.pack.tar_header import TYPES
from glacier_backup.pack.tree import Entry, Lost
from glacier_backup.ssh.entries import Attributes

_DEVICES = {stat.S_IFBLK: "a block device", stat.S_IFCHR: "a character device"}


def entry_of(path: str, name: str, found: Attributes, target: str = "") -> Entry:
    """``path`` is its URL, ``name`` below the topmost one."""
    size = found.size if stat.S_ISREG(found.mode) else 0
    return Entry(path, name, found.mode, size, found.mtime_ns, found.uid, found.gid, target)


def storable(entry: Entry) -> Entry | Lost | None:
    """``entry``, or why it can't be stored; None for sockets, which nobody misses."""
    kind = stat.S_IFMT(entry.mode)
    if kind == stat.S_IFLNK and not entry.target:
        return Lost(entry.path, "the server doesn't tell what the link points to")
    if kind in _DEVICES:
        return Lost(entry.path, f"{_DEVICES[kind]}, whose numbers SFTP doesn't tell")
    if kind in TYPES:
        return entry
    return None if kind == stat.S_IFSOCK else Lost(entry.path, "the server doesn't tell what it is")
