"""Which places of the catalog's the destinations are."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from glacier_backup.catalog.catalog import Catalog
from glacier_backup.errors import DestinationUnavailable, UsageError
from glacier_backup.interrupt import StopRequest
from glacier_backup.model.place import Place
from glacier_backup.model.upload import Unfinished
from glacier_backup.workflow.side_by_side import side_by_side
from glacier_backup.workflow.tools import Target


class Whereabouts:
    """The place where archives go, as the catalog knows it; its destination is asked at most once in a run.

    And only where the catalog doesn't know it, or before anything is done there: an idle run asks nobody.
    """

    def __init__(self, target: Target, catalog: Catalog) -> None:
        self.target = target
        self.unavailable: DestinationUnavailable | None = None
        """Why nothing can be done there in this run."""
        self.left: tuple[Unfinished, ...] = ()
        """What earlier runs have left to go on with there."""
        self._catalog = catalog
        self.asked = False
        place = target.destination.place
        self.id = catalog.place_id(place) if place.is_complete else None
        """In the catalog; None for one that is unknown there until it is asked. Another one may be it once it was."""
        if self.id is not None:
            self.left = catalog.unfinished(self.id)

    @property
    def presumable_id(self) -> int | None:
        """Its id, or the one that it most likely has where it can't be asked: to show what there would be to do."""
        if self.id is not None:
            return self.id
        return self._catalog.place_id(self.target.destination.place, trusting=True)

    def identified(self) -> Place | DestinationUnavailable:
        """Who the destination says it is, or why it can't."""
        try:
            return self.target.destination.identify(holds_archives=self._holds_something())
        except DestinationUnavailable as error:
            return error

    def note(self, identified: Place) -> None:
        """It has said so. Raises CatalogError when it can't be."""
        self.asked = True
        before, self.id = self.id, self._catalog.register(self.target.destination.place, identified)
        if self.id != before:
            self.left = self._catalog.unfinished(self.id)

    def _holds_something(self) -> bool:
        """Whether anything is known to be there: archives, what was sent of one, or the mark of a directory."""
        if self.id is None:
            return False
        if any(one.upload_id is not None for one in self.left):
            return True
        return self._catalog.holds_archives(self.id) or self._catalog.is_marked(self.id)


def ask(places: Iterable[Whereabouts], stop: StopRequest) -> None:
    """Make sure that each is there and is who it was, all at the same time; those that aren't are noted as unavailable.

    Raises CatalogError and Interrupted.
    """
    unasked = [one for one in places if one.unavailable is None and not one.asked]
    if not unasked:
        return
    with stop.at_once():
        answers = side_by_side([one.identified for one in unasked], name="destination")
    for one, answer in zip(unasked, answers, strict=True):
        if isinstance(answer, DestinationUnavailable):
            one.unavailable = answer
        else:
            one.note(answer)


def tell_apart(places: Iterable[Whereabouts]) -> None:
    """Raise UsageError where two destinations are one place: each would take for its own what the other has begun."""
    names: dict[int, str] = {}
    for one in places:
        if one.id is not None and one.target.name != names.setdefault(one.id, one.target.name):
            raise UsageError(
                f"the destinations {names[one.id]} and {one.target.name} are the same place, "
                f"{one.target.destination.place}",
                hint="use one of the two names everywhere",
            )


def insist(places: Sequence[Whereabouts]) -> None:
    """Raise DestinationUnavailable where there is one destination only, and it is that: nothing can be done at all."""
    if len(places) == 1 and places[0].unavailable is not None:
        raise places[0].unavailable
