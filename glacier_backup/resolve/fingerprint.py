"""What a candidate looks like, boiled down to one digest that the catalog keeps.

The digest is SHA-256 over the following bytes. Catalogs outlive programs: this never changes; another format would
begin with another first line, and then every candidate that is compared counts as changed, once.

    stream = "glacier-backup fingerprint 1" LF  entry  [ block ]        (a block only for a directory)
    entry  = name NUL  st_mode:4  size:8  mtime:8  [ length:4 target ]  (a target only for a symlink)
    block  = entries in the order of their names  NUL  state:1

Numbers are unsigned and big-endian, names and targets bytes as the disk has them. ``st_mode`` is type and
permissions (POSIX numbers), ``size`` bytes for regular files and 0 for all else, ``mtime`` ns since 1970 modulo
2^64, 0 for directories. The candidate's own entry has an empty name: a fingerprint doesn't depend on where the
candidate lies. ``state`` is ``r`` when the directory was read to its end, ``u`` when it could not be. After a
directory's block come the blocks of its subdirectories in the order of their names, each followed by those below
it, so relative paths are in the order of the blocks. An entry that can be listed but not examined has 0 in all fields.

**A directory's own mtime is left out of the digest.** What moves it is an entry that was added, removed or renamed,
and those the names tell. What it would add are entries that came and went between two looks, such as the lock file
of a document that somebody opened: it would send a large archive again with nothing new in it. It does count for
``newest_mtime_ns``, so what came and went *while* an archive was read can be told from two whole fingerprints, and
the date test for archives of other systems sees old files that were moved in.

**What the kernel shows of itself** below a candidate, such as /proc and /sys below /, is left out: there a directory is
one without entries, and its mtime doesn't count.

**Files that this program itself writes are left out**, as if they were not there, where they are named to
:func:`fingerprint_directory`; without them among the entries the digest is the same as if none were named. So is what
an :class:`~glacier_backup.exclusion.Exclusion` leaves out.

Not seen by design: a file replaced by one of the same name, size, mtime and mode.
"""

from __future__ import annotations

import errno
import hashlib
import os
import stat
import struct
import sys
from collections.abc import Iterator
from itertools import islice

from glacier_backup.descent import OPEN_DIRECTORY, Descent
from glacier_backup.exclusion import NOTHING, Below, Exclusion
from glacier_backup.model.candidate import Fingerprint
from glacier_backup.mounts import mount_table, virtual_below
from glacier_backup.ordering import Ordering
from glacier_backup.resolve.own import OwnNames, directory_of, is_own

_FIRST_LINE = b"glacier-backup fingerprint 1\n"
_FIELDS = struct.Struct(">IQQ").pack
_LENGTH = struct.Struct(">I").pack
_MODULUS = 2**64 - 1

_READ = b"\0r"
_UNREADABLE = b"\0u"

_LATEST = 2**63 - 1
"""Times handed on are kept to what databases hold, the years 1677 to 2262; file systems know others."""

_ENCODING = sys.getfilesystemencoding()

_AT_ONCE = 8192
"""Entries joined into one piece for the hash."""

_NONE: OwnNames = {}
_NO_NAMES: frozenset[bytes] = frozenset()


def fingerprint_file(path: str) -> Fingerprint:
    """Of the regular file at ``path``, or that it links to; raises OSError, also when it is something else."""
    found = os.stat(path)
    if not stat.S_ISREG(found.st_mode):
        raise OSError(errno.EINVAL, "no longer a file", path)
    tally = _Tally()
    tally.begin(found)
    return tally.fingerprint()


def fingerprint_directory(path: str, own: OwnNames = _NONE, exclusion: Exclusion = NOTHING) -> Fingerprint:
    """Of the directory at ``path``, or that it links to, with all below it; raises OSError when it isn't one.

    Memory goes neither with the tree nor with its largest directory, and no more than a few dozen descriptors are
    open, with one for each hundred thousand entries of a larger directory. What vanishes meanwhile is left out. Links
    below are never followed and files never opened. Files that are ``own`` are left out of everything, and the mtimes
    of the directories they lie in out of the newest. What the ``exclusion`` leaves out is not looked at, nor entered.
    """
    virtual = frozenset(virtual_below(path, mount_table()).values()) - {os.stat(path).st_dev}
    tally = _Tally(own, virtual, exclusion)
    try:
        root = os.open(path, OPEN_DIRECTORY)
    except PermissionError:
        _begin(tally, os.stat(path))
        tally.hash.update(_UNREADABLE)
        return tally.fingerprint()
    with Descent(root) as here:
        _begin(tally, os.fstat(root))
        _walk(here, root, tally)
    return tally.fingerprint()


def _begin(tally: _Tally, found: os.stat_result) -> None:
    if not stat.S_ISDIR(found.st_mode):
        raise NotADirectoryError(errno.ENOTDIR, "no longer a directory")
    tally.begin(found)


def _walk(here: Descent, root: int, tally: _Tally) -> None:
    to_enter = [tally.block(root)]
    while to_enter:
        name = next(to_enter[-1], None)
        if name is None:
            to_enter.pop()
            here.leave()
            tally.leave()
            continue
        try:
            directory = here.enter(name)
        except OSError:
            tally.hash.update(_UNREADABLE)
        else:
            tally.enter(name)
            to_enter.append(tally.block(directory))


class _Tally:
    """What a walk has added up so far."""

    def __init__(
        self, own: OwnNames = _NONE, virtual: frozenset[int] = frozenset(), exclusion: Exclusion = NOTHING
    ) -> None:
        """``virtual`` are the devices, as ``st_dev``, of which nothing counts."""
        self._own = own
        self._virtual = virtual
        left_out = exclusion.compiled()
        self._below = None if left_out is None else Below(left_out)
        self.hash = hashlib.sha256(_FIRST_LINE)
        self._bytes = 0
        self._entries = 0
        self._newest: int | None = None
        self._mode: int | None = None

    def enter(self, name: bytes) -> None:
        """The walk has stepped into a directory of the present one."""
        if self._below is not None:
            self._below.enter(os.fsdecode(name))

    def leave(self) -> None:
        """The walk has stepped back."""
        if self._below is not None:
            self._below.leave()

    def begin(self, found: os.stat_result) -> None:
        """With the candidate itself."""
        self._mode = stat.S_IMODE(found.st_mode)
        self.count(found)
        self.hash.update(_entry(b"", found))

    def count(self, found: os.stat_result) -> None:
        self._entries += 1
        mtime_ns = found.st_mtime_ns
        if (self._newest is None or mtime_ns > self._newest) and not self._moves_by_itself(found):
            self._newest = mtime_ns
        if stat.S_ISREG(found.st_mode):
            self._bytes += found.st_size

    def block(self, directory: int) -> Iterator[bytes]:
        """Hash one directory's entries; the names of its subdirectories, in their order."""
        if self._virtual and os.fstat(directory).st_dev in self._virtual:
            self.hash.update(_READ)
            return iter(())
        entries = Ordering()
        below = Ordering()
        own = self._own_in(os.fstat(directory)) if self._own else _NO_NAMES
        state = _READ
        try:
            with os.scandir(directory) as listing:
                for item in listing:
                    self._item(item, directory, own, entries, below)
        except OSError:
            state = _UNREADABLE
        in_order = iter(entries)  # the NUL behind each name sorts before all that may follow it: the names' order
        while piece := b"".join(islice(in_order, _AT_ONCE)):
            self.hash.update(piece)
        self.hash.update(state)
        return iter(below)

    def _moves_by_itself(self, found: os.stat_result) -> bool:
        return found.st_dev in self._virtual or bool(self._own_in(found))

    def _own_in(self, found: os.stat_result) -> frozenset[bytes]:
        """The names that are left out of this directory."""
        if not self._own or not stat.S_ISDIR(found.st_mode):
            return _NO_NAMES
        return self._own.get(directory_of(found), _NO_NAMES)

    def _item(
        self,
        item: os.DirEntry[str],
        directory: int,
        own: frozenset[bytes],
        entries: Ordering,
        below: Ordering,
    ) -> None:
        name = item.name.encode(_ENCODING, "surrogateescape")  # as os.fsencode does, which takes longer
        try:
            if self._below is not None and self._below.leaves_out(item.name, item.is_dir(follow_symlinks=False)):
                return
            found = item.stat(follow_symlinks=False)
            entry = _entry(name, found, directory)
        except FileNotFoundError:
            return
        except OSError:
            self._entries += 1
            entries.add(name + b"\0" + _FIELDS(0, 0, 0))
            return
        if own and is_own(name, own, directory=stat.S_ISDIR(found.st_mode)):
            return
        self.count(found)
        entries.add(entry)
        if stat.S_ISDIR(found.st_mode):
            below.add(name)

    def fingerprint(self) -> Fingerprint:
        newest = max(-_LATEST, min(self._newest or 0, _LATEST))
        return Fingerprint(self.hash.hexdigest(), self._bytes, self._entries, newest, self._mode)


def _entry(name: bytes, found: os.stat_result, directory: int | None = None) -> bytes:
    mode = found.st_mode
    if stat.S_ISREG(mode):
        return name + b"\0" + _FIELDS(mode, found.st_size & _MODULUS, found.st_mtime_ns & _MODULUS)
    if stat.S_ISDIR(mode):
        return name + b"\0" + _FIELDS(mode, 0, 0)
    entry = name + b"\0" + _FIELDS(mode, 0, found.st_mtime_ns & _MODULUS)
    if not stat.S_ISLNK(mode):
        return entry
    target = os.readlink(name, dir_fd=directory)
    return entry + _LENGTH(len(target)) + target
