"""What is known of an archive once all of its source was read."""

from __future__ import annotations

from dataclasses import replace

from glacier_backup.errors import SourceError
from glacier_backup.model.archive import ArchiveRecord
from glacier_backup.model.candidate import Candidate, Fingerprint
from glacier_backup.pack.packer import PackedStream
from glacier_backup.workflow.tools import Tools


def as_read(record: ArchiveRecord, candidate: Candidate, stream: PackedStream, tools: Tools) -> ArchiveRecord:
    """``record`` with what is missing from the archive, and whether it changed while it was read."""
    outcome = stream.outcome()
    fingerprint = record.fingerprint
    same = _looks_the_same(candidate, fingerprint, tools)
    if outcome.changed and same:
        # It changed and changed back. What was read may be neither, so the next run is to see a change.
        fingerprint = replace(fingerprint, digest=f"{fingerprint.digest} changed")
    changed = outcome.changed or not same
    return replace(record, fingerprint=fingerprint, problems=outcome.problems, changed_while_read=changed)


def _looks_the_same(candidate: Candidate, before: Fingerprint, tools: Tools) -> bool:
    try:
        return tools.origins[candidate.origin].source.look(candidate).digest == before.digest
    except SourceError:
        return False
