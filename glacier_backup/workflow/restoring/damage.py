"""What is found to be missing or wrong stays known: the catalog keeps it for whatever deletes, restores or sends."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from glacier_backup.catalog.catalog import Catalog
from glacier_backup.errors import DamageFound, GlacierBackupError, VolumeMissing
from glacier_backup.model.finding import Finding
from glacier_backup.model.restore import ItemRecord
from glacier_backup.model.stored import ArchiveFilter, StoredArchive
from glacier_backup.plan.chain import Chains
from glacier_backup.plan.mending import may_mend
from glacier_backup.plan.verify import cured
from glacier_backup.units import now
from glacier_backup.workflow.restoring.coverage import needs
from glacier_backup.workflow.restoring.hurt import VolumeHurt
from glacier_backup.workflow.restoring.standing import Key, Wanting, is_gone_at


def is_damage(error: GlacierBackupError) -> bool:
    """Whether it says that what is stored isn't what was sent, which asking again doesn't change."""
    return isinstance(error, DamageFound | VolumeMissing)


def hurt_volumes(record: ItemRecord, archive: StoredArchive, error: GlacierBackupError) -> Mapping[int, str]:
    """By the numbers of the volumes that an error is about what is wrong with them; of all that the item takes, where
    it doesn't say which."""
    if isinstance(error, VolumeHurt):
        return error.causes
    return {need.volume.number: str(error) for need in needs(record.item, archive) if need.volume.role == "data"}


def is_gone(error: GlacierBackupError) -> bool:
    """Whether it says that nothing is there."""
    return error.missing if isinstance(error, VolumeHurt) else isinstance(error, VolumeMissing)


def note_damage(catalog: Catalog, record: ItemRecord, archive: StoredArchive, error: GlacierBackupError) -> None:
    """What came of asking for an item. That a volume isn't there a list may deny later."""
    hurt = hurt_volumes(record, archive, error)
    catalog.note_damaged([(archive.id, number, cause) for number, cause in hurt.items()], now(), listed=is_gone(error))


def found_missing(catalog: Catalog, wanting: Wanting, errors: Mapping[Key, GlacierBackupError]) -> Wanting:
    """Note the volumes of which asking for them has shown that nothing is there. What an item takes then: where there
    is enough parity, that too."""
    archive = wanting.archive
    gone = [need.volume for key, need in zip(wanting.keys, wanting.needs, strict=True) if is_gone_at(errors, key)]
    causes = {
        volume.number: str(errors[archive.place_id, volume.locator]) for volume in gone if volume.damaged_at is None
    }
    if not causes:
        return wanting
    moment = now()
    catalog.note_damaged([(archive.id, number, cause) for number, cause in causes.items()], moment, listed=True)
    if not wanting.record.item.to or not may_mend(archive, [volume.number for volume in gone], missing=True):
        return wanting
    volumes = tuple(
        replace(volume, damaged_at=moment, damage=causes[volume.number]) if volume.number in causes else volume
        for volume in archive.volumes
    )
    hurt = replace(archive, volumes=volumes)
    return Wanting(wanting.record, hurt, needs(wanting.record.item, hurt))


def with_cure(finding: Finding, catalog: Catalog, place_id: int) -> Finding:
    """A finding of damage to an archive at that place, with what to do about it."""
    path, id = finding.path or "", finding.archive
    last = catalog.last_sent(place_id, [path]).get(path)
    wanted = ArchiveFilter(ids=() if id is None else (id,))
    archive = next(iter(catalog.stored_archives(wanted)), None)
    is_last = last is not None and (last.id == id or _builds_on(catalog, last.id, id))
    return cured(finding, is_last=is_last, archive=archive)


def _builds_on(catalog: Catalog, last: int, id: int | None) -> bool:
    """Whether an archive is an increment that is of no use without the other one."""
    archive = next(catalog.stored_archives(ArchiveFilter(ids=(last,))), None)
    chain = None if archive is None else Chains(catalog).of(archive)
    return chain is not None and any(one.id == id for one in chain)
