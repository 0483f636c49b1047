"""How much of what is stored was verified, and when: a pure sum over what the catalog knows."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from glacier_backup.model.stored import StoredArchive, StoredVolume

WITHIN = (timedelta(days=30), timedelta(days=90), timedelta(days=365))
"""What is told apart."""


@dataclass(slots=True)
class Verified:
    """Of one place."""

    volumes: int = 0
    """Parity and manifests included."""
    bytes: int = 0
    """As far as known."""
    damaged: int = 0
    """Volumes that are known to be missing or wrong; none of what follows counts them."""
    never: int = 0
    """Volumes that were never verified."""
    never_bytes: int = 0
    oldest: datetime | None = None
    """Of those that were, the one longest ago."""
    latest: datetime | None = None
    within: list[int] = field(default_factory=lambda: [0] * len(WITHIN))
    """Bytes that were verified within each of :data:`WITHIN`."""


def verified(archives: Iterable[StoredArchive], now: datetime) -> dict[int, Verified]:
    """By the id of the place."""
    found: dict[int, Verified] = {}
    for archive in archives:
        place = found.setdefault(archive.place_id, Verified())
        for volume in archive.objects:
            _add(place, volume, now)
    return found


def _add(place: Verified, volume: StoredVolume, now: datetime) -> None:
    size, at = volume.size or 0, volume.verified_at
    place.volumes += 1
    place.bytes += size
    if volume.damaged_at is not None:
        place.damaged += 1
        return
    if at is None:
        place.never += 1
        place.never_bytes += size
        return
    place.oldest = at if place.oldest is None else min(place.oldest, at)
    place.latest = at if place.latest is None else max(place.latest, at)
    for number, span in enumerate(WITHIN):
        if now - at <= span:
            place.within[number] += size
