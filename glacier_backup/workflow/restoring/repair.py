"""Putting right at its destination what parity can mend: a verification does that where it is asked to.

The volume was read and is wrong, or nothing of it is there, before anything is touched; and what was mended stays on
the disk, flushed, until it is stored in its place and the catalog knows. So whatever dies in between, nothing of the
archive is lost that was there before.
"""

from __future__ import annotations

import os
from contextlib import suppress
from dataclasses import replace

from glacier_backup.errors import DestinationError, DestinationUnavailable, GlacierBackupError
from glacier_backup.flushing import sync_folder
from glacier_backup.model.archive import Label, Receipt
from glacier_backup.model.dataset_label import span_text
from glacier_backup.model.event import Warned
from glacier_backup.model.prefix_group import below
from glacier_backup.model.recipe import compact
from glacier_backup.model.restore import WHOLE
from glacier_backup.model.stored import StoredArchive, StoredVolume
from glacier_backup.model.upload import OpenUpload, UploadRequest
from glacier_backup.plan.mending import mendable
from glacier_backup.plan.parts import TooLarge, part_size
from glacier_backup.workflow.restoring.desk import Desk, Work
from glacier_backup.workflow.restoring.hurt import VolumeHurt
from glacier_backup.workflow.restoring.mending import number_of
from glacier_backup.workflow.restoring.staging import name_of
from glacier_backup.workflow.restoring.stream import FileBytes
from glacier_backup.workflow.restoring.target import troubles


def repair_all(work: Work, desk: Desk) -> None:
    """Mend all volumes of an item's archive that are known to be damaged, and store them in their places.

    Raises VolumeHurt for those that can't be mended, when all were tried; and what reading and storing raise.
    """
    desk.started(work)
    beyond: list[VolumeHurt] = []
    for volume in mendable(work.archive):
        try:
            _Repair(work, desk, volume).carry_out()
        except VolumeHurt as error:
            beyond.append(error)
    if beyond:
        raise VolumeHurt.of_several(beyond)


class _Repair:
    """Of one volume."""

    def __init__(self, work: Work, desk: Desk, volume: StoredVolume) -> None:
        self._work = work
        self._desk = desk
        self._volume = volume
        self._was_right = False

    def carry_out(self) -> None:
        mender = replace(self._desk.mender(self._work, self._folder), was_right=self._note_right, was_mended=_nothing)
        with mender.mended(self._volume) as path:
            if not self._was_right:
                self._put(path)
        with suppress(OSError):
            os.rmdir(self._folder())

    def _note_right(self, volume: StoredVolume) -> None:
        self._was_right = True
        self._desk.was_right(self._work, volume)

    def _folder(self) -> str:
        """The same for a later process."""
        above, volume = self._desk.tools.scratch_dir, self._volume
        if not above:
            raise GlacierBackupError("there is no folder to mend anything in", hint="name one in spool_dir")
        path = os.path.join(above, f"mending-{name_of(self._work.place, [volume.locator], None, volume.suffix)}")
        with troubles(above):
            os.makedirs(path, mode=0o700, exist_ok=True)
        return path

    def _put(self, path: str) -> None:
        archive, destination = self._work.archive, self._work.destination
        if destination.place.kind == "glacier":
            # Nothing is overwritten there: what is damaged goes when the catalog has the other.
            self._note(self._send(path))
            try:
                destination.delete(self._volume.locator, self._desk.check)
            except DestinationUnavailable:
                raise
            except DestinationError as error:
                self._desk.tell(Warned(f"{self._volume.locator} is damaged, and could not be deleted: {error}"))
        else:
            with troubles(path):
                _flush(path)
            destination.delete(self._volume.locator, self._desk.check)
            self._note(self._send(path))
        self._desk.tell(
            Warned(f"{archive.path}: {number_of(self._volume)} was damaged at {self._work.place}, and is mended there")
        )

    def _send(self, path: str) -> Receipt:
        destination, label = self._work.destination, label_of(self._work.archive, self._volume)
        with troubles(path):
            size = os.stat(path).st_size
        parts = part_size(size, None, destination.limits)
        if isinstance(parts, TooLarge):
            raise DestinationError(f"{self._volume.locator} can't be stored again: {parts}")
        # What a killed process had begun.
        destination.abort(label, None, self._desk.check)
        request = UploadRequest(label, parts, size, self._volume.storage_class)
        upload = OpenUpload(label, destination.begin(request, self._desk.check), parts)
        with troubles(path), FileBytes(path, WHOLE) as stream:
            checksums = destination.send(upload, stream, self._progress)
        if checksums.tree_hash != (self._volume.tree_hash or checksums.tree_hash):
            destination.abort(label, upload.id, self._desk.check)
            raise DestinationError(f"{path} was changed on the disk while it was sent", hint="run again")
        checksums = replace(checksums, hmac_sha256=self._volume.hmac_sha256)
        return destination.complete(upload, checksums, "", self._desk.check)

    def _progress(self, count: int) -> None:
        self._desk.check()

    def _note(self, receipt: Receipt) -> None:
        catalog, place_id = self._desk.catalog, self._work.archive.place_id
        catalog.replace_volume(self._work.archive.id, self._volume.number, receipt)
        # What was made readable of the one before says nothing about this one.
        catalog.forget_thaws(list(catalog.thaws(place_id, locators=[self._volume.locator])))


def label_of(archive: StoredArchive, volume: StoredVolume) -> Label:
    """The label that one of several objects of an archive was stored with."""
    return Label(
        path=archive.path,
        name=archive.name,
        host=archive.host or "",
        time=archive.time,
        kind=archive.kind or "file",
        container=archive.container or "raw",
        recipe_id="" if archive.recipe is None else archive.recipe.id,
        mtime_ns=archive.mtime_ns if archive.container == "raw" else None,
        mode=archive.mode if archive.container == "raw" else None,
        fixed_key=archive.fixed_key,
        suffix=volume.suffix,
        volume=volume.volume,
        role=volume.role,
        seal="" if archive.recipe is None else compact(archive.recipe),
        alias=archive.alias,
        below="" if archive.recipe is None else below(archive.recipe),
        link="" if archive.link is None else str(archive.link),
        span=span_text(archive.recipe) if archive.span is not None else "",
    )


def _flush(path: str) -> None:
    """With the names that lead to it: whoever finds none of them after a loss of power mends anew, and then from what
    is left."""
    with open(path, "rb") as file:
        os.fsync(file.fileno())
    folder = os.path.dirname(path)
    sync_folder(folder)
    sync_folder(os.path.dirname(folder))


def _nothing(volume: StoredVolume) -> None:
    return
