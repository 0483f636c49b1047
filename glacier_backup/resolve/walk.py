"""Going through a whole tree, wherever it lies: every file below a directory, in the same order every time.

Depth first, and in each directory by the names as bytes. Memory goes with the depth and with the largest directory up
to a hundred thousand entries, not with the tree; of no entry anything is asked twice.
"""

from __future__ import annotations

from collections.abc import Hashable, Iterator
from typing import NamedTuple, Protocol, cast

from glacier_backup.errors import SourceError
from glacier_backup.model.candidate import Candidate, Kind, PassedOver, Resolved
from glacier_backup.model.reason import ExcludedBy, LinkLeftOut, Loop, Missing, NotAFile, SkipReason, Unreadable
from glacier_backup.model.tree_digest import tree_fingerprint
from glacier_backup.resolve.entries import Entry, Listing
from glacier_backup.resolve.tree import TreeSection


class Lister(Protocol):
    """Stands in one directory of a tree: at first in the topmost one.

    Reasons are answers here; of them :class:`Missing` means that a name is to be passed over without a word, for it
    has vanished or is no part of any tree.
    """

    def identity(self) -> Hashable | None:
        """What tells this directory from all others, whatever way led to it, such as device and inode number or its
        real path on the server; None where nothing does: then no link is followed there. Asked once, on the way down.
        """
        ...

    def entries(self) -> Iterator[Entry]:
        """All that is in this directory, in any order, looked at by itself: links are not followed. Asked once, on the
        way down. Raises SourceError where the rest can't be read."""
        ...

    def follow(self, name: bytes, path: str) -> Entry | SkipReason:
        """What the link of this name leads to, as an entry of the link's name; ``path`` is its whole path."""
        ...

    def enter(self, name: bytes, follow: bool) -> SkipReason | None:
        """Step into the directory of this name, or where ``follow`` says so the one that a link leads to. With a
        reason, nothing has moved."""
        ...

    def leave(self) -> None:
        """Step back to the directory above."""
        ...


def walk(lister: Lister, section: TreeSection) -> Iterator[Resolved]:
    """Every candidate of the tree, and what is passed over with its reason; nothing that the disk holds ends it."""
    pattern = section.subtree(section.path)
    if pattern is not None:
        yield PassedOver(section.path, section.path, ExcludedBy(pattern))
        return
    yield from _Walk(lister, section).all()


class _Level(NamedTuple):
    """A directory that the walk is in, or above which it is."""

    length: int
    """Of its path with a slash behind it."""
    identity: Hashable | None
    entries: Iterator[Entry]
    shared: bool
    """Whether entries in it may belong to other sections."""


class _Walk:
    def __init__(self, lister: Lister, section: TreeSection) -> None:
        self._lister = lister
        self._section = section
        self._excludes = section.excludes
        self._path = ""
        """Of the present directory, with a slash behind it; kept once, for a deep tree would have long ones."""
        self._levels: list[_Level] = []
        self._above: dict[Hashable, int] = {}
        """The length of the path of each directory that the walk is below."""

    def all(self) -> Iterator[Resolved]:
        yield from self._begin(self._section.path, self._lister.identity())
        while self._levels:
            level = self._levels[-1]
            entry = next(level.entries, None)
            if entry is None:
                self._end()
                continue
            path = self._path + entry.name.decode("utf-8", "surrogateescape")
            if level.shared and self._is_of_another(entry, path):
                continue
            pattern = self._excluded_by(entry, path) if self._excludes else None
            if pattern is not None:
                yield self._over(path, ExcludedBy(pattern))
            elif entry.type == "file":
                yield self._candidate(entry, path)
            else:
                yield from self._no_file(entry, path)

    def _excluded_by(self, entry: Entry, path: str) -> str | None:
        return self._section.excluded_by(entry.name, path, is_dir=entry.type == "directory")

    def _no_file(self, entry: Entry, path: str) -> Iterator[Resolved]:
        followed = entry.type == "link" and self._section.symlinks == "follow"
        if followed:
            found = self._lister.follow(entry.name, path)
            if not isinstance(found, Entry):
                yield from self._said(path, found)
                return
            entry = found
            if entry.type == "directory" and (pattern := self._excluded_by(entry, path)) is not None:
                yield self._over(path, ExcludedBy(pattern))
                return
        match entry.type:
            case "file":
                yield self._candidate(entry, path)
            case "directory":
                yield from self._directory(entry.name, path, followed)
            case "link" if self._section.symlinks == "skip":
                yield self._over(path, LinkLeftOut())
            case "link":
                yield self._candidate(entry, path)
            case "special":
                yield self._over(path, NotAFile(entry.note))
            case "unreadable":
                yield self._over(path, Unreadable(entry.note))

    def _directory(self, name: bytes, path: str, followed: bool) -> Iterator[Resolved]:
        reason = self._lister.enter(name, followed)
        if reason is not None:
            yield from self._said(path, reason)
            return
        identity = self._lister.identity()
        loop = self._loop(identity, followed)
        if loop is None:
            yield from self._begin(path, identity)
        else:
            self._lister.leave()
            yield self._over(path, loop)

    def _loop(self, identity: Hashable | None, followed: bool) -> SkipReason | None:
        """Why the directory that was just entered may be one of those above."""
        if identity is None:
            return Unreadable("nothing tells whether this link leads in a circle") if followed else None
        length = self._above.get(identity)
        return None if length is None else Loop(self._path[: length - 1] or "/")

    def _begin(self, path: str, identity: Hashable | None) -> Iterator[Resolved]:
        """Go on with the directory that was just entered."""
        listing = Listing()
        try:
            listing.add_all(self._lister.entries())
        except SourceError as error:
            yield self._over(path, Unreadable(str(error)))
        self._path = path.rstrip("/") + "/"
        length = len(self._path)
        self._levels.append(_Level(length, identity, iter(listing), self._section.is_shared(path)))
        if identity is not None:
            self._above[identity] = length

    def _end(self) -> None:
        level = self._levels.pop()
        if level.identity is not None:
            del self._above[level.identity]
        if self._levels:
            self._lister.leave()
            self._path = self._path[: self._levels[-1].length]

    def _is_of_another(self, entry: Entry, path: str) -> bool:
        """Whether another section sends it: that depends on what a link leads to, even if this one doesn't follow."""
        type_: str = entry.type
        if entry.type == "link":
            found = self._lister.follow(entry.name, path)
            type_ = found.type if isinstance(found, Entry) else "link"
            if type_ == "directory" and self._section.symlinks == "follow":
                return self._section.leaves_subtree(path)
        elif entry.type == "directory":
            return self._section.leaves_subtree(path)
        return self._section.is_sent_by_another(path, type_)

    def _candidate(self, entry: Entry, path: str) -> Candidate:
        kind = cast(Kind, entry.type)
        seen = tree_fingerprint(kind, entry.size, entry.mtime_ns, entry.mode)
        return Candidate(path, kind, self._section.path, self._section.compare, seen=seen)

    def _over(self, path: str, reason: SkipReason) -> PassedOver:
        return PassedOver(path, self._section.path, reason)

    def _said(self, path: str, reason: SkipReason) -> Iterator[PassedOver]:
        if not isinstance(reason, Missing):
            yield self._over(path, reason)
