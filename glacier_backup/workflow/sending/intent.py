"""What one candidate is to become, named and dated before anything is sent of it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime

from glacier_backup.model.archive import ArchiveRecord, Label
from glacier_backup.model.candidate import Candidate, Fingerprint
from glacier_backup.model.naming import archive_name
from glacier_backup.model.recipe import Recipe
from glacier_backup.pack.packer import Packer
from glacier_backup.units import now


@dataclass(frozen=True, slots=True)
class Intent:
    """A candidate, the record of the archive that it is to become, and what packs it."""

    candidate: Candidate
    record: ArchiveRecord
    packer: Packer

    @property
    def estimate(self) -> int:
        """Bytes of the stream, as far as known."""
        return self.packer.estimate(self.record.fingerprint.bytes, self.record.fingerprint.entries)


def intended(
    candidate: Candidate,
    fingerprint: Fingerprint,
    packer: Packer,
    host: str,
    describe: Callable[[Label], str],
    fixed_key: Callable[[datetime], str | None],
) -> Intent:
    """With all that names the archive, and the time of the intent to send, which its fixed key may hold."""
    time = now()
    is_raw = packer.container == "raw"
    recipe = Recipe((packer.step(),))
    label = Label(
        name=archive_name(candidate.path, packer.container, candidate.kind),
        path=candidate.path,
        host=host,
        kind=candidate.kind,
        container=packer.container,
        time=time,
        recipe_id=recipe.id,
        mtime_ns=fingerprint.newest_mtime_ns if is_raw else None,
        mode=fingerprint.mode if is_raw else None,
        fixed_key=fixed_key(time),
    )
    return Intent(candidate, ArchiveRecord(label, describe(label), recipe, fingerprint), packer)


def why_not(left: ArchiveRecord, intent: ArchiveRecord) -> str | None:
    """Why an upload of ``left`` can't go on as one of ``intent``."""
    if left.fingerprint.digest != intent.fingerprint.digest:
        return "the source has changed since"
    if left.recipe != intent.recipe or left.label.kind != intent.label.kind:
        return "it would be packed otherwise now"
    return None
