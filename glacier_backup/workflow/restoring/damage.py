"""What is found to be missing or wrong stays known: the catalog keeps it for whatever deletes, restores or sends."""

from __future__ import annotations

from glacier_backup.catalog.catalog import Catalog
from glacier_backup.errors import DamageFound, GlacierBackupError, VolumeMissing
from glacier_backup.model.finding import Finding
from glacier_backup.model.restore import ItemRecord
from glacier_backup.model.stored import StoredArchive
from glacier_backup.plan.verify import cured
from glacier_backup.units import now
from glacier_backup.workflow.restoring.coverage import needs


def is_damage(error: GlacierBackupError) -> bool:
    """Whether it says that what is stored isn't what was sent, which asking again doesn't change."""
    return isinstance(error, DamageFound | VolumeMissing)


def note_damage(catalog: Catalog, record: ItemRecord, archive: StoredArchive, error: GlacierBackupError) -> None:
    """What came of asking for an item: of all volumes that it takes, for an error doesn't say which of them it is. That
    one isn't there a list may deny later."""
    hurt = [(archive.id, need.volume.number, str(error)) for need in needs(record.item, archive)]
    catalog.note_damaged(hurt, now(), listed=isinstance(error, VolumeMissing))


def with_cure(finding: Finding, catalog: Catalog, place_id: int) -> Finding:
    """A finding of damage to an archive at that place, with what to do about it."""
    path, archive = finding.path or "", finding.archive
    last = catalog.last_sent(place_id, [path]).get(path)
    return cured(finding, is_last=last is not None and last.id == archive)
