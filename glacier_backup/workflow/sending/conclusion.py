"""The end of an archive in volumes: all of them are stored, and the manifest goes behind them."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace

from glacier_backup.errors import DestinationError, DestinationUnavailable, UploadForgotten
from glacier_backup.model.archive import ArchiveRecord, Label, Receipt
from glacier_backup.model.event import ArchiveFound, UploadAborted
from glacier_backup.model.manifest import manifest, several_objects
from glacier_backup.model.naming import MANIFEST
from glacier_backup.model.stored import StoredVolume
from glacier_backup.model.upload import Unfinished
from glacier_backup.plan.classes import HOT
from glacier_backup.seal.chain import NO_SEAL, Chain
from glacier_backup.seal.in_memory import InMemory
from glacier_backup.seal.order import ON_ALL
from glacier_backup.workflow.sending.desk import Meter, Sending
from glacier_backup.workflow.sending.intent import nonce
from glacier_backup.workflow.sending.objects import Objects, Payload
from glacier_backup.workflow.sending.way import Way


def conclude(
    sending: Sending, objects: Objects, record: ArchiveRecord, chain: Chain, way: Way, meter: Meter
) -> ArchiveRecord:
    """Store the manifest of an archive whose volumes are stored and whose contents are recorded: it is sent then.

    Raises as :meth:`glacier_backup.workflow.sending.objects.Objects.put`.
    """
    encryption = _encryption(chain) if record.label.alias is not None else NO_SEAL
    data = [one for one in objects.stored if one.role == "data"]
    suffix = record.label.suffix + MANIFEST + encryption.suffix
    label = replace(record.label, role="manifest", volume=len(data), suffix=suffix)
    if not objects.has(suffix):
        text = manifest(record, several_objects(objects.stored)).encode()
        with _payload(label, text, encryption, sending) as payload:
            objects.put(payload, way, meter)
    return _finished(sending, objects, record)


def reconciled(sending: Sending, left: Unfinished) -> bool:
    """Complete what an earlier run had sent in whole of an archive in volumes, if there is such an object; whether the
    archive is complete with it, which is told. Raises DestinationUnavailable and Interrupted."""
    objects, path = Objects(sending, left), left.record.label.path
    try:
        if left.checksums is not None and left.upload is not None:
            objects.complete()
        if left.object is not None and left.object.role == "manifest" and left.record.label.alias is None:
            # Before it was begun, all else had been done.
            meter = sending.meter(path)
            conclude(sending, objects, left.record, NO_SEAL, Way(None, sending.target.part_size), meter)
        elif any(one.role == "manifest" for one in objects.stored):
            _finished(sending, objects, left.record)
        else:
            return False
    except DestinationUnavailable:
        raise
    except UploadForgotten:
        return False  # told already
    except DestinationError as error:
        sending.tell(UploadAborted(path, str(error), sending.target.name))
        return False
    sending.tell(ArchiveFound(path, objects.stored[0].locator, sending.target.name))
    return True


def _finished(sending: Sending, objects: Objects, record: ArchiveRecord) -> ArchiveRecord:
    sending.clear_spool(objects.left.archive)
    sending.catalog.finish(objects.left.archive)
    return replace(record, receipts=tuple(map(_receipt, objects.stored)))


@contextmanager
def _payload(label: Label, text: bytes, encryption: Chain, sending: Sending) -> Iterator[Payload]:
    # A vault has no classes.
    storage_class = None if sending.destination.place.kind == "glacier" else HOT
    most = encryption.most(len(text))
    if not encryption.each:
        yield Payload(label, InMemory(text), most, most, repeatable=True, storage_class=storage_class)
        return
    with encryption.sealed(InMemory(text), nonce(label, b"manifest")) as sealed:
        yield Payload(
            label,
            sealed,
            most,
            most,
            repeatable=all(sealer.repeatable for sealer in encryption.each),
            hmac_sha256=lambda: sealed.hmac_sha256,
            storage_class=storage_class,
        )


def _encryption(chain: Chain) -> Chain:
    """What encrypts, alone."""
    both = (*chain.before, *chain.each)
    return Chain(each=tuple(sealer for sealer in both if sealer.step().name not in ON_ALL))


def _receipt(stored: StoredVolume) -> Receipt:
    """Without leaves: there may be many."""
    return Receipt(
        stored.locator,
        stored.size or 0,
        stored.tree_hash or "",
        b"",
        stored.stored_at,
        stored.sha256,
        stored.crc64nvme,
        stored.storage_class,
    )
