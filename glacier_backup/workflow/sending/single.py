"""Sending an archive that is one object: begin → pack, seal and send → complete, each step in the catalog before the
next begins.

So whatever dies between two steps, the next run goes on from there: with an upload that isn't complete by sending
what is missing, with one that may be complete by completing it once more.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace

from glacier_backup.errors import (
    CatalogError,
    DestinationError,
    DestinationUnavailable,
    Interrupted,
    SourceError,
    SourceGone,
    SourceShrank,
    UploadForgotten,
    UploadLost,
)
from glacier_backup.model.archive import ArchiveRecord, Checksums
from glacier_backup.model.manifest import manifest, one_object
from glacier_backup.model.upload import OpenUpload, Unfinished, UploadRequest
from glacier_backup.pack.packer import PackedStream
from glacier_backup.workflow.sending import undoing
from glacier_backup.workflow.sending.as_read import Empty, as_read, members_of
from glacier_backup.workflow.sending.desk import Meter, Sending
from glacier_backup.workflow.sending.increments import note_deleted
from glacier_backup.workflow.sending.intent import Intent, nonce
from glacier_backup.workflow.sending.said import Said
from glacier_backup.workflow.sending.shared_stream import LeftBehind
from glacier_backup.workflow.sending.spooled import Facts
from glacier_backup.workflow.sending.watched import Watched
from glacier_backup.workflow.sending.way import Way
from glacier_backup.workflow.sending.whole import spooled_whole

IN_DOUBT = (
    "the destination can't tell whether an earlier try was stored; it is sent again, and may be there twice: "
    "an inventory will show it"
)


@dataclass(frozen=True, slots=True)
class Begun:
    """An archive on its way, as the catalog knows it."""

    archive: int
    record: ArchiveRecord
    upload: OpenUpload

    @property
    def left(self) -> Unfinished:
        """As the catalog would tell the next run."""
        record, upload = self.record, self.upload
        return Unfinished(self.archive, record, upload.part_size, upload.id, record.label.time)


def why_not(sending: Sending, intent: Intent, left: Unfinished) -> str | None:
    """Why an upload that can't be told from the intended one can't go on all the same."""
    if left.upload_id is None:
        return "nothing of it had been sent"
    if not intent.chain.repeatable and sending.tools.spool_dir is None:
        return "encrypted again it would be other bytes"
    return None


def complete(sending: Sending, begun: Begun, checksums: Checksums) -> ArchiveRecord:
    """Make one archive of parts that are all stored, or find it made already; it is recorded then.

    Raises UploadForgotten, noted as a doubt, where the destination can't tell whether it is stored;
    DestinationUnavailable, Interrupted and CatalogError leave it for the next run to complete; after any other
    DestinationError the destination has no such archive, and nothing of it is left.
    """
    record = begun.record
    text = manifest(record, one_object(record, checksums))
    try:
        receipt = sending.destination.complete(begun.upload, checksums, text, sending.check)
    except UploadForgotten:
        # Told first: killed between the two, the next run tells it again, and not nobody.
        sending.warn(record.label.path, IN_DOUBT)
        sending.spool(begun.archive).clear()
        sending.catalog.doubt(begun.archive)
        raise
    except DestinationUnavailable:
        raise
    except DestinationError:
        undoing.try_to_end(sending, begun.left)
        raise
    sending.spool(begun.archive).clear()
    sending.catalog.stored(begun.archive, receipt)
    return replace(record, receipts=(receipt,))


class Single:
    """One such archive on its way."""

    def __init__(self, sending: Sending, intent: Intent, way: Way, left: Unfinished | None) -> None:
        """``left``: what goes on, if anything does."""
        self._sending = sending
        self._intent = intent
        self._way = way
        self._began: Begun | None = None
        if left is not None and left.upload is not None:
            self._began = Begun(left.archive, left.record, left.upload)
        self.left: list[Unfinished] = []
        """What the next try may go on with, after one that failed."""

    @property
    def part_size(self) -> int:
        """Bytes; 0 before anything was begun."""
        return self._began.upload.part_size if self._began is not None else 0

    def send(self) -> ArchiveRecord:
        """All of it; it is stored and recorded then.

        Raises DestinationError, SourceGone, and what sealing raises, after removing what was sent. SourceError,
        DestinationUnavailable, Interrupted and CatalogError leave it for the next run to go on with.
        """
        begun = self._began = self._began or self._begin()
        path = begun.record.label.path
        meter = self._sending.meter(path)
        try:
            with (
                self._ended_on_error(begun.left),
                self._intent.packed() as stream,
            ):
                checksums = self._sent(begun, stream, meter)
                record = as_read(begun.record, self._intent.candidate, stream, self._sending.tools)
                said = Said(record)
                members = said.passing(members_of(self._intent.candidate, record, stream))
                note_deleted(self._sending, begun.archive, self._intent.linked, record.label.path)
                self._sending.catalog.completing(begun.archive, record, checksums, members)
            checksums = replace(checksums, metadata=said.metadata(checksums))
            return complete(self._sending, replace(begun, record=record), checksums)
        except Exception as error:
            if _came_to_nothing(error) and not begun.upload.resumed and not meter.count:
                # Nothing that was sent is lost, and what can't even be opened would leave an upload every night.
                undoing.try_to_end(self._sending, begun.left)
            elif isinstance(error, LeftBehind):
                self.left = [begun.left]
            meter.take_back()
            raise

    def _begin(self) -> Begun:
        sending, record, way = self._sending, self._intent.record, self._way
        estimate = self._intent.chain.most(self._intent.estimate)
        size = way.part_size(estimate, sending.destination.limits)
        archive = sending.catalog.intend(sending.run_id, sending.place_id, record, size)
        # A catalog that was made anew counts from the beginning.
        sending.clear_spool(archive)
        with self._ended_on_error(Unfinished(archive, record, size, None, record.label.time)):
            request = UploadRequest(record.label, size, None if way.outgrown else estimate, way.storage_class)
            upload = OpenUpload(record.label, sending.destination.begin(request, sending.check), size)
        sending.catalog.opened(archive, upload.id)
        return Begun(archive, record, upload)

    def _sent(self, begun: Begun, stream: PackedStream, meter: Meter) -> Checksums:
        """All of ``stream``, sealed."""
        chain, send, label = self._intent.chain, self._sending.destination.send, begun.record.label
        if not chain.seals and not chain.has_command:
            return send(begun.upload, stream, meter)
        if self._sending.tools.spool_dir is not None:
            # What commands make has no suffix, and no file of the spool may be called like another one.
            folder, name = self._sending.spool(begun.archive), (label.alias or label.name) + (label.suffix or ".data")
            sealers = (*chain.before, *chain.each)
            spooled = spooled_whole(folder, name, sealers, stream, nonce(label), self._sending.check)
            with spooled.opened() as file:
                return _right(send(begun.upload, file, meter), spooled.facts)
        with chain.sealed(Watched(stream, self._sending.check), nonce(label)) as sealed:
            checksums = send(begun.upload, sealed, meter)
            return replace(checksums, hmac_sha256=sealed.hmac_sha256)

    @contextmanager
    def _ended_on_error(self, left: Unfinished) -> Iterator[None]:
        try:
            yield
        except (SourceShrank, SourceGone, Empty):
            undoing.try_to_end(self._sending, left)
            raise
        except (SourceError, DestinationUnavailable, Interrupted, CatalogError):
            raise
        except Exception:
            undoing.try_to_end(self._sending, left)
            raise


def _right(checksums: Checksums, facts: Facts) -> Checksums:
    """Raises UploadLost where the disk has handed out other bytes than were written to it."""
    if checksums.tree_hash != facts.tree_hash:
        raise UploadLost(f"{facts.name} was changed on the disk while it was sent")
    return replace(checksums, hmac_sha256=facts.hmac_sha256)


def _came_to_nothing(error: Exception) -> bool:
    """Whether it is the source that failed, for good."""
    return isinstance(error, SourceError) and not isinstance(error, LeftBehind)
