"""Whether the bytes of a volume are those that were sent.

Where the catalog has the digest of each MiB, each is checked before it is handed on. Where it hasn't, as after it was
rebuilt, they are gathered on the way, and the whole is checked at its end: by the tree hash, else by the linear
SHA-256, else, for want of anything better, by its size.
"""

from __future__ import annotations

import hashlib
from typing import Literal

from glacier_backup.digest import DIGEST_BYTES, LEAF, Buffer, tree_hash
from glacier_backup.model.archive import Checksums
from glacier_backup.model.stored import StoredVolume
from glacier_backup.workflow.restoring.hurt import VolumeHurt

ProvenBy = Literal["leaves", "tree hash", "SHA-256", "size", "nothing"]


class Proof:
    """What the bytes of one volume have to match. :meth:`wrong` may be asked from several threads; all else is told in
    the order of the bytes."""

    def __init__(self, volume: StoredVolume, leaves: bytes | None, gathered: bytes | None = None) -> None:
        """``leaves`` are the catalog's; ``gathered``, where it has none, those of the bytes up to where reading goes
        on, None where only a part of the volume is read."""
        self._volume = volume
        self._known = leaves if leaves is not None and _fit(leaves, volume) else None
        self._whole = gathered is not None
        self._gathered = bytearray(gathered or b"")
        self._size = len(self._gathered) // DIGEST_BYTES * LEAF
        linear = self.by == "SHA-256"
        self._linear = hashlib.sha256() if linear else None

    @property
    def by(self) -> ProvenBy:
        """What proves the bytes right in the end."""
        if self._known is not None:
            return "leaves"
        if not self._whole:
            return "nothing"
        if self._volume.tree_hash is not None:
            return "tree hash"
        return "SHA-256" if self._volume.sha256 is not None else "size"

    @property
    def gathered(self) -> bytes:
        """The digests of all bytes that were taken, as far as whole MiB go; none where the catalog has them."""
        return bytes(self._gathered[: self._size // LEAF * DIGEST_BYTES])

    @property
    def checksums(self) -> Checksums | None:
        """What all bytes that were taken add up to; None where they weren't gathered, for the catalog has it or only a
        part is read."""
        if self._known is not None or not self._whole:
            return None
        leaves = bytes(self._gathered)
        return Checksums(self._size, tree_hash(leaves), leaves)

    def wrong(self, start: int, leaves: bytes) -> int | None:
        """The first byte of the first MiB, of those from ``start`` on that have these digests, that isn't what was
        sent; None where none is known to be wrong."""
        if self._known is None:
            return None
        first = start // LEAF * DIGEST_BYTES
        known = self._known[first : first + len(leaves)]
        if known == leaves:
            return None
        pairs = range(0, len(leaves), DIGEST_BYTES)
        at = next((at for at in pairs if known[at : at + DIGEST_BYTES] != leaves[at : at + DIGEST_BYTES]), 0)
        return start + at // DIGEST_BYTES * LEAF

    def take(self, data: Buffer, leaves: bytes) -> None:
        """The next bytes, and their digests."""
        if self._known is None and self._whole:
            self._gathered += leaves
            self._size += len(data)
            if self._linear is not None:
                self._linear.update(data)

    def finish(self) -> None:
        """All of the volume was taken. Raises VolumeHurt where it isn't what was sent."""
        if self._known is not None or not self._whole:
            return
        volume = self._volume
        if volume.size is not None and self._size != volume.size:
            raise _damaged(volume, f"it has {self._size:,} bytes, and {volume.size:,} were sent")
        if self.by == "tree hash" and tree_hash(self._gathered) != volume.tree_hash:
            raise _damaged(volume, f"its tree hash is {tree_hash(self._gathered)}, not {volume.tree_hash}")
        if self._linear is not None and self._linear.hexdigest() != volume.sha256:
            raise _damaged(volume, f"its SHA-256 is {self._linear.hexdigest()}, not {volume.sha256}")


def _fit(leaves: bytes, volume: StoredVolume) -> bool:
    """Whether the catalog's digests are those of the volume: a catalog may be damaged, too."""
    if volume.size is not None and len(leaves) != -(-volume.size // LEAF) * DIGEST_BYTES:
        return False
    return volume.tree_hash is None or tree_hash(leaves) == volume.tree_hash


def _damaged(volume: StoredVolume, what: str) -> VolumeHurt:
    return VolumeHurt(f"{volume.locator} isn't what was sent: {what}", [volume.number])
