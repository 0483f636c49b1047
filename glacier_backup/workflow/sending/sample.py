"""A look at what is to be compressed, before it is: whether it shrinks decides what the recipe says."""

from __future__ import annotations

from glacier_backup.destination.destination import RandomAccess
from glacier_backup.model.candidate import Candidate, Fingerprint
from glacier_backup.pack.packer import Packer
from glacier_backup.seal.chain import Chain
from glacier_backup.seal.order import COMPRESSION
from glacier_backup.units import MIB
from glacier_backup.workflow.sending.intent import packed

BEGINNING = 4 * MIB
"""Bytes of a stream that can only be read from its beginning."""

PLACES, OF_EACH = 4, MIB
"""Of a file that can be read anywhere: headers tell little of what follows."""


def compresses(chain: Chain) -> bool:
    """Whether a look is worth its while."""
    return not chain.has_command and any(sealer.step().name in COMPRESSION for sealer in chain.before)


def sample(packer: Packer, candidate: Candidate, fingerprint: Fingerprint) -> bytes:
    """Some of what ``packer`` makes of ``candidate``, the same as long as that is. Raises SourceError."""
    if not fingerprint.bytes and not fingerprint.entries:
        return b""
    with packed(packer, candidate) as stream:
        if isinstance(stream, RandomAccess) and stream.size is not None and stream.size > PLACES * OF_EACH:
            return _of_places(stream, stream.size)
        buffer = memoryview(bytearray(BEGINNING))
        return bytes(buffer[: stream.readinto(buffer)])


def _of_places(stream: RandomAccess, size: int) -> bytes:
    """Its beginning, its end, and what lies between, at equal distances."""
    buffer = memoryview(bytearray(PLACES * OF_EACH))
    for number in range(PLACES):
        start = number * (size - OF_EACH) // (PLACES - 1)
        stream.read_at(buffer[number * OF_EACH : (number + 1) * OF_EACH], start)
    return bytes(buffer)
