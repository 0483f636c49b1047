"""One place that is looked at as a whole."""

from __future__ import annotations

from dataclasses import dataclass, field

from glacier_backup.destination.destination import Destination
from glacier_backup.model.place import Place
from glacier_backup.plan.told_by_key import Around, KeyOf


@dataclass(frozen=True, slots=True)
class Site:
    """A place of the catalog, with its destination."""

    id: int
    """In the catalog."""
    place: Place
    destination: Destination
    key_of: KeyOf
    around: Around = field(default_factory=Around)
    """What is known besides of what may be there."""
