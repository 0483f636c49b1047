"""What is known of an archive once all of its source was read.

A candidate is looked at before it is read, and again behind that. Not so a group that goes by a prefix: each of its
files is looked at when it is opened, and once more when it was read, so what went in is known file by file, and what
the walk has seen of them is good enough to begin with.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import replace
from itertools import chain

from glacier_backup.errors import SourceError, SourceGone
from glacier_backup.model.archive import ArchiveRecord, Member
from glacier_backup.model.candidate import CHANGED_BACK, Candidate, Fingerprint
from glacier_backup.model.contents import Contents, Held, contents_of
from glacier_backup.model.naming import stored_name
from glacier_backup.model.reason import Vanished
from glacier_backup.pack.hashed import HashedFile, HashedTar
from glacier_backup.pack.packer import PackedStream
from glacier_backup.plan.group_changes import fingerprint_of
from glacier_backup.resolve.source import Source
from glacier_backup.workflow.sending.looks import Looks
from glacier_backup.workflow.tools import Tools


def looked(candidate: Candidate, source: Source) -> Fingerprint:
    """What it looks like before it is read. Raises as :meth:`Source.look`."""
    contents = _by_prefix(candidate)
    if contents is not None:
        return fingerprint_of(contents)
    recent = source.recent(candidate) if isinstance(source, Looks) else None
    return source.look(candidate) if recent is None else recent


def as_read(record: ArchiveRecord, candidate: Candidate, stream: PackedStream, tools: Tools) -> ArchiveRecord:
    """``record`` with what is missing from the archive, whether it changed while it was read, and, of one file that was
    hashed, its hash."""
    contents = _by_prefix(candidate)
    if contents is not None:
        return _group_as_read(record, candidate, contents, stream)
    outcome = stream.outcome()
    fingerprint = record.fingerprint
    same = _looks_the_same(candidate, fingerprint, tools)
    if outcome.changed and same:
        # It changed and changed back, so the next run is to see a change.
        fingerprint = replace(fingerprint, digest=fingerprint.digest + CHANGED_BACK)
    changed = outcome.changed or not same
    told: tuple[type[HashedFile | HashedTar], ...] = (HashedFile, HashedTar) if candidate.of_tree else (HashedFile,)
    sha256 = stream.sha256 if isinstance(stream, told) else None
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


def _group_as_read(
    record: ArchiveRecord, candidate: Candidate, contents: Contents, stream: PackedStream
) -> ArchiveRecord:
    outcome = stream.outcome()
    fingerprint = record.fingerprint
    if outcome.changed or not outcome.as_planned:
        fingerprint = fingerprint_of(_packed(candidate, contents, stream.members()))
    return replace(record, fingerprint=fingerprint, problems=outcome.problems, changed_while_read=outcome.changed)


def _by_prefix(candidate: Candidate) -> Contents | None:
    contents = candidate.contents
    return None if contents is None or contents.prefix is None else contents


def _packed(candidate: Candidate, contents: Contents, members: Iterable[Member]) -> Contents:
    """``contents`` as they went in: what may have been another file is listed with a time that it doesn't have, and the
    group looks otherwise for that to the next run, which then sees which file it is."""
    top = stored_name(candidate.section) if contents.top is None else contents.top
    length = len(top) + 1 if top else 0
    return contents_of(_held(member, member.path[length:]) for member in members)


def _held(member: Member, below: str) -> Held:
    stored, name = ("", below) if member.source is None else (below, member.source)
    if member.target is None:
        return Held(name, False, member.size, member.mtime_ns, stored=stored)
    return Held(name, True, len(member.target.encode("utf-8", "surrogateescape")), member.mtime_ns, stored=stored)


def _looks_the_same(candidate: Candidate, before: Fingerprint, tools: Tools) -> bool:
    if candidate.kind == "dataset":
        return True  # what was sent is a snapshot, whatever is written meanwhile
    try:
        return tools.origins[candidate.origin].source.look(candidate).digest == before.digest
    except SourceError:
        return False
