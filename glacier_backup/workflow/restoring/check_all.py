"""One thing read and checked, for a verification: nothing of it is opened or kept."""

from __future__ import annotations

from glacier_backup.model.event import Warned
from glacier_backup.workflow.restoring.coverage import stored_parts
from glacier_backup.workflow.restoring.desk import Desk, Work
from glacier_backup.workflow.restoring.draining import drain
from glacier_backup.workflow.restoring.hurt import VolumeHurt

GONE = "it is not there any more"
"""Behind the locator of an object, in what a verification says of it."""


def check_all(work: Work, desk: Desk) -> None:
    """Read all bytes of an item and check them, for a verification: also behind what is damaged. Raises DamageFound."""
    desk.started(work)
    reading = desk.reading(work, None)
    hurt: list[VolumeHurt] = []
    for wanted in work.record.item.ranges:
        for part in stored_parts(wanted, work.archive):
            if not reading.is_there(part.volume):
                # Noted already, as what a list may deny: that isn't for what was read to take back.
                hurt.append(VolumeHurt(f"{part.volume.locator}: {GONE}", (), missing=True))
                continue
            try:
                with reading.part(part) as stream:
                    drain(stream, desk.check)
                reading.prove(part.volume)
            except VolumeHurt as error:
                hurt.append(error)
    if hurt:
        raise VolumeHurt.of_several(hurt)
    by = reading.finish()
    if by in ("nothing", "size"):
        desk.tell(Warned(f"{work.path}: could be read, but the catalog has no checksum of it"))
