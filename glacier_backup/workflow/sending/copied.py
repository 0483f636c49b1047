"""A file of a whole tree that got another name: where its content proves to be what is stored under the old one, the
destination copies that, and nothing is sent.

The file is read all the same: size and time alone never make one file of another.
"""

from __future__ import annotations

import hashlib
from dataclasses import replace
from typing import NamedTuple

from glacier_backup.destination.destination import Copying
from glacier_backup.digest import leaf_digests, tree_hash
from glacier_backup.errors import DestinationError, DestinationUnavailable
from glacier_backup.model.archive import ArchiveRecord, Checksums
from glacier_backup.model.stored import ArchiveFilter, StoredArchive, StoredVolume
from glacier_backup.model.upload import OpenUpload, Unfinished, UploadRequest
from glacier_backup.pack.packer import PackedStream
from glacier_backup.units import MIB
from glacier_backup.workflow.sending import undoing
from glacier_backup.workflow.sending.as_read import as_read, members_of
from glacier_backup.workflow.sending.desk import Sending
from glacier_backup.workflow.sending.intent import Intent
from glacier_backup.workflow.sending.said import Said
from glacier_backup.workflow.sending.single import Begun, complete
from glacier_backup.workflow.sending.way import Way

PIECE = 8 * MIB
"""Bytes read at a time."""


class _Old(NamedTuple):
    """What is stored under the old name."""

    archive: StoredArchive
    volume: StoredVolume
    checksums: Checksums


def copied(sending: Sending, intent: Intent, way: Way, was: str) -> ArchiveRecord | None:
    """The archive of a file that seems to have been called ``was``, made of that one's at the destination, and
    recorded; None where it can't be, or its content is another: then nothing was begun.

    Raises SourceError where it can't be read, and as :func:`~glacier_backup.workflow.sending.single.complete`.
    """
    if intent.chain.has_command:
        return None  # what it makes is for one key, and may be another thing for the new one
    destination, old = sending.destination, _old(sending, intent, was)
    if old is None or not isinstance(destination, Copying):
        return None
    if not destination.copies(old.checksums.size, old.volume.storage_class):
        return None
    with intent.packed() as stream:
        if not _is_the_same(sending, intent, stream, old):
            return None
        record = as_read(intent.record, intent.candidate, stream, sending.tools)
        archive = sending.catalog.intend(sending.run_id, sending.place_id, intent.record, MIB)
        sending.clear_spool(archive)
        checksums = replace(old.checksums, metadata=Said(record).metadata(old.checksums))
        request = UploadRequest(record.label, MIB, checksums.size, way.storage_class)
        upload = _copy(sending, destination, request, old.volume.locator, checksums)
        if upload is None:
            undoing.try_to_end(sending, Unfinished(archive, intent.record, MIB, None, intent.record.label.time))
            return None
        sending.catalog.opened(archive, upload)
        sending.catalog.completing(archive, record, checksums, members_of(intent.candidate, record, stream))
    return complete(sending, Begun(archive, record, OpenUpload(record.label, upload, MIB)), checksums)


def _copy(
    sending: Sending, destination: Copying, request: UploadRequest, locator: str, checksums: Checksums
) -> str | None:
    try:
        return destination.copy(request, locator, checksums, sending.check)
    except DestinationUnavailable:
        raise
    except DestinationError:
        return None  # sending it tells what is wrong, if anything is


def _old(sending: Sending, intent: Intent, was: str) -> _Old | None:
    """The newest archive of that path, if it is one object, packed and sealed as this one would be."""
    wanted = ArchiveFilter(path=was, place_id=sending.place_id, newest=True)
    found = next(iter(sending.catalog.stored_archives(wanted)), None)
    if found is None or found.hurt is not None or len(found.objects) != 1 or found.recipe != intent.record.recipe:
        return None
    (volume,) = found.volumes
    leaves = sending.catalog.leaves(found.id, volume.number)
    if leaves is None or volume.tree_hash is None or volume.size is None:
        return None
    sums = (volume.sha256, volume.crc64nvme, volume.hmac_sha256)
    return _Old(found, volume, Checksums(volume.size, volume.tree_hash, leaves, *sums))


def _is_the_same(sending: Sending, intent: Intent, stream: PackedStream, old: _Old) -> bool:
    """Whether what is read, to its end, is what the old archive holds: of one that is sealed its hash tells, where it
    is known."""
    linear, leaves, buffer = hashlib.sha256(), bytearray(), memoryview(bytearray(PIECE))
    count = len(buffer)
    while count == len(buffer):
        sending.check()
        count = stream.readinto(buffer)
        if intent.chain.suffix:
            linear.update(buffer[:count])
        else:
            leaves += leaf_digests(buffer[:count])
    if stream.outcome().changed:
        return False
    if intent.chain.suffix:
        return intent.record.label.container == "raw" and linear.hexdigest() == old.archive.sha256
    return tree_hash(leaves) == old.volume.tree_hash
