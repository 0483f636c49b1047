"""The SHA-256 tree hash: one digest for every volume at every destination.

Glacier's own (API reference, "Computing checksums"): SHA-256 over each MiB of the data, then over the
concatenation of each pair of neighbours, level by level; an odd node is promoted as it is. The leaves are kept
(32 bytes per MiB), so that any range that is a subtree can be checked by itself.

Each byte is hashed while it is hot: a block of 1 MiB goes through the linear hash and the leaf hash before the
next one is touched. ``hashlib`` releases the interpreter lock, so callers get parallel hashing from threads.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from typing import NamedTuple

from glacier_backup.units import MIB

LEAF = MIB
DIGEST_BYTES = 32

_SUBTREE = 4096 * DIGEST_BYTES
"""Bytes of leaves: a power of two of them, so that what is below one root at a time is a whole subtree."""

Buffer = bytes | bytearray | memoryview


class PartDigest(NamedTuple):
    """What one piece of a stream hashes to."""

    sha256: str
    """Linear SHA-256, hex: the payload hash of a signed request."""
    leaves: bytes
    """Concatenated digests of each MiB."""

    @property
    def tree_hash(self) -> str:
        """The tree hash of this piece, hex."""
        return tree_hash(self.leaves)


def digest_part(data: Buffer) -> PartDigest:
    """Linear hash and leaves of ``data``, which must begin on a MiB boundary of its stream."""
    view = memoryview(data)
    linear = hashlib.sha256()
    leaves = bytearray()
    for start in range(0, len(view), LEAF):
        block = view[start : start + LEAF]
        linear.update(block)
        leaves += hashlib.sha256(block).digest()
    return PartDigest(linear.hexdigest(), bytes(leaves))


def leaf_digests(data: Buffer) -> bytes:
    """Only the leaves of ``data``: for destinations that want no linear hash."""
    view = memoryview(data)
    return b"".join(hashlib.sha256(view[start : start + LEAF]).digest() for start in range(0, len(view), LEAF))


def tree_hash(leaves: Buffer) -> str:
    """The root above ``leaves`` (concatenated 32-byte digests), hex; of nothing, the SHA-256 of nothing.

    One subtree after the other, so that no more than the nodes of one are held at a time.
    """
    while len(leaves) > _SUBTREE:
        view = memoryview(leaves)
        leaves = b"".join(_root(view[at : at + _SUBTREE]) for at in range(0, len(view), _SUBTREE))
    return _root(leaves).hex()


def join_leaves(parts: Iterable[PartDigest]) -> bytes:
    """The leaves of a whole stream from those of its parts, given in order; all but the last are whole MiB."""
    return b"".join(part.leaves for part in parts)


def _root(leaves: Buffer) -> bytes:
    level = [bytes(leaves[at : at + DIGEST_BYTES]) for at in range(0, len(leaves), DIGEST_BYTES)]
    while len(level) > 1:
        level = [_parent(level[at : at + 2]) for at in range(0, len(level), 2)]
    return level[0] if level else hashlib.sha256().digest()


def _parent(pair: list[bytes]) -> bytes:
    return pair[0] if len(pair) == 1 else hashlib.sha256(pair[0] + pair[1]).digest()
