"""Thawing without restoring: what is asked for now is found by a later restore, and isn't paid for again."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator

from glacier_backup.catalog.catalog import Catalog
from glacier_backup.chunks import in_chunks
from glacier_backup.interrupt import StopRequest
from glacier_backup.model.event import Warned
from glacier_backup.model.reading_event import ReadingListener, RestoreSummary
from glacier_backup.model.restore import ItemRecord, ItemState, RestoreItem, RestoreRecord, Wish
from glacier_backup.units import now
from glacier_backup.workflow.restoring.book import PAGE, Book, cause_of
from glacier_backup.workflow.restoring.reachable import Reachable
from glacier_backup.workflow.restoring.thawing import Thawing
from glacier_backup.workflow.restoring.tools import RestoreTools

THAWING, FAILED = 75, 1
"""Exit codes (DESIGN, section 4)."""

NO_RESTORE = 0
"""The id of no restore."""


def request_thaws(
    wish: Wish, items: Iterable[RestoreItem], tools: RestoreTools, tell: ReadingListener, stop: StopRequest
) -> RestoreSummary:
    """Have all bytes of ``items`` made readable, in the tier and for the days of ``wish``, whose other parts don't
    matter. What is under way or readable already isn't asked for again. Exit code 0 when all is readable, 75 while
    something isn't. Raises CatalogError and Interrupted; nothing that a destination did wrong."""
    reachable = Reachable(tools.catalog, tools.destination_of)
    thawing = Thawing(tools, wish, reachable, tell, stop.check)
    book = Book(tools.catalog, RestoreRecord(NO_RESTORE, wish, now()), tell)
    counts: Counter[ItemState] = Counter()
    for page in _pages(items):
        stop.check()
        archives = book.archives(page)
        for one in thawing.look(page, archives):
            counts[one.state] += 1
            if one.state in ("failed", "damaged"):
                book.tell_ended(one.record, book.about(one.record, one.archive), one.state, one.error)
    for place_id, error in reachable.out.items():
        tell(Warned(f"{reachable.place(place_id)}: {cause_of(error)}"))
    return RestoreSummary(
        NO_RESTORE,
        wish.purpose,
        dict(counts),
        expected=thawing.expected,
        exit_code=_exit_code(counts, reachable),
        ended_early=bool(reachable.out),
    )


def refresh_thaws(tools: RestoreTools, tell: ReadingListener, stop: StopRequest) -> None:
    """Note how everything stands now that was asked to be made readable. Tells which places are out of reach."""
    reachable = Reachable(tools.catalog, tools.destination_of)
    thawing = Thawing(tools, Wish("verify", "", ()), reachable, tell, stop.check)
    for place_id in {record.place_id for record in tools.catalog.thaws(states=["thawing"])}:
        thawing.poll(place_id)
    for place_id, error in reachable.out.items():
        tell(Warned(f"{reachable.place(place_id)}: {cause_of(error)}"))


def forget_old_thaws(catalog: Catalog) -> None:
    """Those whose time is over."""
    moment = now()
    old = (one for one in catalog.thaws(states=["ready"]) if one.thaw.until is not None and one.thaw.until <= moment)
    for page in in_chunks(old, PAGE):
        catalog.forget_thaws(page)


def _exit_code(counts: Counter[ItemState], reachable: Reachable) -> int:
    if counts["thawing"]:
        return THAWING
    if reachable.out and not counts["ready"]:
        return max(error.exit_code for error in reachable.out.values())
    return FAILED if counts["failed"] or counts["damaged"] or counts["planned"] else 0


def _pages(items: Iterable[RestoreItem]) -> Iterator[list[ItemRecord]]:
    records = (ItemRecord(number, item, "planned") for number, item in enumerate(items))
    return in_chunks(records, PAGE)
