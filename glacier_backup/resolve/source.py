"""The Source Protocol: where candidates come from."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Literal, Protocol

from glacier_backup.exclusion import NOTHING, Exclusion
from glacier_backup.model.candidate import Candidate, Fingerprint, Resolved
from glacier_backup.model.filters import TENTH, Filter, MostDeleted, Prefixing
from glacier_backup.model.naming import Layout
from glacier_backup.model.snapshot import SnapshotRules
from glacier_backup.model.tree_digest import Hashing as Hashing

Symlinks = Literal["store", "follow", "skip"]


@dataclass(frozen=True, slots=True)
class Selection:
    """What one section selects below its path. The rules are in ``docs/candidates.md``."""

    path: str
    """Absolute, without a trailing slash."""
    single_dir: bool = False
    dirs: bool = False
    files: bool = False
    compare: bool = False
    exclude: Sequence[str] = ()
    exclusion: Exclusion = NOTHING
    """What else is left out: of direct children, of a whole tree, and of directories that are one archive."""
    destinations: tuple[str, ...] = ()
    """Names of those that its candidates go to, each once. A run wants one at least."""
    origin: str = ""
    """Where the path is: empty for this machine, else the URL of the server."""
    tree: TreeRules | None = None
    """Of a whole tree: each file at any depth is a candidate. Overrides ``dirs`` and ``files``; ``single_dir``
    overrides it, and a path that is a file is that file all the same."""
    snapshots: SnapshotRules | None = None
    """Of a dataset: how it is sent. Then all options of files and directories mean nothing."""
    within: Selection | None = None
    """The whole tree that the path was named out of. A file or link that is that tree's is sent as such, whatever the
    tree leaves out; all else as this selection says. Where it comes from is said here."""

    @property
    def is_tree(self) -> bool:
        """Whether it is one if the path is a directory."""
        return self.tree is not None and not self.single_dir


@dataclass(frozen=True, slots=True)
class TreeRules:
    """How a whole tree is walked."""

    exclude_paths: tuple[str, ...] = ()
    """Files and directories that are left out with all below them, by their whole paths, absolute or below the
    section's. On a server they are the server's own."""
    symlinks: Symlinks = "store"
    """Sent as links, followed to files and directories under their own names, or left out."""
    keys: Layout = "host"
    """Where the keys begin."""
    keep_versions: bool = True
    """Whether what was stored of a file stays when it has changed."""
    pack_size: int | None = None
    """Bytes of a tar that files are put into together, at most, packing included; larger ones are sent alone. None: all
    are."""
    hashing: Hashing = "never"
    """When files are compared by their content; what is sent of them is hashed then."""
    prefixing: Prefixing | None = None
    """How small files are put together by prefixes; None: they aren't."""
    expire_deleted: bool = False
    """Whether what is gone is to count as deleted (``deleted = expire``)."""
    max_delete: MostDeleted = TENTH
    filters: tuple[Filter, ...] = ()
    """What is made of names and data, in order; what groups is in :attr:`prefixing`."""
    elsewhere: tuple[Selection, ...] = ()
    """The other sections that lie below this one; see :func:`divided`."""


def divided(selections: Sequence[Selection]) -> tuple[Selection, ...]:
    """The same selections; each whole tree knows what lies in it that belongs to another one.

    That is known from the sections alone: no set of paths grows with the trees.
    """
    plain = [replace(one, tree=None if one.tree is None else replace(one.tree, elsewhere=())) for one in selections]
    return tuple(_knowing(one, plain) for one in selections)


def _knowing(selection: Selection, others: Sequence[Selection]) -> Selection:
    if selection.tree is None:
        return selection
    above = selection.path.rstrip("/") + "/"
    below = tuple(one for one in others if one.path.startswith(above) and one.path != selection.path)
    return replace(selection, tree=replace(selection.tree, elsewhere=below))


class Source(Protocol):
    """Says what is there. It never writes, never follows a link out of a candidate, never blocks on a FIFO,
    and an entry that vanishes or can't be read never ends the scan."""

    def resolve(self, selection: Selection) -> Iterator[Resolved]:
        """The section's candidates, and what is passed over with its reason, ordered by name (as bytes).

        A path that doesn't exist yields one PassedOver(Missing). Raises nothing for what the disk holds.
        """
        ...

    def look(self, candidate: Candidate) -> Fingerprint:
        """What the candidate looks like now; recursive for a directory, without what its exclusion leaves out.

        Entries that vanish meanwhile are left out; unreadable directories count as empty. Of a group what is left of it
        is looked at. Raises SourceError when the candidate itself is gone or has become something that can't be backed
        up.
        """
        ...

    def gone(self, section: str, paths: Sequence[str]) -> Sequence[bool]:
        """Of each of ``paths``, which were files or links of the whole tree ``section``, whether it is certainly there
        no more: nothing is, or a directory is in its place.

        What can't be looked at isn't gone, nor is anything below a section that isn't there, or empty, as of a disk
        that isn't mounted, or behind a link to such a one. Raises SourceUnavailable where a server can't be asked.
        """
        ...
