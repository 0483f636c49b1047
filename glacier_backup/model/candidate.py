"""What a section resolves to: things that would each become one archive, and things that would not, with why."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

from glacier_backup.exclusion import NOTHING, Exclusion

if TYPE_CHECKING:
    from glacier_backup.model.contents import Contents
    from glacier_backup.model.reason import SkipReason

Kind = Literal["file", "directory", "link", "group", "dataset"]
"""A dataset is what snapshots are taken of, such as a ZFS file system or volume, and what is sent of it is a stream
between two of them; its path is ``zfs:pool/dataset``. A link is a symlink that is sent as such, with its target for
content; a group is several files of one section under a path that no file has: these two are there in whole trees
only."""


@dataclass(frozen=True, slots=True)
class Candidate:
    """A file or directory that would become one archive.

    Paths are text; bytes that are not UTF-8 are lone surrogates, as :func:`os.fsdecode` makes them.
    """

    path: str
    """Absolute, as the section spells it, without a trailing slash. It names the candidate in the catalog."""
    kind: Kind
    """What the path is, or, unless it is a link, points to."""
    section: str
    """The section whose options hold for it."""
    compare: bool
    """Whether it is sent again when its fingerprint differs (``upload_if_changed``)."""
    origin: str = ""
    """Where it is: empty for this machine, else the URL of the server."""
    seen: Fingerprint | None = None
    """Of one of a whole tree: what the walk saw, which is all that deciding takes. None for all others."""
    exclusion: Exclusion = NOTHING
    """Of a directory: what is left out of it."""
    contents: Contents | None = None
    """Of a group: its files, as they were when it was planned. None for all others."""
    key: str = ""
    """Of one of a whole tree: what filters have made of its name below the section, and its key is made of; empty: the
    name itself."""
    at_data: tuple[str, ...] = ()
    """The same as the first, second … of the commands that its bytes go through sees it; empty: :attr:`key`."""

    @property
    def of_tree(self) -> bool:
        """Whether it is a file of a whole tree (``upload_tree``): its key mirrors its path, and it is compared by size
        and mtime alone. A group isn't: each of its files was compared."""
        return self.seen is not None


@dataclass(frozen=True, slots=True)
class PassedOver:
    """A path that is no candidate, and why."""

    path: str
    section: str
    reason: SkipReason


Resolved = Candidate | PassedOver


CHANGED_BACK = " changed"
"""Stands behind the digest of what changed while it was read and looked as before afterwards: what was read may be
neither, so it is like nothing that is seen later."""


@dataclass(frozen=True, slots=True)
class Fingerprint:
    """What a candidate looked like at one moment: equal fingerprints mean unchanged."""

    digest: str
    """SHA-256, hex, over relative path, type, size, mode, link target and, but for directories, mtime (ns) of every
    entry; see :mod:`glacier_backup.resolve.fingerprint`. For what a whole tree is made of:
    :mod:`glacier_backup.model.tree_digest`."""
    bytes: int
    """Sum of the sizes of the regular files."""
    entries: int
    """How many files, directories and all else it covers, the candidate itself included."""
    newest_mtime_ns: int
    """The latest mtime inside, in ns since the epoch."""
    mode: int | None = None
    """Permission bits of the candidate itself, where they are known."""
