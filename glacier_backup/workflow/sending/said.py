"""What an object is to say of the files in it, as far as that is known before it is made.

Nothing of what we encrypt: whoever sees the hash of a plaintext knows which file it is, if it is known to him. A filter
that transforms data is the user's own, and what comes out of it is compared by what the object says, as s3-backup did.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping

from glacier_backup.model.archive import ArchiveRecord, Checksums, Member
from glacier_backup.model.plaintext import GroupSums, PlainFile, metadata_of
from glacier_backup.model.recipe import Step
from glacier_backup.seal.order import COMMAND, ENCRYPTION
from glacier_backup.units import MIB


class Said:
    """Of one archive, as it was read: its members are to pass by, for it may say something of them."""

    def __init__(self, record: ArchiveRecord) -> None:
        self._record = record
        steps = record.recipe.seal
        says = record.label.fixed_key is not None and not any(step.name in ENCRYPTION for step in steps)
        self._levels = sum(map(_times, steps)) if says else None
        self._sums = GroupSums() if says and record.label.container == "zip" else None

    def passing(self, members: Iterable[Member]) -> Iterator[Member]:
        """The same, in their order."""
        for member in members:
            if self._sums is not None:
                self._sums.add(member.path, member.size, member.content_sha256)
            yield member

    def metadata(self, checksums: Checksums) -> Mapping[str, str]:
        """Once all have passed; what its bytes add up to is known then."""
        record = self._record
        if self._levels is None:
            return {}
        if self._sums is not None:
            return metadata_of(self._sums.made(), self._levels)
        if record.label.container != "raw":
            return {}
        sha256 = record.sha256
        if not self._levels and checksums.size <= MIB:
            sha256 = checksums.tree_hash  # of one leaf that is its hash
        return metadata_of(PlainFile(record.fingerprint.bytes, sha256), self._levels)


def _times(step: Step) -> int:
    """How often it transforms data."""
    count = step.parameters.get("count") if step.name == COMMAND else None
    return count if isinstance(count, int) else 1
