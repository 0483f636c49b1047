"""The SHA-256 tree hash, written for this server alone so that it can catch a wrong one in the product.

Source: developer guide "Computing Checksums" and "Receiving Checksums When Downloading Data"; botocore
UploadMultipartPartInput$checksum, GetJobOutputOutput$checksum.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable

LEAF_SIZE = 1 << 20
DIGEST_SIZE = 32


def leaf(block: bytes | memoryview) -> bytes:
    """The digest of one leaf: at most 1 MiB of data."""
    return hashlib.sha256(block).digest()


def root(leaves: Iterable[bytes]) -> bytes:
    """The root over the leaves of a part or an archive: neighbours are joined, a lone last one is promoted as it is."""
    level = list(leaves)
    if not level:
        raise ValueError("a tree needs a leaf")
    while len(level) > 1:
        pairs = len(level) // 2
        above = [hashlib.sha256(level[2 * at] + level[2 * at + 1]).digest() for at in range(pairs)]
        level = above + level[2 * pairs :]
    return level[0]


def split(joined: bytes) -> list[bytes]:
    """Leaves that were stored one after another, apart again."""
    return [joined[at : at + DIGEST_SIZE] for at in range(0, len(joined), DIGEST_SIZE)]


def leaf_span(start: int, end: int, size: int) -> tuple[int, int] | None:
    """Which leaves the bytes `start`..`end` (inclusive) of an archive of `size` bytes are, as first and one past last.

    None unless the range is megabyte aligned: it starts on a leaf and stops on one, or at the archive's end.
    """
    if start % LEAF_SIZE or ((end + 1) % LEAF_SIZE and end + 1 != size):
        return None
    return start // LEAF_SIZE, -(-(end + 1) // LEAF_SIZE)


def is_node(first: int, stop: int, total: int) -> bool:
    """Whether leaves `first`..`stop`-1 are exactly what lies below one node of a tree over `total` leaves."""
    count = stop - first
    span = 1 << (count - 1).bit_length()
    return first % span == 0 and (count == span or stop == total)


def aligned_hash(leaves: list[bytes], start: int, end: int, size: int) -> str | None:
    """The tree hash (hex) of bytes `start`..`end` of an archive, or None where the range is not tree-hash aligned."""
    span = leaf_span(start, end, size)
    if span is None or not is_node(*span, len(leaves)):
        return None
    return root(leaves[slice(*span)]).hex()
