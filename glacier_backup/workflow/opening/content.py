"""The stream that volumes were made of."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace

from glacier_backup.model.recipe import Step
from glacier_backup.seal.joined import Volume
from glacier_backup.seal.keys import Keys
from glacier_backup.seal.opening import opened
from glacier_backup.seal.sealer import ByteStream
from glacier_backup.units import MIB
from glacier_backup.workflow.opening.files import reading
from glacier_backup.workflow.opening.names import SPLIT
from glacier_backup.workflow.opening.sealed import Layer, Piece

Check = Callable[[], None]


@contextmanager
def content(layer: Layer, paths: Sequence[str], keys: Keys, check: Check) -> Iterator[ByteStream]:
    """What a layer holds, of which the right bytes of each piece are at ``paths``. Raises as
    :func:`glacier_backup.seal.opening.opened`."""
    steps = _sized(layer, paths, keys, check)
    with opened(_volumes(layer.pieces, paths, check), steps, keys) as stream:
        yield stream


def drained(stream: ByteStream) -> int:
    """Read to its end: only then have the bytes before it proved right. Returns how many there were."""
    buffer = memoryview(bytearray(MIB))
    total = 0
    while count := stream.readinto(buffer):
        total += count
    return total


def _volumes(pieces: Sequence[Piece], paths: Sequence[str], check: Check) -> Iterator[Volume]:
    for piece, path in zip(pieces, paths, strict=True):
        with reading(path, check) as stream:
            yield Volume(stream, None if piece.sums is None else piece.sums.hmac_sha256, piece.number)


def _sized(layer: Layer, paths: Sequence[str], keys: Keys, check: Check) -> tuple[Step, ...]:
    """The steps with the size of the volumes, which no name tells: each holds as much as the first."""
    if SPLIT not in layer.steps:
        return layer.steps
    size = max(1, _size_of_first(layer, paths, keys, check))
    return tuple(replace(step, parameters={"volume_size": size}) if step == SPLIT else step for step in layer.steps)


def _size_of_first(layer: Layer, paths: Sequence[str], keys: Keys, check: Check) -> int:
    each = layer.steps[layer.steps.index(SPLIT) + 1 :]
    if len(paths) == 1 or not each:
        return os.path.getsize(paths[0])  # of encrypted volumes more than what is inside, which is enough for one
    with opened(_volumes(layer.pieces[:1], paths[:1], check), each, keys) as stream:
        return drained(stream)
