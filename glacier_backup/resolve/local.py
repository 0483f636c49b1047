"""Candidates on this machine's own file systems. The rules, as users read them, are in ``docs/candidates.md``."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping, Sequence
from types import MappingProxyType
from typing import Literal

from glacier_backup.errors import SourceError
from glacier_backup.model.candidate import Candidate, Fingerprint, PassedOver, Resolved
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
from glacier_backup.ordering import Ordering
from glacier_backup.resolve.examine import cause, examine
from glacier_backup.resolve.exclusion import Excluding
from glacier_backup.resolve.fingerprint import fingerprint_directory, fingerprint_file
from glacier_backup.resolve.gone import LocalLooks, gone
from glacier_backup.resolve.local_group import look_at_group
from glacier_backup.resolve.local_lister import LocalLister, look_at
from glacier_backup.resolve.nesting import Apart
from glacier_backup.resolve.own import own_names
from glacier_backup.resolve.source import Selection
from glacier_backup.resolve.tree import TreeSection
from glacier_backup.resolve.walk import walk

_Type = Literal["file", "directory", "link", "special"]

_TYPES: dict[bytes, _Type] = {b"\0d": "directory", b"\0f": "file", b"\0l": "link", b"\0s": "special"}
"""By what is put behind a name: NUL sorts before all that may follow it, so the order stays that of the names."""

_MARKS = {type_: mark for mark, type_ in _TYPES.items()}
_MARK = 2


class LocalSource:
    """A :class:`~glacier_backup.resolve.source.Source` over the local file systems. Opens no file, ever.

    ``own`` are absolute paths of what this program writes in every run: the catalog, the log, the spool. They,
    and what comes beside them (``catalog.sqlite3-wal`` and its kind, ``glacier_backup.log.1``), are left out of the
    fingerprints of directories: of digest, bytes and entries, and of the newest mtime, as is that of the directory
    they lie in, which they move. They are still packed. A candidate that is such a file itself was asked for by name,
    and is looked at like any other. Of a whole tree they are no part.

    ``vaults`` are the absolute paths of this machine's directories that archives are stored in, by the names of the
    destinations; they need not exist. A candidate that goes to such a destination, and whose real path is the vault's,
    above it or inside it, is passed over, as is the vault in a whole tree.
    """

    def __init__(self, own: Sequence[str] = (), vaults: Mapping[str, str] = MappingProxyType({})) -> None:
        self._own = tuple(own)
        self._vaults = vaults

    def resolve(self, selection: Selection) -> Iterator[Resolved]:
        named = None if selection.within is None else _named(selection, selection.within)
        if named is not None and selection.within is not None:
            yield Apart(selection.path, self._vaults_of(selection.within)).check(named)
            return
        vaults = self._vaults_of(selection)
        apart = Apart(selection.path, vaults)
        if selection.is_tree and examine(selection.path) == "directory":
            yield from self._tree(selection, apart, vaults)
            return
        yield from _section(selection, apart)

    def _vaults_of(self, selection: Selection) -> list[str]:
        return [self._vaults[name] for name in selection.destinations if name in self._vaults]

    def _tree(self, selection: Selection, apart: Apart, vaults: Sequence[str]) -> Iterator[Resolved]:
        path = selection.path
        inside = apart.inside(path)
        if inside is not None:
            yield inside
            return
        try:
            lister = LocalLister(path, own_names(self._own), vaults)
        except OSError as error:
            yield PassedOver(path, path, Unreadable(cause(error)))
            return
        with lister:
            yield from walk(lister, TreeSection(selection))

    def look(self, candidate: Candidate) -> Fingerprint:
        try:
            if candidate.contents is not None:
                return look_at_group(candidate.path, candidate.section, candidate.contents)
            if candidate.of_tree:
                return look_at(candidate.path, candidate.kind)
            if candidate.kind == "file":
                return fingerprint_file(candidate.path)
            return fingerprint_directory(candidate.path, own_names(self._own), candidate.exclusion)
        except OSError as error:
            raise SourceError(f"{candidate.path}: {cause(error)}") from error

    def gone(self, section: str, paths: Sequence[str]) -> Sequence[bool]:
        return gone(LocalLooks(), os.fsencode(section), [os.fsencode(path) for path in paths])


def _named(selection: Selection, tree: Selection) -> Candidate | None:
    """What was named, as a candidate of the tree that it lies in; None where it is none of its files."""
    path, rules, found = selection.path, TreeSection(tree), examine(selection.path)
    kind = rules.sends_as(path, is_link=os.path.islink(path), leads_to=found if isinstance(found, str) else None)
    if kind is None or not rules.reaches(path, os.path.realpath(tree.path), os.path.realpath(os.path.dirname(path))):
        return None
    try:
        return Candidate(path, kind, tree.path, selection.compare, seen=look_at(path, kind))
    except OSError:
        return None


def _section(selection: Selection, apart: Apart) -> Iterator[Resolved]:
    path = selection.path
    found = examine(path)
    if isinstance(found, BrokenLink):
        found = BrokenSection(found.target)
    if found == "directory":
        yield from _directory(selection, apart)
    elif found == "file":
        yield apart.check(Candidate(path, "file", path, selection.compare))
    else:
        yield PassedOver(path, path, found)


def _directory(selection: Selection, apart: Apart) -> Iterator[Resolved]:
    path = selection.path
    if not (selection.single_dir or selection.dirs or selection.files):
        yield PassedOver(path, path, NoUploadOption())
        return
    try:
        with os.scandir(os.fsencode(path)) as listing:
            children = iter(()) if selection.single_dir else _children(listing, selection)
    except OSError as error:
        yield PassedOver(path, path, Unreadable(cause(error)))
        return
    if selection.single_dir:
        yield apart.check(Candidate(path, "directory", path, selection.compare, exclusion=selection.exclusion))
    excluding = Excluding(selection)
    for child in children:
        type_ = _TYPES[child[-_MARK:]]
        for found in _child(os.fsdecode(child[:-_MARK]), type_, selection, excluding):
            yield found if isinstance(found, PassedOver) else apart.check(found, was_link=type_ == "link")


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


def _child(name: str, type_: _Type, selection: Selection, excluding: Excluding) -> Iterator[Resolved]:
    path = f"{selection.path.rstrip('/')}/{name}"
    pattern = excluding.by(name, path, is_dir=type_ == "directory")
    if pattern is not None:
        # Before anything else: an excluded link may point to a server that doesn't answer.
        yield PassedOver(path, selection.path, ExcludedBy(pattern))
        return
    found = type_ if type_ == "file" or type_ == "directory" else examine(path)
    if isinstance(found, Missing):
        return  # it vanished since it was listed
    if not isinstance(found, str):
        yield from _passed_over(path, found, selection)
    elif found == "file" and selection.files:
        yield Candidate(path, found, selection.path, selection.compare)
    elif found == "directory" and selection.dirs:
        # A link that leads to one counts as one.
        pattern = excluding.by(name, path, is_dir=True) if type_ == "link" else None
        if pattern is not None:
            yield PassedOver(path, selection.path, ExcludedBy(pattern))
        else:
            exclusion = selection.exclusion.inside(name)
            yield Candidate(path, found, selection.path, selection.compare, exclusion=exclusion)


def _passed_over(path: str, reason: SkipReason, selection: Selection) -> Iterator[PassedOver]:
    if selection.files or not isinstance(reason, NotAFile):
        yield PassedOver(path, selection.path, reason)
