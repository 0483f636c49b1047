"""The places of a catalog as destinations, as long as they can be used."""

from __future__ import annotations

from dataclasses import dataclass, field

from glacier_backup.catalog.catalog import Catalog
from glacier_backup.destination.destination import Destination
from glacier_backup.errors import DestinationUnavailable, GlacierBackupError, UsageError
from glacier_backup.model.place import Place
from glacier_backup.workflow.reading import DestinationOf


@dataclass
class Reachable:
    """The places of a catalog, and their destinations. What is found out of reach stays so until :meth:`forget`."""

    catalog: Catalog
    destination_of: DestinationOf
    out: dict[int, GlacierBackupError] = field(default_factory=dict)
    """By the ids of places that can't be used now: why."""
    _places: dict[int, Place] = field(default_factory=dict)

    def place(self, place_id: int) -> Place:
        if place_id not in self._places:
            self._places = dict(self.catalog.places())
        return self._places[place_id]

    def destination(self, place_id: int) -> Destination | None:
        """None where it can't be used now."""
        if place_id in self.out:
            return None
        try:
            return self.destination_of(self.place(place_id))
        except (UsageError, DestinationUnavailable) as error:
            self.out[place_id] = error
            return None

    def forget(self) -> None:
        """Whatever was out of reach may be there again."""
        self.out.clear()
