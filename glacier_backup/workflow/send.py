"""Sending one candidate: look → pack → send, and what the catalog is to remember of it."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass, replace

from glacier_backup.destination.destination import Destination, Progress
from glacier_backup.errors import DestinationError, Interrupted, SourceError, UploadOutgrown
from glacier_backup.interrupt import StopRequest
from glacier_backup.model.archive import ArchiveRecord, Container, Label, Member, Receipt
from glacier_backup.model.candidate import Candidate, Fingerprint
from glacier_backup.model.naming import archive_name, stored_name
from glacier_backup.model.recipe import Recipe
from glacier_backup.pack.packer import PackedStream, Packer
from glacier_backup.plan.container import container_for
from glacier_backup.plan.parts import TooLarge, part_size
from glacier_backup.resolve.source import Source
from glacier_backup.units import now, rfc3339


@dataclass(frozen=True, slots=True)
class Tools:
    """What a run works with, made by the wiring."""

    source: Source
    packers: Mapping[Container, Packer]
    destination: Destination
    host: str
    part_size: int | None
    """The least bytes of a part that the user asked for."""


class Meter:
    """Counts what an upload reports, so that it can be taken back when the upload comes to nothing."""

    def __init__(self, progress: Progress) -> None:
        self._progress = progress
        self._lock = threading.Lock()
        self._count = 0

    def __call__(self, count: int) -> None:
        with self._lock:
            self._count += count
        self._progress(count)

    def take_back(self) -> None:
        # What is told of an upload that failed must not hide why it did.
        with suppress(Interrupted):
            self(-self._count)


@contextmanager
def sent(
    candidate: Candidate, tools: Tools, stop: StopRequest, progress: Progress
) -> Iterator[tuple[ArchiveRecord, Iterator[Member]]]:
    """Send one candidate; yields its record and, while the block runs, its members.

    What is yielded is stored at the destination and not yet in the catalog: the block is to put it there first of
    all, and no second signal ends it before. Raises SourceError and DestinationError.
    """
    fingerprint = tools.source.look(candidate)
    packer = tools.packers[container_for(candidate.kind, fingerprint.bytes, tools.destination.limits.least)]
    size = part_size(packer.estimate(fingerprint.bytes, fingerprint.entries), tools.part_size, tools.destination.limits)
    if isinstance(size, TooLarge):
        raise DestinationError(f"too large for one archive: {size}")
    label = _label(candidate, fingerprint, packer, tools.host)
    while True:
        with packer.pack(candidate.path, stored_name(candidate.path)) as stream:
            meter = Meter(progress)
            try:
                receipt = tools.destination.send(stream, label, size, meter)
            except UploadOutgrown:
                meter.take_back()
                if size >= tools.destination.limits.largest_part:
                    raise
                size *= 2
                continue
            except Exception:
                meter.take_back()
                raise
            with stop.critical():
                yield _record(candidate, fingerprint, packer, stream, label, receipt, tools), stream.members()
            return


def _label(candidate: Candidate, fingerprint: Fingerprint, packer: Packer, host: str) -> Label:
    """All that names the archive, with the time of the intent to send."""
    is_raw = packer.container == "raw"
    return Label(
        name=archive_name(candidate.path, packer.container, candidate.kind),
        path=candidate.path,
        host=host,
        kind=candidate.kind,
        container=packer.container,
        time=now(),
        recipe_id=Recipe((packer.step(),)).id,
        mtime_ns=fingerprint.newest_mtime_ns if is_raw else None,
        mode=fingerprint.mode if is_raw else None,
    )


def _record(
    candidate: Candidate,
    fingerprint: Fingerprint,
    packer: Packer,
    stream: PackedStream,
    label: Label,
    receipt: Receipt,
    tools: Tools,
) -> ArchiveRecord:
    outcome = stream.outcome()
    same = _looks_the_same(candidate, fingerprint, tools.source)
    if outcome.changed and same:
        # It changed and changed back. What was read may be neither, so the next run is to see a change.
        fingerprint = replace(fingerprint, digest=f"{fingerprint.digest} changed")
    record = ArchiveRecord(
        label=label,
        description=tools.destination.describe(label),
        recipe=Recipe((packer.step(),)),
        fingerprint=fingerprint,
        receipts=(receipt,),
        problems=outcome.problems,
        changed_while_read=outcome.changed or not same,
    )
    tools.destination.put_manifest(label, receipt, manifest(record))
    return record


def _looks_the_same(candidate: Candidate, before: Fingerprint, source: Source) -> bool:
    try:
        return source.look(candidate).digest == before.digest
    except SourceError:
        return False


def manifest(record: ArchiveRecord) -> str:
    """The readable text stored beside the volumes: what they hold, how to check them and how to open them."""
    label = record.label
    facts = {
        "format": "glacier-backup manifest 1",
        "name": label.name,
        "path": label.path,
        "host": label.host,
        "kind": label.kind,
        "container": label.container,
        "time": rfc3339(label.time),
        "source_bytes": record.fingerprint.bytes,
        "entries": record.fingerprint.entries,
        "mtime_ns": label.mtime_ns,
        "mode": None if label.mode is None else f"{label.mode:04o}",
        "recipe": json.loads(record.recipe.to_json()),
        "volumes": [
            {
                "locator": receipt.locator,
                "bytes": receipt.size,
                "sha256": receipt.sha256,
                "sha256_tree": receipt.tree_hash,
            }
            for receipt in record.receipts
        ],
        "unreadable": [{"path": problem.path, "cause": problem.cause} for problem in record.problems],
        "changed_while_read": record.changed_while_read,
    }
    return json.dumps(facts, indent=2) + "\n"
