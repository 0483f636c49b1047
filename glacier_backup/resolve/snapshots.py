"""The Snapshots Protocol: what a source of datasets can do besides what every source does.

Another file system that sends streams between snapshots is one file here, and one in ``pack``.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Protocol

from glacier_backup.errors import SourceError
from glacier_backup.model.candidate import Candidate
from glacier_backup.model.snapshot import Snapshot, SnapshotRules, Span
from glacier_backup.model.snapshot import digest_of as digest_of
from glacier_backup.resolve.source import Source

_DATED = re.compile(r"-[0-9]{8}(?:T[0-9]{6})?")


class Snapshots(Source, Protocol):
    """A source whose candidates are datasets. What they look like is the snapshot that would be sent: the digest of
    a candidate in which nothing was written since its newest snapshot is :func:`digest_of` that."""

    def snapshots(self, path: str) -> Sequence[Snapshot]:
        """All that there are of the dataset at ``path`` (``zfs:pool/dataset``), in the order of their creation. Raises
        SourceError."""
        ...

    def is_written(self, path: str, since: Snapshot) -> bool | None:
        """Whether anything has been written to the dataset since that one, its newest snapshot; None where nobody can
        tell. Raises SourceError."""
        ...

    def take(self, candidate: Candidate, name: str) -> Snapshot:
        """Make a snapshot of that name, with one of each dataset below where the section says ``recursive``, all of the
        same moment. In one run that is done once for a section: then it is what was made first, whatever ``name`` says
        then. Raises SourceError."""
        ...

    def hold(self, path: str, name: str, tag: str) -> None:
        """Keep that snapshot from being destroyed, as long as the hold of that ``tag`` lasts; it may have it already.
        Raises SourceError."""
        ...

    def release(self, path: str, name: str, tag: str) -> None:
        """The inverse; that snapshot may be gone, or have no such hold. Raises SourceError."""
        ...

    def destroy(self, path: str, name: str) -> None:
        """Remove that snapshot for good, and nothing else; it may be gone. Raises SourceError: SourceInUse for one
        that something holds, or that is needed by a clone."""
        ...

    def size(self, path: str, span: Span) -> int | None:
        """Bytes that the stream will have, about; None where nobody can tell. A snapshot without a guid is yet to be
        made: as if it were made now. Raises SourceError."""
        ...


def goes_by(tag: str, name: str) -> bool:
    """Whether a snapshot is called so as those are that are made for the ``tag``: ``TAG-YYYYMMDD``, or with a time
    behind that. By an empty tag all go."""
    return not tag or (name.startswith(tag) and _DATED.fullmatch(name[len(tag) :]) is not None)


def to_send(source: Snapshots, path: str, there: Sequence[Snapshot], rules: SnapshotRules) -> Snapshot | None:
    """The snapshot of the dataset at ``path``, which has those that are ``there``, that is to be sent; None where a new
    one has to be made for it.

    Raises SourceError: also where there is none of the name, or none that goes by the tag.
    """
    if rules.taking == "named":
        found = next((one for one in there if one.name == rules.name), None)
        if found is None:
            has = f"its newest is {there[-1].name}" if there else "it has none at all"
            raise SourceError(f"{path}: has no snapshot {rules.name}; {has}")
        return found
    newest = next((one for one in reversed(there) if goes_by(rules.tag, one.name)), None)
    if rules.taking == "latest":
        if newest is None:
            raise SourceError(
                f"{path}: has no snapshot" + (f" whose name begins with {rules.tag}-YYYYMMDD" if rules.tag else ""),
                hint="snapshot = create makes them"
                + (f"; its newest is {there[-1].name}, and with tag = (nothing) all count" if there else ""),
            )
        return newest
    return None if newest is None or source.is_written(path, newest) is not False else newest
