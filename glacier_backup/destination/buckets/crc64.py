"""CRC64NVME, the checksum that S3 keeps of whole objects, and the tree hash's leaves beside it.

S3 adds up the checksums of parts to that of the whole ("Checking object integrity", full-object checksums), and so do
we: no byte is read a second time, and nothing has to be done in order. In headers it is the base64 of eight bytes, the
highest first.
"""

from __future__ import annotations

import hashlib
from base64 import b64decode, b64encode
from collections.abc import Iterable
from functools import reduce
from typing import NamedTuple

from glacier_backup.digest import LEAF, Buffer


class Sum(NamedTuple):
    """The checksum of some bytes."""

    crc: int
    size: int
    """Bytes."""

    @property
    def text(self) -> str:
        """As S3 writes it."""
        return b64encode(self.crc.to_bytes(8, "big")).decode()

    @classmethod
    def parsed(cls, text: str, size: int) -> Sum:
        """The inverse; raises ValueError."""
        return cls(int.from_bytes(b64decode(text), "big"), size)


def checksum(data: Buffer) -> Sum:
    """Of bytes that are at hand."""
    from awscrt.checksums import crc64nvme  # type: ignore[import-untyped]  # the wheel has no types

    return Sum(crc64nvme(data), len(data))


def sum_and_leaves(data: Buffer) -> tuple[Sum, bytes]:
    """Checksum and leaves of ``data``, which begins on a MiB boundary; each MiB is summed while it is hot."""
    from awscrt.checksums import crc64nvme

    view, crc, leaves = memoryview(data), 0, bytearray()
    for start in range(0, len(view), LEAF):
        block = view[start : start + LEAF]
        leaves += hashlib.sha256(block).digest()
        crc = crc64nvme(block, crc)
    return Sum(crc, len(view)), bytes(leaves)


def joined(sums: Iterable[Sum]) -> Sum:
    """Of what stands one behind the other."""
    from awscrt.checksums import combine_crc64nvme

    def join(first: Sum, second: Sum) -> Sum:
        return Sum(combine_crc64nvme(first.crc, second.crc, second.size), first.size + second.size)

    return reduce(join, sums, Sum(0, 0))
