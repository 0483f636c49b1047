"""The rungs of a verification that read no archive: the catalog itself, and what places list.

One place that can't be looked at doesn't keep the others from being looked at.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import replace

from glacier_backup.catalog.catalog import Catalog
from glacier_backup.errors import DamageFound, DestinationError, UsageError
from glacier_backup.model.finding import Finding, PlaceReport
from glacier_backup.model.place import Place
from glacier_backup.workflow.verifying.site import Site
from glacier_backup.workflow.verifying.verify_inventory import Look, Note, verify_inventory

STILL_THAWING = 75
"""The exit code that asks to be run again later (DESIGN, section 4)."""

SiteOf = Callable[[int, Place], Site]
"""The place of that id. Raises UsageError where nothing tells how to reach it."""


def verify_catalog(catalog: Catalog, note: Note) -> None:
    """Whether it agrees with itself. Raises CatalogError where it can't even be read."""
    for trouble in catalog.check():
        cure = "a sound one: glacier-backup catalog restore FILE, or catalog rebuild"
        note(Finding("catalog", trouble, cure=cure))


def verify_places(look: Look, site_of: SiteOf, pause: Callable[[], object] | None = None) -> Iterator[PlaceReport]:
    """Every place that has anything of what is wanted, one after the other.

    Those whose list is being made come last: again and again where there is a ``pause`` to wait in, else once. Raises
    CatalogError, and what the check and ``pause`` raise.
    """
    left = [(id_, place) for id_, place in look.catalog.places() if _holds(look, id_)]
    while left:
        waiting = []
        for place_id, place in left:
            report = _look_at(place_id, place, site_of, look)
            if report.waiting and pause is not None:
                waiting.append((place_id, place))
            else:
                yield report
        left = waiting
        if left and pause is not None:
            pause()


def _look_at(place_id: int, place: Place, site_of: SiteOf, look: Look) -> PlaceReport:
    try:
        return verify_inventory(site_of(place_id, place), look)
    except (DestinationError, UsageError) as error:
        text = f"{error}; {error.hint}" if error.hint else str(error)
        return PlaceReport(str(place), error=text, exit_code=error.exit_code)


def exit_code(places: Sequence[PlaceReport], findings: Iterable[Finding]) -> int:
    """5 where there is damage; 4 where no place could be looked at; 75 where a list is on its way; 1 where something
    could not be looked at; else 0."""
    kinds = {finding.kind for finding in findings if finding.is_damage or finding.kind == "unsure"}
    if kinds - {"unsure"}:
        return DamageFound.exit_code
    failed = [place for place in places if place.error is not None]
    if failed and len(failed) == len(places):
        return max(place.exit_code for place in failed)
    if any(place.waiting for place in places):
        return STILL_THAWING
    return 1 if failed or kinds else 0


def _holds(look: Look, place_id: int) -> bool:
    """Whether there is anything to look for: what a place has that the catalog forgot is news, too."""
    if not look.wanted:
        return True
    return any(any(look.catalog.stored_archives(replace(one, place_id=place_id))) for one in look.wanted)
