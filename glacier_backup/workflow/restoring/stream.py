"""The stored stream of one archive, through all its volumes: where reading begins, what proves it right, and the
digests that are to be kept where the catalog has none."""

from __future__ import annotations

from collections.abc import Generator, Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass, field
from typing import NamedTuple, Protocol

from glacier_backup.catalog.catalog import Catalog
from glacier_backup.destination.destination import Check, Destination
from glacier_backup.digest import DIGEST_BYTES, LEAF
from glacier_backup.model.archive import Checksums
from glacier_backup.model.restore import WHOLE, ByteRange
from glacier_backup.model.stored import StoredArchive, StoredVolume
from glacier_backup.model.thaw import Thaw
from glacier_backup.pack.unpacker import ArchiveBytes
from glacier_backup.plan.across import layout_of
from glacier_backup.plan.mending import is_read_with_parity
from glacier_backup.workflow.restoring.coverage import Part, parts
from glacier_backup.workflow.restoring.fetch import Fetched, Fetcher, Readable, Tail, VerifiedBytes
from glacier_backup.workflow.restoring.proof import Proof, ProvenBy


class Source(NamedTuple):
    """Where an archive can be read."""

    archive: StoredArchive
    destination: Destination
    thaws: Mapping[str, tuple[Thaw, ...]]
    """By the volume's locator, those that make what is needed readable."""


class Kept(Protocol):
    """Digests that were kept by an earlier process."""

    def leaves(self, volume: int, count: int) -> bytes | None: ...

    def keep_leaves(self, volume: int, leaves: bytes, start: int) -> None: ...


class Mender(Protocol):
    """Makes volumes right that aren't, by their parity."""

    def mended(self, volume: StoredVolume) -> AbstractContextManager[str]:
        """The path of a file that has the bytes that were sent, for the block."""
        ...


@dataclass
class Reading:
    """One archive being read."""

    source: Source
    catalog: Catalog
    fetcher: Fetcher
    check: Check
    fetched: Fetched
    whole: bool
    """Whether all of each volume is read that is read at all, so that it can be proved right by its end."""
    kept: Kept | None = None
    mender: Mender | None = None
    """None: what is damaged is said to be so."""
    _proofs: dict[int, Proof] = field(default_factory=dict)
    """By the number of the volume."""
    _tails: dict[int, Tail] = field(default_factory=dict)
    """What came last of each."""
    _saved: dict[int, int] = field(default_factory=dict)
    """How many bytes of digests of each are kept."""

    def can_go_on(self, position: int) -> bool:
        """Whether reading may begin at ``position`` of the whole stream, and makes ready for it: not where what came
        before counts for the proof, and isn't known any more."""
        volumes = self.source.archive.volumes
        if not layout_of(self.source.archive).plain:
            return self.is_proven
        ways = {self._proof(volume).by for volume in volumes}
        if position < LEAF or ways <= {"leaves", "nothing"}:
            return True
        if len(volumes) > 1 or "SHA-256" in ways or self.kept is None:
            return False
        count = position // LEAF * DIGEST_BYTES
        gathered = self.kept.leaves(volumes[0].number, count)
        if gathered is None:
            return False
        self._proofs[volumes[0].number] = Proof(volumes[0], None, gathered)
        self._saved[volumes[0].number] = count
        return True

    @property
    def is_proven(self) -> bool:
        """Whether each MiB is checked before it is handed on."""
        return all(self._new_proof(volume).by == "leaves" for volume in self.source.archive.volumes)

    def bytes(self, wanted: ByteRange) -> Generator[ArchiveBytes, None, None]:
        """Those of ``wanted``, volume by volume; each is let go of when the next is taken. To be closed."""
        for one in parts(wanted, self.source.archive):
            with self.part(one) as stream:
                yield stream

    def is_there(self, volume: StoredVolume) -> bool:
        """Whether anything of it was made readable. Of an empty one nothing has to be."""
        return volume.size == 0 or bool(self.source.thaws.get(volume.locator))

    @contextmanager
    def part(self, part: Part) -> Iterator[ArchiveBytes]:
        """The bytes of one volume that are wanted."""
        volume, wanted = part
        if self.mender is not None and is_read_with_parity(self.source.archive, volume):
            with self.mender.mended(volume) as path, FileBytes(path, wanted) as right:
                yield right
            return
        readable = Readable(self.source.destination, volume, self.source.thaws.get(volume.locator, ()))
        before = self._tails.pop(volume.number, None)
        proof = self._proof(volume)
        found = VerifiedBytes(
            readable, wanted, proof, self.fetcher, self.check, self.fetched, before, one_of_many=not self.whole
        )
        with found:
            yield found
        if found.tail is not None:
            self._tails[volume.number] = found.tail

    def keep(self) -> None:
        """Keep the digests that were gathered since."""
        if self.kept is None:
            return
        for number, proof in self._proofs.items():
            gathered, start = proof.gathered, self._saved.get(number, 0)
            if len(gathered) > start:
                self.kept.keep_leaves(number, gathered[start:], start)
                self._saved[number] = len(gathered)

    def prove(self, volume: StoredVolume) -> None:
        """All that is wanted of ``volume`` was read. Raises VolumeHurt where it is known to be wrong only now."""
        self._proof(volume).finish()

    def finish(self) -> ProvenBy:
        """Everything was read; the weakest of what proves it. Raises DamageFound."""
        for proof in self._proofs.values():
            proof.finish()
        order: tuple[ProvenBy, ...] = ("nothing", "size", "SHA-256", "tree hash", "leaves")
        return min((proof.by for proof in self._proofs.values()), key=order.index, default="leaves")

    def checksums(self) -> dict[int, Checksums]:
        """By number, what volumes add up to of which the catalog doesn't know it and all was read."""
        found = {number: proof.checksums for number, proof in self._proofs.items()}
        return {number: sums for number, sums in found.items() if sums is not None}

    def _proof(self, volume: StoredVolume) -> Proof:
        if volume.number not in self._proofs:
            self._proofs[volume.number] = self._new_proof(volume)
        return self._proofs[volume.number]

    def _new_proof(self, volume: StoredVolume) -> Proof:
        return Proof(volume, self.catalog.leaves(self.source.archive.id, volume.number), b"" if self.whole else None)


class FileBytes:
    """A range of a file that is known to be right. A context manager."""

    def __init__(self, path: str, wanted: ByteRange) -> None:
        self._file = open(path, "rb", buffering=0)  # noqa: SIM115  # closed by the context
        self._file.seek(wanted.start)
        self._left = None if wanted.end is None else wanted.end - wanted.start

    def __enter__(self) -> FileBytes:
        return self

    def __exit__(self, *_: object) -> None:
        self._file.close()

    def readinto(self, buffer: memoryview) -> int:
        wanted = buffer if self._left is None else buffer[: self._left]
        filled = 0
        while filled < len(wanted) and (count := self._file.readinto(wanted[filled:])):
            filled += count
        if self._left is not None:
            self._left -= filled
        return filled


class InOrder:
    """Several streams as one, as :class:`~glacier_backup.pack.unpacker.ArchiveBytes`."""

    def __init__(self, streams: Iterator[ArchiveBytes]) -> None:
        self._streams = streams
        self._current = next(streams, None)
        self.handed_on = 0
        """Bytes so far."""

    def readinto(self, buffer: memoryview) -> int:
        filled = 0
        while self._current is not None and filled < len(buffer):
            count = self._current.readinto(buffer[filled:])
            filled += count
            if filled < len(buffer):
                self._current = next(self._streams, None)
        self.handed_on += filled
        return filled


def identity(archive: StoredArchive) -> str:
    """What the bytes of an archive are told from others by, as far as the catalog knows, a rebuilt one included."""
    return " ".join(f"{one.locator} {one.size} {one.tree_hash or one.sha256 or ''}" for one in archive.volumes)


def is_whole(ranges: tuple[ByteRange, ...]) -> bool:
    """Whether they are all of an archive."""
    return ranges == (WHOLE,)
