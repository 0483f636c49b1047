"""Which bytes a verification by sample reads: pieces drawn at random from all that is stored.

What is stored are all objects: volumes, their parity, manifests; those of one archive are taken one behind the other. A
piece is up to 16 MiB of one of them, on the grid of MiB that leaves and thaws have. Where there are no leaves only a
whole archive can be checked, so it is one piece. Pieces are put in the order of a hash of a seed and of where they lie,
and taken from the front until there are enough: each is as likely to be read as any other, none is read twice, and the
same seed draws the same.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator
from typing import NamedTuple

from glacier_backup.model.restore import WHOLE, ByteRange, RestoreItem
from glacier_backup.model.stored import StoredArchive
from glacier_backup.ordering import Ordering
from glacier_backup.units import MIB

PIECE = 16 * MIB
"""Bytes."""

_NUMBER = 8
"""Bytes of a number, big-endian, so that their order is that of the numbers."""

_BIAS = 2**63
"""Added to ids, for what was taken over from other systems may have one below zero."""


class _Piece(NamedTuple):
    archive: int
    start: int
    size: int
    """0: the whole archive, however long."""
    counts: int
    """Bytes that it adds to what was read."""


def sample(archives: Iterable[StoredArchive], percent: float, seed: str) -> Iterator[RestoreItem]:
    """What to read of ``archives``, as items of a verification, each archive once, in order of their ids: that many
    per cent of the bytes or a little more, at least one piece where there is anything at all.

    Memory doesn't go with the number of archives. Raises ValueError unless 0 < ``percent`` <= 100.
    """
    if not 0 < percent <= 100:
        raise ValueError(f"{percent:g} % can't be drawn: a sample is more than 0 % and at most 100 %")
    drawn = Ordering()
    total = 0
    for archive in archives:
        for piece in _pieces(archive):
            total += piece.counts
            drawn.add(_rank(seed, piece) + _packed(piece))
    yield from _items(_first(map(_unpacked, drawn), total * percent / 100))


def everything(archives: Iterable[StoredArchive]) -> Iterator[RestoreItem]:
    """All of each, as items of a verification."""
    return (RestoreItem(archive.id, "") for archive in archives)


def repair(archive: StoredArchive) -> RestoreItem:
    """Its item of a verification that has mended what is damaged: one that reads nothing else."""
    return RestoreItem(archive.id, "", ranges=())


def _pieces(archive: StoredArchive) -> Iterator[_Piece]:
    known = [volume.size for volume in archive.objects if volume.size is not None and volume.has_leaves]
    if len(known) < len(archive.objects):
        yield _Piece(archive.id, 0, 0, sum(volume.size or 0 for volume in archive.objects))
        return
    base = 0
    for volume in archive.objects:
        end = volume.size or 0
        for start in range(0, end, PIECE) or (0,):
            size = min(PIECE, end - start)
            yield _Piece(archive.id, base + start, size, size)
        base += end


def _first(pieces: Iterable[_Piece], wanted: float) -> Iterator[bytes]:
    """As many as make up ``wanted`` bytes, in the order of archives and of their bytes."""
    chosen = Ordering()
    done = 0
    for number, piece in enumerate(pieces):
        if number and done >= wanted:
            break
        done += piece.counts
        chosen.add(_packed(piece))
    return iter(chosen)


def _items(packed: Iterable[bytes]) -> Iterator[RestoreItem]:
    """One item for each archive."""
    archive: int | None = None
    ranges: list[ByteRange] = []
    for piece in map(_piece, packed):
        if archive not in (None, piece.archive):
            yield RestoreItem(archive, "", ranges=tuple(ranges))
            ranges = []
        archive = piece.archive
        _append(ranges, piece)
    if archive is not None:
        yield RestoreItem(archive, "", ranges=tuple(ranges))


def _append(ranges: list[ByteRange], piece: _Piece) -> None:
    """Neighbours become one range."""
    found = ByteRange(piece.start, piece.start + piece.size) if piece.size else WHOLE
    if ranges and ranges[-1].end == found.start and found.end is not None:
        ranges[-1] = ByteRange(ranges[-1].start, found.end)
    else:
        ranges.append(found)


def _rank(seed: str, piece: _Piece) -> bytes:
    return hashlib.sha256(f"{seed} {piece.archive} {piece.start}".encode()).digest()[:16]


def _packed(piece: _Piece) -> bytes:
    numbers = (piece.archive + _BIAS, *piece[1:])
    return b"".join(number.to_bytes(_NUMBER, "big") for number in numbers)


def _unpacked(ranked: bytes) -> _Piece:
    return _piece(ranked[16:])


def _piece(packed: bytes) -> _Piece:
    numbers = [int.from_bytes(packed[at : at + _NUMBER], "big") for at in range(0, len(packed), _NUMBER)]
    return _Piece(numbers[0] - _BIAS, *numbers[1:])
