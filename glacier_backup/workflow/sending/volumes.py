"""Sending an archive that is sealed in volumes: each volume with its parity, one after the other, and the manifest.

A later run reads over what went into volumes that are stored, compares it, and goes on behind them; where it isn't the
same any more, or never is, all of it is removed and the archive begins anew.

Of parity the file without recovery blocks, which is small, goes last: with it the volume is complete.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import replace

from glacier_backup.errors import (
    CatalogError,
    DestinationError,
    DestinationUnavailable,
    Interrupted,
    SourceError,
    SourceGone,
    UploadLost,
)
from glacier_backup.model.archive import ArchiveRecord, Label
from glacier_backup.model.naming import key
from glacier_backup.model.stored import StoredVolume
from glacier_backup.model.upload import Unfinished
from glacier_backup.pack.packer import PackedStream
from glacier_backup.seal import par2
from glacier_backup.seal.chain import Chain, Parity, Slice, Split
from glacier_backup.workflow.sending import undoing
from glacier_backup.workflow.sending.as_read import Empty, as_read, members_of
from glacier_backup.workflow.sending.conclusion import conclude
from glacier_backup.workflow.sending.desk import Meter, Sending
from glacier_backup.workflow.sending.increments import note_deleted
from glacier_backup.workflow.sending.intent import Intent, nonce
from glacier_backup.workflow.sending.objects import Objects, Payload
from glacier_backup.workflow.sending.shared_stream import LeftBehind
from glacier_backup.workflow.sending.spooled import BUFFER, Spooled, opened
from glacier_backup.workflow.sending.watched import Watched
from glacier_backup.workflow.sending.way import Way
from glacier_backup.workflow.sending.whole import has_room, spooled_whole

INDEX = ".par2"
"""What par2 calls the file without recovery blocks, behind the name of what it protects."""


class SourceDiffers(UploadLost):
    """What is read now isn't what went into volumes that are stored, or is sealed with another password."""


def why_not(sending: Sending, intent: Intent, left: Unfinished) -> str | None:
    """Why an upload that can't be told from the intended one can't go on all the same."""
    is_begun = bool(left.stored or left.object)
    if is_begun and not intent.chain.goes_on and not sending.spool_of_whole(left.archive).is_there:
        return "encrypted again it would be other bytes"
    return None


class Volumes:
    """One such archive on its way."""

    part_size = 0
    """No object outgrows its parts: how large a volume may be is known."""

    def __init__(self, sending: Sending, intent: Intent, way: Way, left: Unfinished | None) -> None:
        """``left``: what goes on, if anything does."""
        self._sending = sending
        self._intent = intent
        self._chain: Chain = intent.chain
        self._split = intent.chain.split or Split()
        self._way = way
        self._is_resumed = left is not None and bool(left.stored or left.object)
        self._objects = Objects(sending, left or self._intend())
        self._is_proven = False
        """Whether the password is known to be the one that volumes are sealed with which are stored."""
        self.left: list[Unfinished] = []
        """What the next try may go on with, after one that failed."""

    def send(self) -> ArchiveRecord:
        """All of it; it is stored and recorded then.

        Volumes that are stored stay for the next run to go on behind, whatever goes wrong, as long as it can.
        """
        path = self._record.label.path
        meter = self._sending.meter(path)
        try:
            with self._settled(meter):
                with self._intent.packed() as stream:
                    self._send_volumes(stream, meter)
                    record = as_read(self._record, self._intent.candidate, stream, self._sending.tools)
                    members = members_of(self._intent.candidate, record, stream)
                    note_deleted(self._sending, self._objects.left.archive, self._intent.linked, path)
                    self._sending.catalog.set_contents(self._objects.left.archive, record, members)
                return conclude(self._sending, self._objects, record, self._chain, self._way, meter)
        except Exception:
            meter.take_back()
            raise

    @property
    def _record(self) -> ArchiveRecord:
        return self._objects.left.record

    def _intend(self) -> Unfinished:
        sending, record = self._sending, self._intent.record
        size = self._way.part_size(self._chain.most(self._split.volume_size), sending.destination.limits)
        archive = sending.catalog.intend(sending.run_id, sending.place_id, record, size)
        # A catalog that was made anew counts from the beginning.
        sending.clear_spool(archive)
        return Unfinished(archive, record, size, None, record.label.time)

    @contextmanager
    def _settled(self, meter: Meter) -> Iterator[None]:
        """What is left when something goes wrong is left so that the next try, or run, can go on with it."""
        try:
            yield
        except (SourceGone, Empty):
            undoing.try_to_end(self._sending, self._objects.left)
            raise
        except (SourceError, DestinationUnavailable, Interrupted, CatalogError) as error:
            came_to_nothing = isinstance(error, SourceError) and not isinstance(error, LeftBehind)
            if came_to_nothing and not self._is_resumed and not meter.count and not self._objects.stored:
                # What can't even be opened would leave an upload every night.
                undoing.try_to_end(self._sending, self._objects.left)
            else:
                self.left = [self._objects.left]
            raise
        except Exception as error:
            self._give_way(error)
            raise

    def _give_way(self, error: Exception) -> None:
        """What is stored has cost its time and money, and may well be gone on with."""
        objects = self._objects
        if isinstance(error, SourceDiffers) or not objects.stored or not self._can_go_on:
            undoing.try_to_end(self._sending, objects.left)
            return
        with suppress(DestinationError, Interrupted, CatalogError):
            objects.drop_under_way()
            self.left = [objects.left]

    @property
    def _can_go_on(self) -> bool:
        return self._chain.goes_on or self._sending.spool_of_whole(self._objects.left.archive).is_there

    def _send_volumes(self, stream: PackedStream, meter: Meter) -> None:
        last = 0
        with self._slices(stream) as slices:
            for piece in slices:
                self._deal_with(piece, meter)
                last = piece.number
        if any(one.volume > last for one in self._objects.stored if one.role == "data"):
            raise _differs()

    @contextmanager
    def _slices(self, stream: PackedStream) -> Iterator[Iterator[Slice]]:
        """``stream``, cut. What is never the same twice before it is cut lies on the disk in whole, where the user has
        named a folder that has room."""
        check, once = self._sending.check, nonce(self._record.label)
        if not self._is_whole_spooled():
            with self._chain.slices(Watched(stream, check), once) as slices:
                yield slices
            return
        folder = self._sending.spool_of_whole(self._objects.left.archive)
        name = self._record.label.name + Chain(self._chain.before).suffix
        spooled = spooled_whole(folder, name, self._chain.before, stream, once, check)
        rest = Chain(split=self._split, each=self._chain.each)
        with spooled.opened() as file, rest.slices(Watched(file, check), once) as slices:
            yield slices

    def _is_whole_spooled(self) -> bool:
        root = self._sending.tools.spool_dir
        if self._chain.goes_on or root is None:
            return False
        is_there = self._sending.spool_of_whole(self._objects.left.archive).is_there
        return is_there or has_room(root, Chain(self._chain.before).most(self._intent.estimate))

    def _deal_with(self, piece: Slice, meter: Meter) -> None:
        suffix = self._chain.volume_suffix(piece.number)
        label = replace(self._record.label, volume=piece.number, suffix=suffix)
        stored = self._objects.volume(piece.number)
        if stored is not None and self._is_complete(stored):
            _must_be(self._passed_by(piece, stored), stored)
            meter(stored.size or 0)
        elif self._chain.parity is not None or self._sending.tools.spool_dir is not None:
            self._put_spooled(piece, label, stored, meter)
        else:
            self._put_streaming(piece, label, meter)

    def _passed_by(self, piece: Slice, stored: StoredVolume) -> str:
        """The first is sealed once more where that shows whether the password is still the same: no recipe tells it,
        and no one password would open what is sealed with two."""
        if self._is_proven or stored.hmac_sha256 is None or not self._is_repeatable:
            return piece.pass_by()
        buffer = memoryview(bytearray(BUFFER))
        with piece.sealed() as sealed:
            while sealed.readinto(buffer):
                self._sending.check()
            _must_be(piece.slice_sha256, stored)
            if sealed.hmac_sha256 != stored.hmac_sha256:
                raise SourceDiffers("the password isn't the one that volumes are sealed with")
        self._is_proven = True
        return piece.slice_sha256

    def _is_complete(self, stored: StoredVolume) -> bool:
        return self._chain.parity is None or not stored.size or self._objects.has(stored.suffix + INDEX)

    def _put_streaming(self, piece: Slice, label: Label, meter: Meter) -> None:
        with piece.sealed() as sealed:
            payload = Payload(
                label,
                sealed,
                most=self._chain.most(self._split.volume_size),
                estimate=self._estimate(piece.number),
                repeatable=self._is_repeatable,
                hmac_sha256=lambda: sealed.hmac_sha256,
                slice_sha256=lambda: piece.slice_sha256,
                storage_class=self._way.storage_class,
            )
            self._objects.put(payload, self._way, meter)

    def _put_spooled(self, piece: Slice, label: Label, stored: StoredVolume | None, meter: Meter) -> None:
        folder = self._sending.spool(self._objects.left.archive)
        spooled, repeatable = self._spooled(piece, label, stored)
        if stored is not None:
            _must_be(spooled.facts.slice_sha256, stored)
            if stored.tree_hash != spooled.facts.tree_hash:
                # Its parity can't be made any more.
                self._objects.remove(piece.number)
                stored = None
        if stored is None:
            self._put_file(spooled.path, label, meter, spooled, repeatable=repeatable)
        else:
            meter(stored.size or 0)
        if self._chain.parity is not None:
            self._put_parity(spooled, label, self._chain.parity, meter)
        folder.clear()

    def _spooled(self, piece: Slice, label: Label, stored: StoredVolume | None) -> tuple[Spooled, bool]:
        """The volume on the disk; and whether it consists of the bytes that an earlier run may have begun to send."""
        folder, check = self._sending.spool(self._objects.left.archive), self._sending.check
        name = self._file_name(label)
        # What is the same each time is sealed again: the password may be another.
        found = folder.find(name, check) if self._is_resumed and not self._is_repeatable else None
        if found is None or (stored is not None and stored.tree_hash != found.facts.tree_hash):
            return folder.fill(name, piece, check), self._is_repeatable
        if piece.pass_by() != found.facts.slice_sha256:
            raise _differs()
        return found, True

    def _put_parity(self, spooled: Spooled, label: Label, parity: Parity, meter: Meter) -> None:
        made = par2.create(spooled.path, parity, self._sending.stop.check)
        for path in reversed(made):
            suffix = label.suffix + path.removeprefix(spooled.path)
            if not self._objects.has(suffix):
                self._put_file(path, replace(label, role="parity", suffix=suffix), meter)

    def _put_file(
        self, path: str, label: Label, meter: Meter, spooled: Spooled | None = None, *, repeatable: bool = True
    ) -> None:
        facts = None if spooled is None else spooled.facts
        with opened(path) as file:
            payload = Payload(
                label,
                file,
                most=file.size or 0,
                estimate=file.size,
                repeatable=repeatable,
                hmac_sha256=lambda: facts.hmac_sha256 if facts is not None else None,
                slice_sha256=lambda: facts.slice_sha256 if facts is not None else None,
                tree_hash=facts.tree_hash if facts is not None else None,
                storage_class=self._way.storage_class,
            )
            self._objects.put(payload, self._way, meter)

    @property
    def _is_repeatable(self) -> bool:
        """Of a volume, what went into it being the same."""
        return all(sealer.repeatable for sealer in self._chain.each)

    def _file_name(self, label: Label) -> str:
        """What a volume is called where it is stored: so par2 calls it, too."""
        if self._sending.destination.place.kind == "glacier":
            return (label.alias or label.name) + label.suffix
        return key(label).rpartition("/")[2]

    def _estimate(self, number: int) -> int | None:
        """Bytes of a volume; None where that can't be told."""
        rest = self._intent.estimate - (number - 1) * self._split.volume_size
        if rest <= 0 or self._chain.has_command or Chain(before=self._chain.before).suffix:
            return None
        return self._chain.most(min(rest, self._split.volume_size))


def _must_be(slice_sha256: str, stored: StoredVolume) -> None:
    if slice_sha256 != stored.slice_sha256:
        raise _differs()


def _differs() -> SourceDiffers:
    return SourceDiffers("what is read now isn't what went into the volumes that are stored")
