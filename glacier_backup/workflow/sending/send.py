"""Sending one candidate: look → pack → send → complete, each step in the catalog before the next begins.

So whatever dies between two steps, the next run goes on from there: with an upload that isn't complete by sending
what is missing, with one that may be complete by completing it once more.
"""

from __future__ import annotations

import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, replace
from datetime import datetime

from glacier_backup.catalog.catalog import Catalog
from glacier_backup.destination.destination import Destination, Progress
from glacier_backup.errors import (
    CatalogError,
    DestinationError,
    DestinationUnavailable,
    GlacierBackupError,
    Interrupted,
    SourceError,
    SourceShrank,
    UploadForgotten,
    UploadLost,
    UploadOutgrown,
)
from glacier_backup.interrupt import StopRequest
from glacier_backup.model.archive import ArchiveRecord, Checksums, Label
from glacier_backup.model.candidate import Candidate, Fingerprint
from glacier_backup.model.event import BytesSent, Listener, UploadAborted, UploadResumed, Warned
from glacier_backup.model.manifest import manifest
from glacier_backup.model.naming import stored_name, tree_key, version_key
from glacier_backup.model.upload import OpenUpload, Unfinished, UploadRequest
from glacier_backup.pack.packer import PackedStream
from glacier_backup.plan.container import container_for
from glacier_backup.plan.parts import TooLarge, part_size
from glacier_backup.workflow.sending.intent import Intent, intended, why_not
from glacier_backup.workflow.sending.shared_stream import LeftBehind
from glacier_backup.workflow.tools import Target, Tools

ATTEMPTS = 5
"""Uploads begun for one archive in a run: of what outgrows its parts, shrinks, or whose upload expires."""

IN_DOUBT = (
    "the destination can't tell whether an earlier try was stored; it is sent again, and may be there twice: "
    "an inventory will show it"
)


class Meter:
    """Counts what an upload reports, so that it can be taken back when the upload comes to nothing."""

    def __init__(self, progress: Progress) -> None:
        self._progress = progress
        self._lock = threading.Lock()
        self.count = 0

    def __call__(self, count: int) -> None:
        with self._lock:
            self.count += count
        self._progress(count)

    def take_back(self) -> None:
        # What is told of an upload that failed must not hide why it did.
        with suppress(Interrupted):
            self(-self.count)


@dataclass(frozen=True, slots=True)
class Begun:
    """An archive on its way, as the catalog knows it."""

    archive: int
    record: ArchiveRecord
    upload: OpenUpload


@dataclass(frozen=True, slots=True)
class Sending:
    """One run's sending to one destination: what it works with, where it notes each step, whom it tells, and who may
    stop it."""

    tools: Tools
    target: Target
    catalog: Catalog
    place_id: int
    run_id: int | None
    """None outside a run."""
    left: dict[str, list[Unfinished]]
    """What earlier runs have left unfinished, by path; whoever takes it out goes on with it or ends it."""
    tell: Listener
    stop: StopRequest
    several: bool = False
    """Whether the run has other destinations, so that messages have to name this one."""

    @property
    def destination(self) -> Destination:
        return self.target.destination

    def about(self, path: str) -> str:
        """What a message about ``path`` begins with."""
        return f"{path} (to {self.target.name})" if self.several else path

    def send(self, candidate: Candidate, storage_class: str | None = None) -> ArchiveRecord:
        """Send one candidate, on from where an earlier run left it if that can be; it is stored and recorded then.

        Of what is read for other destinations too, and can't keep pace with them, the rest is read by itself.

        Raises DestinationError after removing what was sent of it. SourceError, DestinationUnavailable, Interrupted and
        CatalogError leave it for the next run to go on with: it will see whether it can.
        """
        left = self.left.pop(candidate.path, [])
        least_part = self.target.part_size
        outgrown = False
        for attempt in range(1, ATTEMPTS + 1):
            intent = self._intent(candidate)
            begun = self._resumed(intent, left) or self._begun(intent, storage_class, least_part, outgrown)
            left = []
            try:
                return self._transfer(intent, begun)
            except LeftBehind:
                left = [_to_go_on_with(begun)]
            except (UploadOutgrown, UploadLost, SourceShrank) as error:
                if isinstance(error, UploadOutgrown):
                    outgrown = True
                    least_part = 2 * begun.upload.part_size
                if attempt == ATTEMPTS or (least_part or 0) > self.destination.limits.largest_part:
                    raise
                self._tell_anew(candidate.path, error)
        raise AssertionError("the last attempt returns or raises")

    def complete(self, begun: Begun, checksums: Checksums) -> ArchiveRecord:
        """Make one archive of parts that are all stored, or find it made already; it is recorded then.

        Raises UploadForgotten, noted as a doubt, where the destination can't tell whether it is stored;
        DestinationUnavailable, Interrupted and CatalogError leave it for the next run to complete; after any other
        DestinationError the destination has no such archive, and nothing of it is left.
        """
        record = begun.record
        text = manifest(record, checksums)
        try:
            receipt = self.destination.complete(begun.upload, checksums, text, self.stop.check)
        except UploadForgotten:
            # Told first: killed between the two, the next run tells it again, and not nobody.
            self.tell(Warned(f"{self.about(record.label.path)}: {IN_DOUBT}"))
            self.catalog.doubt(begun.archive)
            raise
        except DestinationUnavailable:
            raise
        except DestinationError:
            self._try_to_end(begun.archive, record.label, begun.upload.id)
            raise
        self.catalog.stored(begun.archive, receipt)
        return replace(record, receipts=(receipt,))

    def end(self, archive: int, label: Label, upload_id: str | None) -> None:
        """Remove what was sent of an archive, and forget it. Raises DestinationError and Interrupted."""
        self.destination.abort(label, upload_id, self.stop.check)
        self.catalog.give_up(archive)

    def drop(self, left: Unfinished, why: str) -> None:
        """End what an earlier run has left and nobody can go on with.

        What the destination refuses to remove is told, and left to the next run: it keeps nothing from being sent.
        Raises DestinationUnavailable and Interrupted.
        """
        path = left.record.label.path
        try:
            self.end(left.archive, left.record.label, left.upload_id)
        except DestinationUnavailable:
            raise
        except DestinationError as error:
            if left.upload_id is not None:
                self.tell(Warned(f"{self.about(path)}: an unfinished upload could not be removed: {error}"))
                return
            # The credentials may not look for it; nothing can have been sent of it.
            self.catalog.give_up(left.archive)
        self.tell(UploadAborted(path, why, self.target.name))

    def _intent(self, candidate: Candidate) -> Intent:
        origin = self.tools.origins[candidate.origin]
        fingerprint = origin.source.look(candidate)
        container = container_for(candidate.kind, fingerprint.bytes, self.destination.limits.least)
        return intended(
            candidate,
            fingerprint,
            origin.packer(candidate.kind, container),
            self.tools.host,
            self.destination.describe,
            lambda time: self._fixed_key(candidate, time),
        )

    def _fixed_key(self, candidate: Candidate, time: datetime) -> str | None:
        """Of what belongs to a whole tree. What was sent before stays: as a version where the destination keeps
        them, else because the new one gets another key."""
        rules = self.tools.trees.get(candidate.section)
        if rules is None or not candidate.of_tree:
            return None
        key = tree_key(self.tools.host, candidate.path, candidate.section, rules.keys, candidate.kind)
        # By any archive, whatever its path was then: with relative keys a section may have moved.
        is_taken = self.catalog.has_key(self.place_id, key)
        if not is_taken or not rules.keep_versions or self.destination.keeps_versions(self.stop.check):
            return key
        return version_key(key, time)

    def _resumed(self, intent: Intent, left: Sequence[Unfinished]) -> Begun | None:
        """The newest of ``left`` that still is what is intended; all others are ended."""
        resumed: Begun | None = None
        for one in reversed(left):
            upload = one.upload
            why = "a newer one goes on" if resumed else why_not(one.record, intent.record)
            if why is None and upload is not None:
                resumed = Begun(one.archive, one.record, upload)
                self.catalog.opened(one.archive, upload.id)
                self.tell(UploadResumed(one.record.label.path, one.begun, self.target.name))
            else:
                self.drop(one, why or "nothing of it had been sent")
        return resumed

    def _begun(self, intent: Intent, storage_class: str | None, least_part: int | None, outgrown: bool) -> Begun:
        destination, record = self.destination, intent.record
        size = part_size(intent.estimate, least_part, destination.limits)
        if isinstance(size, TooLarge):
            raise DestinationError(f"too large for one archive: {size}")
        archive = self.catalog.intend(self.run_id, self.place_id, record, size)
        with self._ended_on_error(archive, record.label, None):
            request = UploadRequest(record.label, size, None if outgrown else intent.estimate, storage_class)
            upload = OpenUpload(record.label, destination.begin(request, self.stop.check), size)
        self.catalog.opened(archive, upload.id)
        return Begun(archive, record, upload)

    def _transfer(self, intent: Intent, begun: Begun) -> ArchiveRecord:
        path = begun.record.label.path
        meter = Meter(lambda count: self._progress(path, count))
        try:
            with (
                self._ended_on_error(begun.archive, begun.record.label, begun.upload.id),
                intent.packer.pack(path, stored_name(path)) as stream,
            ):
                checksums = self.destination.send(begun.upload, stream, meter)
                record = self._as_read(begun.record, intent.candidate, stream)
                self.catalog.completing(begun.archive, record, checksums, stream.members())
            return self.complete(replace(begun, record=record), checksums)
        except Exception as error:
            if _came_to_nothing(error) and not begun.upload.resumed and not meter.count:
                # Nothing that was sent is lost, and what can't even be opened would leave an upload every night.
                self._try_to_end(begun.archive, begun.record.label, begun.upload.id)
            meter.take_back()
            raise

    def _tell_anew(self, path: str, error: GlacierBackupError) -> None:
        self.tell(UploadAborted(path, str(error), self.target.name))
        if error.hint:
            self.tell(Warned(f"{self.about(path)}: {error}; {error.hint}"))

    def _progress(self, path: str, count: int) -> None:
        if count:
            self.tell(BytesSent(path, count, self.target.name))
        self.stop.check()

    @contextmanager
    def _ended_on_error(self, archive: int, label: Label, upload_id: str | None) -> Iterator[None]:
        try:
            yield
        except SourceShrank:
            self._try_to_end(archive, label, upload_id)
            raise
        except (SourceError, DestinationUnavailable, Interrupted, CatalogError):
            raise
        except Exception:
            self._try_to_end(archive, label, upload_id)
            raise

    def _try_to_end(self, archive: int, label: Label, upload_id: str | None) -> None:
        """What made it necessary is the news; where this fails, the next run will do it."""
        with suppress(DestinationError, Interrupted, CatalogError):
            self.end(archive, label, upload_id)

    def _as_read(self, record: ArchiveRecord, candidate: Candidate, stream: PackedStream) -> ArchiveRecord:
        """What is known once all was read."""
        outcome = stream.outcome()
        fingerprint = record.fingerprint
        same = self._looks_the_same(candidate, fingerprint)
        if outcome.changed and same:
            # It changed and changed back. What was read may be neither, so the next run is to see a change.
            fingerprint = replace(fingerprint, digest=f"{fingerprint.digest} changed")
        changed = outcome.changed or not same
        return replace(record, fingerprint=fingerprint, problems=outcome.problems, changed_while_read=changed)

    def _looks_the_same(self, candidate: Candidate, before: Fingerprint) -> bool:
        try:
            return self.tools.origins[candidate.origin].source.look(candidate).digest == before.digest
        except SourceError:
            return False


def _came_to_nothing(error: Exception) -> bool:
    """Whether it is the source that failed, for good."""
    return isinstance(error, SourceError) and not isinstance(error, LeftBehind)


def _to_go_on_with(begun: Begun) -> Unfinished:
    """What was begun, as the catalog would tell the next run."""
    record, upload = begun.record, begun.upload
    return Unfinished(begun.archive, record, upload.part_size, upload.id, record.label.time)
