"""What is known of an archive once all of its source was read."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from itertools import chain

from glacier_backup.errors import SourceError, SourceGone
from glacier_backup.model.archive import ArchiveRecord, Member
from glacier_backup.model.candidate import CHANGED_BACK, Candidate, Fingerprint
from glacier_backup.model.reason import Vanished
from glacier_backup.pack.hashed import HashedFile, HashedTar
from glacier_backup.pack.packer import PackedStream
from glacier_backup.workflow.tools import Tools


def as_read(record: ArchiveRecord, candidate: Candidate, stream: PackedStream, tools: Tools) -> ArchiveRecord:
    """``record`` with what is missing from the archive, whether it changed while it was read, and, of one file that was
    hashed, its hash."""
    outcome = stream.outcome()
    fingerprint = record.fingerprint
    same = _looks_the_same(candidate, fingerprint, tools)
    if outcome.changed and same:
        # It changed and changed back, so the next run is to see a change.
        fingerprint = replace(fingerprint, digest=fingerprint.digest + CHANGED_BACK)
    changed = outcome.changed or not same
    sha256 = stream.sha256 if candidate.of_tree and isinstance(stream, HashedFile | HashedTar) else None
    return replace(
        record, fingerprint=fingerprint, problems=outcome.problems, changed_while_read=changed, sha256=sha256
    )


class Empty(SourceError):
    """There is nothing in a group: none of its files can be read."""


def members_of(candidate: Candidate, record: ArchiveRecord, stream: PackedStream) -> Iterator[Member]:
    """What went into the archive, to be recorded. For a group in which there is nothing: raises SourceGone where there
    is nothing any more, else Empty."""
    members = stream.members()
    if candidate.kind != "group":
        return members
    first = next(members, None)
    if first is None:
        raise _why_empty(candidate.path, record)
    return chain((first,), members)


def _why_empty(path: str, record: ArchiveRecord) -> SourceError:
    if not record.problems:
        return SourceGone(f"{path}: {Vanished()}")
    first = record.problems[0]
    return Empty(f"{path}: none of its files can be read; the first is {first.path}: {first.cause}")


def _looks_the_same(candidate: Candidate, before: Fingerprint, tools: Tools) -> bool:
    try:
        return tools.origins[candidate.origin].source.look(candidate).digest == before.digest
    except SourceError:
        return False
