"""Putting away what is no part of the newest state any more, at one destination, when all of a run is stored there.

Some at a time: each is looked at once more, hidden where versions are kept, and noted. What was hidden and could not be
noted any more the next run finds hidden, and notes it.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from itertools import groupby

from glacier_backup.ahead import in_order
from glacier_backup.chunks import in_chunks
from glacier_backup.errors import CatalogError, DestinationError, DestinationUnavailable, Interrupted
from glacier_backup.model.event import Expired, Result, Warned
from glacier_backup.model.expiry_reason import Deleted
from glacier_backup.model.plan import Expiry, Skip
from glacier_backup.model.reason import Postponed
from glacier_backup.model.stored import ArchiveFilter
from glacier_backup.units import now
from glacier_backup.workflow.sending.desk import Sending
from glacier_backup.workflow.sending.outcome import skipped
from glacier_backup.workflow.sending.still_true import still_true
from glacier_backup.workflow.sending.tally import Done

TOGETHER = 500
"""Noted in one transaction."""

AT_ONCE = 16
"""Hidden at the same time."""

IN_VAIN = 10
"""How many are tried that can't be hidden, before it is clear that none can."""


def put_away(decisions: Iterable[Expiry | Skip], sending: Sending, *, fine: bool) -> Iterator[Done]:
    """What becomes of each of ``decisions``: expiries, and skips among them, which are told. ``fine``: whether all else
    of the run is stored; if not, what is there stays until a later one. Raises nothing that source, destination or
    catalog did wrong."""
    threads = ThreadPoolExecutor(AT_ONCE, thread_name_prefix="expiry")
    work = _PuttingAway(sending, threads, fine=fine)
    try:
        for chunk in in_chunks(decisions, TOGETHER):
            yield from work.some(chunk)
        work.conclude()
    finally:
        threads.shutdown(wait=False, cancel_futures=True)


class _PuttingAway:
    def __init__(self, sending: Sending, threads: ThreadPoolExecutor, *, fine: bool) -> None:
        self._sending = sending
        self._threads = threads
        self._fine = fine
        self._hidden = 0
        self._refused = 0
        self._failed = 0

    def some(self, decisions: Sequence[Expiry | Skip]) -> Iterator[Done]:
        """In their order. Those of one kind are dealt with together: what was deleted is noted before it is asked what
        is left of a group."""
        for _, those in groupby(decisions, key=lambda one: type(one.reason)):
            yield from self._alike(list(those))

    def conclude(self) -> None:
        """Say of how many was said nothing."""
        if self._failed > 1:
            at = f"{self._sending.target.name}: " if self._sending.several else ""
            self._sending.tell(Warned(f"{at}{self._failed - 1} more can't be put away"))

    def _alike(self, decisions: Sequence[Expiry | Skip]) -> Iterator[Done]:
        skips = [one for one in decisions if isinstance(one, Skip)]
        yield from (skipped(one, self._sending) for one in skips)
        expiries = [one for one in decisions if isinstance(one, Expiry)]
        try:
            outcomes = self._outcomes(expiries)
        except (DestinationUnavailable, CatalogError, Interrupted) as error:
            self._fine = False
            first, *rest = expiries
            yield self._postponed(first)._replace(fatal=error)
            yield from map(self._postponed, rest)
            return
        for one, outcome in zip(expiries, outcomes, strict=True):
            yield self._told(one, outcome)

    def _outcomes(self, expiries: Sequence[Expiry]) -> list[bool | DestinationError | None]:
        """Of each whether it is hidden, or why it couldn't be; None for what stays. All is noted."""
        if not self._fine or not expiries:
            return [None] * len(expiries)
        self._sending.check()
        stays = still_true(expiries, self._sending)
        going = [one for one, true in zip(expiries, stays, strict=True) if true]
        hidden = self._hide(going)
        done = [one for one, how in zip(going, hidden, strict=True) if isinstance(how, bool)]
        self._note(done)
        outcomes = iter(hidden)
        return [next(outcomes) if true else None for true in stays]

    def _hide(self, expiries: Sequence[Expiry]) -> list[bool | DestinationError]:
        ids = tuple(one.archive for one in expiries if one.archive is not None)
        found = self._sending.catalog.stored_archives(ArchiveFilter(ids=ids)) if ids else ()
        locators = {archive.id: [volume.locator for volume in archive.objects] for archive in found}
        jobs = (partial(self._hidden_now, locators.get(one.archive or 0, ())) for one in expiries)
        return list(in_order(jobs, self._threads, AT_ONCE))

    def _hidden_now(self, locators: Sequence[str]) -> bool | DestinationError:
        """Raises DestinationUnavailable, Interrupted."""
        if self._refused >= IN_VAIN and not self._hidden:
            return DestinationError("not tried, for none could be hidden")
        expire, check = self._sending.destination.expire, self._sending.check
        try:
            hidden = [expire(locator, check) for locator in locators]
        except DestinationUnavailable:
            raise
        except DestinationError as error:
            self._refused += 1
            return error
        self._hidden += any(hidden)
        return any(hidden)

    def _note(self, done: Sequence[Expiry]) -> None:
        if done:
            archives = [one.archive for one in done if one.archive is not None]
            gone = [one.path for one in done if isinstance(one.reason, Deleted)]
            self._sending.catalog.expire(self._sending.place_id, archives, gone, now())

    def _told(self, expiry: Expiry, outcome: bool | DestinationError | None) -> Done:
        if outcome is None:
            return self._postponed(expiry)
        if isinstance(outcome, bool):
            self._sending.tell(Expired(expiry, outcome))
            return Done(Result(expiry))
        self._failed += 1
        if self._failed == 1:
            self._sending.warn(
                expiry.path, f"can't be put away: {outcome}{f'; {outcome.hint}' if outcome.hint else ''}"
            )
        return Done(Result(expiry, error=str(outcome), hint=outcome.hint))

    def _postponed(self, expiry: Expiry) -> Done:
        return skipped(Skip(expiry.path, expiry.name, expiry.bytes, Postponed(), expiry.to), self._sending)
