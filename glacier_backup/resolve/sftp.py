"""Candidates on an SFTP server. The rules are those of this machine's: ``docs/candidates.md``."""

from __future__ import annotations

import stat
from collections.abc import Iterator, Sequence
from itertools import islice
from typing import Literal

from glacier_backup.errors import ServerError, SourceError, SourceUnavailable
from glacier_backup.model.candidate import Candidate, Fingerprint, Kind, PassedOver, Resolved
from glacier_backup.model.naming import path_on_server
from glacier_backup.model.reason import (
    BrokenLink,
    BrokenSection,
    ExcludedBy,
    Missing,
    NotAFile,
    NoUploadOption,
    ServerUnavailable,
    SkipReason,
    Unreadable,
)
from glacier_backup.model.tree_digest import tree_fingerprint
from glacier_backup.ordering import Ordering
from glacier_backup.resolve.examine import cause, special
from glacier_backup.resolve.exclusion import Excluding
from glacier_backup.resolve.gone import gone
from glacier_backup.resolve.sftp_fingerprint import fingerprint_directory, fingerprint_file
from glacier_backup.resolve.sftp_group import look_at_group
from glacier_backup.resolve.sftp_lister import SftpLister
from glacier_backup.resolve.source import Selection
from glacier_backup.resolve.tree import TreeSection
from glacier_backup.resolve.walk import walk
from glacier_backup.ssh.entries import Attributes, Entry, from_piece
from glacier_backup.ssh.folders import walking
from glacier_backup.ssh.reading import below
from glacier_backup.ssh.remote import Remote

_LINKS_TOGETHER = 500


class SftpSource:
    """A :class:`~glacier_backup.resolve.source.Source` over one server, which is only read.

    Paths are ``sftp://user@host:port/absolute/path``, the path taken literally. A server that can't be used is a reason
    for the section to be passed over (:class:`~glacier_backup.model.reason.ServerUnavailable`), and a SourceUnavailable
    when a candidate is looked at. Times are whole seconds: that is all SFTP tells.
    """

    def __init__(self, remote: Remote) -> None:
        self._remote = remote

    def resolve(self, selection: Selection) -> Iterator[Resolved]:
        """See :class:`~glacier_backup.resolve.source.Source`."""
        try:
            yield from self._section(selection)
        except ServerError as error:
            yield PassedOver(selection.path, selection.path, ServerUnavailable(str(error), error.hint))

    def look(self, candidate: Candidate) -> Fingerprint:
        """See :class:`~glacier_backup.resolve.source.Source`. Raises SourceUnavailable, too."""
        try:
            if candidate.contents is not None:
                section = _on_server(candidate.section)
                return look_at_group(self._remote, candidate.path, section, candidate.contents)
            path = _on_server(candidate.path)
            if candidate.of_tree:
                return self._look_in_tree(path, candidate.kind)
            if candidate.kind == "file":
                return fingerprint_file(self._remote, path)
            return fingerprint_directory(self._remote, path, candidate.exclusion)
        except OSError as error:
            raise SourceError(f"{candidate.path}: {cause(error)}") from error
        except ValueError:
            raise SourceError(f"{candidate.path}: there is no such path") from None
        except ServerError as error:
            raise SourceUnavailable(f"{candidate.path}: {error}", hint=error.hint) from error

    def gone(self, section: str, paths: Sequence[str]) -> Sequence[bool]:
        """See :class:`~glacier_backup.resolve.source.Source`. Many are asked about at the same time."""
        there = [path_on_server(path).encode("utf-8", "surrogateescape") for path in (section, *paths)]
        try:
            return gone(_Looks(self._remote), there[0], there[1:])
        except ServerError as error:
            raise SourceUnavailable(f"{section}: {error}", hint=error.hint) from error

    def _section(self, selection: Selection) -> Iterator[Resolved]:
        path = selection.path
        named = None if selection.within is None else self._named(selection, selection.within)
        if named is not None:
            yield named
            return
        found = self._examine(path)
        if isinstance(found, BrokenLink):
            found = BrokenSection(found.target)
        if found == "directory":
            yield from self._tree(selection) if selection.is_tree else self._directory(selection)
        elif found == "file":
            yield Candidate(path, "file", path, selection.compare)
        else:
            yield PassedOver(path, path, found)

    def _named(self, selection: Selection, tree: Selection) -> Candidate | None:
        """What was named, as a candidate of the tree that it lies in; None where it is none of its files."""
        path, rules, found = selection.path, TreeSection(tree), self._examine(selection.path)
        try:
            there = _on_server(path)
            is_link = stat.S_ISLNK(self._remote.look(there, follow=False).mode)
            kind = rules.sends_as(path, is_link=is_link, leads_to=found if isinstance(found, str) else None)
            real = (self._remote.real_path(one) for one in (_on_server(tree.path), there.rpartition(b"/")[0] or b"/"))
            if kind is None or not rules.reaches(path, *map(_text, real)):
                return None
            return Candidate(path, kind, tree.path, selection.compare, seen=self._look_in_tree(there, kind))
        except (OSError, ValueError):
            return None

    def _tree(self, selection: Selection) -> Iterator[Resolved]:
        with walking(self._remote, _on_server(selection.path), targets=False) as folders:
            yield from walk(SftpLister(self._remote, folders), TreeSection(selection))

    def _directory(self, selection: Selection) -> Iterator[Resolved]:
        path = selection.path
        if not (selection.single_dir or selection.dirs or selection.files):
            yield PassedOver(path, path, NoUploadOption())
            return
        try:
            children = self._children(selection)
        except OSError as error:
            yield PassedOver(path, path, Unreadable(cause(error)))
            return
        if selection.single_dir:
            yield Candidate(path, "directory", path, selection.compare, exclusion=selection.exclusion)
            return
        entries, excluding = map(from_piece, children), Excluding(selection)
        while batch := list(islice(entries, _LINKS_TOGETHER)):
            yield from self._resolved(batch, selection, excluding)

    def _children(self, selection: Selection) -> Ordering:
        """Those that the options are about; links may be anything. Raises OSError where the directory can't be listed,
        also where that isn't needed: it will be."""
        types = {stat.S_IFLNK}
        types |= {stat.S_IFDIR} if selection.dirs else set()

        def wanted(entry: Entry) -> bool:
            kind = stat.S_IFMT(entry.attributes.mode)
            return kind in types or (selection.files and kind != stat.S_IFDIR)

        most = 0 if selection.single_dir else None
        listing = self._remote.entries(_on_server(selection.path), wanted, most=most)
        return Ordering() if listing is None else listing.pieces

    def _resolved(self, batch: Sequence[Entry], selection: Selection, excluding: Excluding) -> Iterator[Resolved]:
        """Of some of the children, in their order; what the links among them lead to is asked all at once."""
        folder = _on_server(selection.path)
        patterns = [
            excluding.by(_text(entry.name), _child(selection.path, entry), is_dir=stat.S_ISDIR(entry.attributes.mode))
            for entry in batch
        ]
        links = [
            below(folder, entry.name)
            for entry, pattern in zip(batch, patterns, strict=True)
            if pattern is None and stat.S_ISLNK(entry.attributes.mode)
        ]
        lead_to = dict(zip(links, self._remote.look_all(links), strict=True))
        for entry, pattern in zip(batch, patterns, strict=True):
            path = _child(selection.path, entry)
            if pattern is not None:
                yield PassedOver(path, selection.path, ExcludedBy(pattern))
            else:
                found = lead_to.get(below(folder, entry.name), entry.attributes)
                yield from self._judged(path, _text(entry.name), found, selection, excluding)

    def _judged(
        self, path: str, name: str, attributes: Attributes | OSError, selection: Selection, excluding: Excluding
    ) -> Iterator[Resolved]:
        found = self._kind(path, attributes)
        if isinstance(found, Missing):
            return  # it vanished since it was listed
        if found == "file":
            if selection.files:
                yield Candidate(path, found, selection.path, selection.compare)
        elif found == "directory":
            if selection.dirs:
                # A link that leads to one counts as one.
                pattern = excluding.by(name, path, is_dir=True)
                exclusion = selection.exclusion.inside(name)
                directory = Candidate(path, found, selection.path, selection.compare, exclusion=exclusion)
                yield directory if pattern is None else PassedOver(path, selection.path, ExcludedBy(pattern))
        elif selection.files or not isinstance(found, NotAFile):
            yield PassedOver(path, selection.path, found)

    def _examine(self, path: str) -> Literal["file", "directory"] | SkipReason:
        """What lies there, or a link there points to; or why it can't be a candidate."""
        try:
            return self._kind(path, self._remote.look(_on_server(path)))
        except OSError as error:
            return self._kind(path, error)
        except ValueError:
            return Missing()

    def _kind(self, path: str, found: Attributes | OSError) -> Literal["file", "directory"] | SkipReason:
        if isinstance(found, FileNotFoundError):
            return absence(self._remote, _on_server(path))
        if isinstance(found, OSError):
            return Unreadable(cause(found))
        if stat.S_ISDIR(found.mode):
            return "directory"
        return "file" if stat.S_ISREG(found.mode) else NotAFile(special(found.mode))

    def _look_in_tree(self, path: bytes, kind: Kind) -> Fingerprint:
        """As a walk would see it now."""
        found = self._remote.look(path, follow=kind != "link")
        if stat.S_IFMT(found.mode) != (stat.S_IFLNK if kind == "link" else stat.S_IFREG):
            raise OSError(f"no longer a {'symlink' if kind == 'link' else 'file'}")
        return tree_fingerprint(kind, found.size, found.mtime_ns, stat.S_IMODE(found.mode))


class _Looks:
    """Those that tell what is gone."""

    def __init__(self, remote: Remote) -> None:
        self._remote = remote

    def modes(self, paths: Sequence[bytes]) -> list[int | OSError]:
        found = self._remote.look_all(paths, follow=False)
        return [one if isinstance(one, OSError) else one.mode for one in found]

    def holds_something(self, path: bytes) -> bool:
        try:
            return self._remote.entries(path or b"/", lambda entry: False, most=0) is None
        except OSError:
            return False

    def is_file(self, path: bytes) -> bool:
        (found,) = self._remote.look_all([path], follow=True)
        return not isinstance(found, OSError) and stat.S_ISREG(found.mode)


def absence(remote: Remote, path: bytes) -> BrokenLink | Missing:
    """What it means that nothing is found at ``path``. Raises ServerError."""
    try:
        return BrokenLink(_text(remote.link_target(path)))
    except OSError:
        return Missing()


def _child(folder: str, entry: Entry) -> str:
    return f"{folder.rstrip('/')}/{_text(entry.name)}"


def _text(name: bytes) -> str:
    return name.decode("utf-8", "surrogateescape")


def _on_server(path: str) -> bytes:
    """The server's own path, as it goes over the wire. Raises ValueError for what can't be one."""
    found = path_on_server(path).encode("utf-8", "surrogateescape")
    if b"\0" in found:
        raise ValueError(f"a NUL in {path!r}")
    return found
