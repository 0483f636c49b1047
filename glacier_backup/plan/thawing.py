"""What has to be thawed before it can be read, in which tiers, and how long that takes."""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

from glacier_backup.model.place import DestinationKind, Place
from glacier_backup.model.prices import VAULT
from glacier_backup.model.thaw import Tier

TIERS: tuple[Tier, ...] = ("bulk", "standard", "expedited")
"""The slowest and cheapest first."""


class Hours(NamedTuple):
    """How long a thaw takes: from, to."""

    least: float
    most: float

    def __str__(self) -> str:
        if self.most < 1:
            return f"{self.least * 60:.0f} to {self.most * 60:.0f} minutes"
        if self.least == self.most:
            return f"up to {self.most:g} hours"
        return f"{self.least:g} to {self.most:g} hours"


_FLEXIBLE: Mapping[Tier, Hours] = {
    "bulk": Hours(5, 12),
    "standard": Hours(3, 5),
    "expedited": Hours(1 / 60, 5 / 60),
}

_OFFERED: Mapping[str, Mapping[Tier, Hours]] = {
    VAULT: _FLEXIBLE,
    "GLACIER": _FLEXIBLE,
    "DEEP_ARCHIVE": {"bulk": Hours(48, 48), "standard": Hours(12, 12)},
}
"""S3 user guide, "Understanding archive retrieval options"; for vaults the developer guide's page of that name. What
isn't here is readable at once."""


class Shelf(NamedTuple):
    """What is read alike, and paid alike."""

    kind: DestinationKind
    storage_class: str | None = None
    """As S3 names them."""
    endpoint: str = ""
    """Of a bucket that isn't Amazon's."""

    @property
    def price_class(self) -> str | None:
        """What the price table calls it; None for what costs nothing to read."""
        match self.kind:
            case "glacier":
                return VAULT
            case "s3":
                return self.storage_class or "STANDARD"
            case _:
                return None

    @property
    def offers(self) -> Mapping[Tier, Hours]:
        """The tiers it can be thawed in; none where that isn't needed."""
        return _OFFERED.get(self.price_class or "", {})

    @property
    def is_cold(self) -> bool:
        return bool(self.offers)

    def __str__(self) -> str:
        name = {"glacier": "a vault", "sftp": "a server", "local": "a directory"}.get(self.kind)
        name = name or self.storage_class or "a bucket"
        return f"{name} at {self.endpoint}" if self.endpoint else name


def shelf_of(place: Place, storage_class: str | None) -> Shelf:
    """Where a volume of that class lies."""
    return Shelf(place.kind, storage_class if place.kind == "s3" else None, place.region if place.kind == "s3" else "")
