"""Asking a place for the list of all that it has, which takes hours in a vault and nothing elsewhere; and asking about
each of what is listed, several at a time."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from typing import TypeVar

from glacier_backup.ahead import in_order
from glacier_backup.catalog.catalog import Catalog
from glacier_backup.destination.destination import Check, Destination
from glacier_backup.model.thaw import Thaw, ThawRecord, ThawRequest
from glacier_backup.units import now

AT_ONCE = 8
"""Questions about single objects under way at the same time."""

AHEAD = 4 * AT_ONCE
"""How many may be asked, or answered, before the oldest answer is used."""

_REQUEST = ThawRequest(None)

T = TypeVar("T")
R = TypeVar("R")


def ask_for_inventory(destination: Destination, check: Check) -> Thaw:
    """The list, on its way or ready, as it stands now; the same one however often it is asked for.

    Raises DestinationUnavailable and DestinationError, also when it could not be made twice in a row.
    """
    thaw = destination.thaw(_REQUEST, check)
    if thaw.state == "failed":
        thaw = destination.thaw(_REQUEST, check)
    if thaw.state == "thawing":
        # A destination may go by what it heard a minute ago.
        (thaw,) = destination.thawing([thaw], check)
    return thaw


def note_inventory(catalog: Catalog, place_id: int, thaw: Thaw) -> None:
    """Keep in the catalog that it was asked for, for those who look at what is under way. Where nothing had to be asked
    for, there is nothing to keep."""
    if not thaw.id:
        return
    begun = next((one.requested_at for one in catalog.thaws(place_id, ["thawing"]) if one.thaw.id == thaw.id), now())
    catalog.note_thaws([ThawRecord(place_id, thaw, _REQUEST.tier, begun)])


def answers(jobs: Iterable[T], do: Callable[[T], R], *, name: str = "examine", ahead: int | None = None) -> Iterator[R]:
    """What ``do`` makes of each of ``jobs``, in their order, some of them at the same time; few are ahead of what is
    used, no more than ``ahead`` where that is given. What one raises is raised in its place."""
    most = AHEAD if ahead is None else ahead
    threads = ThreadPoolExecutor(AT_ONCE, thread_name_prefix=name)
    try:
        yield from in_order((partial(do, job) for job in jobs), threads, most - 1)
    finally:
        threads.shutdown(wait=False, cancel_futures=True)
