"""Candidates on this machine's own file systems. The rules, as users read them, are in ``docs/candidates.md``."""

from __future__ import annotations

import errno
import os
import stat
from collections.abc import Iterator, Sequence
from typing import Literal

from glacier_backup.errors import SourceError
from glacier_backup.model.candidate import Candidate, Fingerprint, Kind, PassedOver, Resolved
from glacier_backup.model.reason import (
    BrokenLink,
    BrokenSection,
    ExcludedBy,
    Missing,
    NotAFile,
    NoUploadOption,
    SkipReason,
    Unreadable,
)
from glacier_backup.resolve.fingerprint import fingerprint_directory, fingerprint_file
from glacier_backup.resolve.nesting import Apart
from glacier_backup.resolve.ordering import Ordering
from glacier_backup.resolve.own import own_names
from glacier_backup.resolve.source import Selection

_Type = Literal["file", "directory", "link", "special"]

_TYPES: dict[bytes, _Type] = {b"\0d": "directory", b"\0f": "file", b"\0l": "link", b"\0s": "special"}
"""By what is put behind a name: NUL sorts before all that may follow it, so the order stays that of the names."""

_MARKS = {type_: mark for mark, type_ in _TYPES.items()}
_MARK = 2

_SPECIAL = {
    stat.S_IFIFO: "FIFO",
    stat.S_IFSOCK: "socket",
    stat.S_IFBLK: "block device",
    stat.S_IFCHR: "character device",
}


class LocalSource:
    """A :class:`~glacier_backup.resolve.source.Source` over the local file systems. Opens no file, ever.

    ``own`` are absolute paths of files that this program writes in every run, such as the catalog and the log. They,
    and what comes beside them (``catalog.sqlite3-wal`` and its kind, ``glacier_backup.log.1``), are left out of the
    fingerprints of directories: of digest, bytes and entries, and of the newest mtime, as is that of the directory
    they lie in, which they move. They are still packed. A candidate that is such a file itself was asked for by name,
    and is looked at like any other.

    ``vault`` is the absolute path of the directory that archives are stored in, if it is one of this machine's;
    it need not exist. A candidate whose real path is the vault's, above it or inside it is passed over.
    """

    def __init__(self, own: Sequence[str] = (), vault: str | None = None) -> None:
        self._own = tuple(own)
        self._vault = vault

    def resolve(self, selection: Selection) -> Iterator[Resolved]:
        apart = None if self._vault is None else Apart(selection.path, self._vault)
        for found in _section(selection):
            yield found if apart is None or isinstance(found, PassedOver) else apart.check(found)

    def look(self, candidate: Candidate) -> Fingerprint:
        try:
            if candidate.kind == "file":
                return fingerprint_file(candidate.path)
            return fingerprint_directory(candidate.path, own_names(self._own))
        except OSError as error:
            raise SourceError(f"{candidate.path}: {_cause(error)}") from error


def _section(selection: Selection) -> Iterator[Resolved]:
    path = selection.path
    found = _examine(path)
    if isinstance(found, BrokenLink):
        found = BrokenSection(found.target)
    if found == "directory":
        yield from _directory(selection)
    elif found == "file":
        yield Candidate(path, "file", path, selection.compare)
    else:
        yield PassedOver(path, path, found)


def _directory(selection: Selection) -> Iterator[Resolved]:
    path = selection.path
    if not (selection.single_dir or selection.dirs or selection.files):
        yield PassedOver(path, path, NoUploadOption())
        return
    try:
        with os.scandir(os.fsencode(path)) as listing:
            children = iter(()) if selection.single_dir else _children(listing, selection)
    except OSError as error:
        yield PassedOver(path, path, Unreadable(_cause(error)))
        return
    if selection.single_dir:
        yield Candidate(path, "directory", path, selection.compare)
    for child in children:
        yield from _child(os.fsdecode(child[:-_MARK]), _TYPES[child[-_MARK:]], selection)


def _children(listing: Iterator[os.DirEntry[bytes]], selection: Selection) -> Iterator[bytes]:
    """The names of the direct children that the options are about, each with the mark of its type, ordered by name.

    Links may be anything: they all count. All are listed when this returns.
    """
    wanted = {"link": True, "directory": selection.dirs, "file": selection.files, "special": selection.files}
    children = Ordering()
    for entry in listing:
        type_ = _type(entry)
        if wanted[type_]:
            children.add(entry.name + _MARKS[type_])
    return iter(children)


def _type(entry: os.DirEntry[bytes]) -> _Type:
    """What the listing itself says, without asking the disk where it does."""
    if entry.is_symlink():
        return "link"
    if entry.is_dir(follow_symlinks=False):
        return "directory"
    return "file" if entry.is_file(follow_symlinks=False) else "special"


def _child(name: str, type_: _Type, selection: Selection) -> Iterator[Resolved]:
    path = f"{selection.path.rstrip('/')}/{name}"
    pattern = _excluded_by(name, path, selection.exclude)
    if pattern is not None:
        # Before anything else: an excluded link may point to a server that doesn't answer.
        yield PassedOver(path, selection.path, ExcludedBy(pattern))
        return
    found = type_ if type_ == "file" or type_ == "directory" else _examine(path)
    if isinstance(found, Missing):
        return  # it vanished since it was listed
    if not isinstance(found, str):
        yield from _passed_over(path, found, selection)
    elif selection.dirs if found == "directory" else selection.files:
        yield Candidate(path, found, selection.path, selection.compare)


def _passed_over(path: str, reason: SkipReason, selection: Selection) -> Iterator[PassedOver]:
    if selection.files or not isinstance(reason, NotAFile):
        yield PassedOver(path, selection.path, reason)


def _excluded_by(name: str, path: str, exclude: Sequence[str]) -> str | None:
    """The first prefix that the name, or for one with a leading slash the path, begins with.

    A slash is added behind what is compared: ``tmp/`` leaves out ``tmp`` and keeps ``tmp2``.
    """
    for prefix in exclude:
        compared = path if prefix.startswith("/") else name
        if prefix and f"{compared}/".startswith(prefix):
            return prefix
    return None


def _examine(path: str) -> Kind | SkipReason:
    """What ``path`` is, or points to; or why it can't be a candidate."""
    try:
        mode = os.stat(path).st_mode
    except ValueError:
        return Missing()  # a NUL, or text that no name on disk can be
    except OSError as error:
        return _absence(path, error)
    if stat.S_ISDIR(mode):
        return "directory"
    if stat.S_ISREG(mode):
        return "file"
    return NotAFile(_SPECIAL.get(stat.S_IFMT(mode), "special file"))


def _absence(path: str, error: OSError) -> SkipReason:
    if error.errno not in (errno.ENOENT, errno.ENOTDIR, errno.ELOOP):
        return Unreadable(_cause(error))
    try:
        return BrokenLink(os.readlink(path))
    except OSError:
        return Unreadable(_cause(error)) if error.errno == errno.ELOOP else Missing()


def _cause(error: OSError) -> str:
    return error.strerror or str(error)
