"""Which place of the catalog's a destination is."""

from __future__ import annotations

from glacier_backup.catalog.catalog import Catalog
from glacier_backup.destination.destination import Destination
from glacier_backup.interrupt import StopRequest


class Whereabouts:
    """The place where archives go, as the catalog knows it; its destination is asked at most once in a run.

    And only where the catalog doesn't know it, or before anything is done there: an idle run asks nobody.
    """

    def __init__(self, destination: Destination, catalog: Catalog, stop: StopRequest) -> None:
        self._destination = destination
        self._catalog = catalog
        self._stop = stop
        self._asked = False
        place = destination.place
        known = catalog.place_id(place) if place.is_complete else None
        if known is None:
            self._ask(holds_archives=False)
        else:
            self.id = known
            """In the catalog. Another one may be it once the destination was asked."""

    def ask(self) -> None:
        """Make sure that the destination is there and is who it was. Raises DestinationUnavailable."""
        if not self._asked:
            self._ask(holds_archives=self._holds_something())

    def _holds_something(self) -> bool:
        """Whether anything is known to be there: archives, or what was sent of one."""
        unfinished = self._catalog.unfinished(self.id)
        return self._catalog.holds_archives(self.id) or any(one.upload_id is not None for one in unfinished)

    def _ask(self, *, holds_archives: bool) -> None:
        with self._stop.at_once():
            identified = self._destination.identify(holds_archives=holds_archives)
        self.id = self._catalog.register(self._destination.place, identified)
        self._asked = True
