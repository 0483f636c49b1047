"""Which volumes parity may mend. Whether it does shows only when both were read."""

from __future__ import annotations

from collections.abc import Collection

from glacier_backup.model.stored import StoredArchive, StoredVolume


def mendable(archive: StoredArchive) -> tuple[StoredVolume, ...]:
    """The volumes that are known to be missing or wrong, and have parity."""
    return tuple(one for one in archive.volumes if one.damaged_at is not None and archive.parity_of(one))


def read_with_parity(archive: StoredArchive) -> tuple[StoredVolume, ...]:
    """The volumes that a restore reads with their parity: those that are known to be missing or wrong, and those of
    which nobody has any other checksum than the one in there, as of what another program has sent."""
    protected = {one.volume for one in archive.beside if one.role == "parity"}
    return tuple(one for one in archive.volumes if one.volume in protected and _takes_parity(one))


def is_read_with_parity(archive: StoredArchive, volume: StoredVolume) -> bool:
    """Whether it is one of those."""
    return _takes_parity(volume) and bool(archive.parity_of(volume))


def _takes_parity(volume: StoredVolume) -> bool:
    unproved = volume.tree_hash is None and volume.sha256 is None and not volume.has_leaves
    return unproved or volume.damaged_at is not None


def is_lost(archive: StoredArchive) -> bool:
    """Whether a volume is known to be missing or wrong that nothing can mend."""
    return any(one.damaged_at is not None and not archive.parity_of(one) for one in archive.volumes)


def can_replace(archive: StoredArchive, volume: StoredVolume) -> bool:
    """Whether there is enough parity to make the volume anew, of which nothing is left."""
    sizes = [one.size or 0 for one in archive.parity_of(volume)]
    return bool(sizes) and sum(sizes) > (volume.size or 0)


def may_mend(archive: StoredArchive, numbers: Collection[int], *, missing: bool) -> bool:
    """Whether it is worth a try, once, for all volumes of these numbers, of which it has just come to light that they
    are damaged, or that nothing of them is left (``missing``)."""
    hurt = [one for one in archive.volumes if one.number in numbers]
    new = any(one.damaged_at is None for one in hurt)
    return new and all(archive.parity_of(one) and (not missing or can_replace(archive, one)) for one in hurt)
