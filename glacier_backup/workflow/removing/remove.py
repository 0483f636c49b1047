"""Removing archives: from the destination first, then from the catalog.

Whatever dies in between, the catalog still has what is gone, and the next run deletes it again, which is as good. The
other way round nobody would know of an archive that is paid for. What consists of several objects counts as damaged
before the first of them goes: nothing is to rely on what may be half gone.
"""

from __future__ import annotations

from collections.abc import Container, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from itertools import islice
from typing import NamedTuple

from glacier_backup.catalog.catalog import Catalog
from glacier_backup.destination.buckets.keys import At
from glacier_backup.destination.destination import Destination
from glacier_backup.destination.layout import is_dated
from glacier_backup.errors import CatalogError, DestinationError, DestinationUnavailable, Interrupted, UsageError
from glacier_backup.interrupt import StopRequest
from glacier_backup.model.place import Place
from glacier_backup.model.retention import (
    NotRemoved,
    PlaceFailed,
    Removal,
    RemovalListener,
    RemovalPlan,
    RemovalSummary,
    Removed,
)
from glacier_backup.model.stored import ArchiveFilter
from glacier_backup.spool import Spool
from glacier_backup.units import now
from glacier_backup.workflow.reading import DestinationOf
from glacier_backup.workflow.removing.archive_ids import ArchiveIds
from glacier_backup.workflow.side_by_side import side_by_side

AT_ONCE = 8
"""Archives that are deleted at the same time and forgotten together: the most that are deleted once more when a run is
killed."""

OWN = "-"

BEGUN = "its removal was begun"
"""What is wrong with an archive that may be half gone."""


@dataclass(frozen=True, slots=True)
class Remover:
    """What removing works with. The caller holds the lock."""

    catalog: Catalog
    destination_of: DestinationOf
    tell: RemovalListener
    stop: StopRequest


def carry_out(plan: RemovalPlan, remover: Remover) -> RemovalSummary:
    """Remove what ``plan`` says. One that fails stops no other; a place that can't be used, or isn't the one that the
    catalog means, stops none of the others. A stop that is asked for ends it behind what is under way.

    Raises CatalogError when what was deleted can't be noted, and KeyboardInterrupt at once.
    """
    tally, leaving = _Tally(), ArchiveIds()
    leaving.update(one.id for one in plan.removals)
    for place_id, share in plan.shares.items():
        if not remover.stop.is_set:
            of_place = (one for one in plan.removals if one.place_id == place_id)
            _AtPlace(share.place, remover, tally, leaving).remove(of_place)
    return tally.summary(plan, interrupted=remover.stop.is_set)


class _Tally:
    """What came of it."""

    def __init__(self) -> None:
        self._results: Spool[Removed | NotRemoved] = Spool()
        self._removed = 0
        self._bytes = 0
        self._out_of_reach = 0

    def add(self, result: Removed | NotRemoved) -> None:
        self._results.append(result)
        if isinstance(result, Removed):
            self._removed += 1
            self._bytes += result.removal.bytes or 0

    def out_of_reach(self, removals: Iterable[Removal], error: DestinationError | UsageError) -> int:
        """None of these can be removed, for that reason; how many they are."""
        before = len(self._results)
        for removal in removals:
            self.add(NotRemoved(removal, str(error), error.hint))
        self._out_of_reach += len(self._results) - before
        return len(self._results) - before

    def summary(self, plan: RemovalPlan, *, interrupted: bool) -> RemovalSummary:
        failed = len(self._results) - self._removed
        code = 1 if failed else 0
        if failed and self._out_of_reach == len(self._results):
            code = DestinationUnavailable.exit_code
        return RemovalSummary(
            plan, self._results, self._removed, failed, self._bytes, exit_code=130 if interrupted else code
        )


class _Deletion(NamedTuple):
    """One archive, and what it takes to be rid of it."""

    removal: Removal
    locators: tuple[str, ...]
    """To be deleted: no later archive has them, nor lies as a newer version on them."""
    ids: tuple[int, ...]
    """Archives to be forgotten then: it, and those of which nothing was left but this."""
    volumes: Mapping[str, int]
    """Where it takes several objects: the numbers of those with data, against which nothing is known, by locator."""


class _Outcome(NamedTuple):
    deletion: _Deletion
    gone: frozenset[str]
    """Locators."""
    error: DestinationError | Interrupted | None


class _AtPlace:
    """Removes archives from one place."""

    def __init__(self, place: Place, remover: Remover, tally: _Tally, leaving: Container[int]) -> None:
        """``leaving``: the ids of all that goes."""
        self._place = place
        self._remover = remover
        self._tally = tally
        self._leaving = leaving
        self._unavailable: DestinationUnavailable | None = None
        self._lost = 0
        """Archives that it was noticed with."""

    def remove(self, removals: Iterator[Removal]) -> None:
        """All of them, as far as it goes."""
        try:
            destination = self._remover.destination_of(self._place)
            with self._remover.stop.at_once():
                _insist(destination, self._place)
        except (DestinationError, UsageError) as error:
            self._give_up(removals, error)
            return
        except Interrupted:
            return
        while not self._remover.stop.is_set and self._unavailable is None:
            batch = [self._deletion(removal) for removal in islice(removals, AT_ONCE)]
            if not batch:
                return
            self._note_begun(batch)
            jobs = [partial(self._delete, deletion, destination) for deletion in batch]
            self._note(side_by_side(jobs, name="delete"))
        if self._unavailable is not None:
            self._give_up(removals, self._unavailable)

    def _deletion(self, removal: Removal) -> _Deletion:
        """What is still in the catalog under the same locators decides: a key may have been used again."""
        locators, ids = [], {removal.id}
        for locator in removal.locators:
            same = list(
                self._remover.catalog.stored_archives(ArchiveFilter(locator=locator, place_id=removal.place_id))
            )
            if all(archive.id <= removal.id for archive in same):
                ids.update(archive.id for archive in same)
                if not self._lies_below_a_version(locator, removal):
                    locators.append(locator)
        return _Deletion(removal, tuple(locators), tuple(sorted(ids)), self._volumes(removal, locators))

    def _volumes(self, removal: Removal, locators: Sequence[str]) -> dict[str, int]:
        if len(locators) < 2:
            return {}
        archives = self._remover.catalog.stored_archives(ArchiveFilter(ids=(removal.id,)))
        volumes = (one for archive in archives for one in archive.volumes)
        return {one.locator: one.number for one in volumes if one.locator in locators and one.damaged_at is None}

    def _note_begun(self, batch: Iterable[_Deletion]) -> None:
        found = [(one.removal.id, number, BEGUN) for one in batch for number in one.volumes.values()]
        if found:
            self._remover.catalog.note_damaged(found, now(), listed=True)

    def _note_still_there(self, done: Iterable[_Outcome]) -> None:
        there = [
            (one.deletion.removal.id, number)
            for one in done
            if one.error is not None
            for locator, number in one.deletion.volumes.items()
            if locator not in one.gone
        ]
        if there:
            self._remover.catalog.note_listed([], there, now(), as_of=now())

    def _lies_below_a_version(self, locator: str, removal: Removal) -> bool:
        """Whether a newer version of this key stays, in a bucket that keeps versions only since. Deleting the key would
        hide that one, which the bucket's own rule would then remove; what lies below it is an older version already."""
        at = At.parsed(locator)
        if self._place.kind != "s3" or at.version is not None or is_dated(at.key):
            return False
        later = (
            one
            for one in self._remover.catalog.stored_archives(
                ArchiveFilter(path=removal.path, place_id=removal.place_id)
            )
            if one.id > removal.id and one.id not in self._leaving
        )
        return any(At.parsed(stored.locator).key == at.key for one in later for stored in one.objects)

    def _delete(self, deletion: _Deletion, destination: Destination) -> _Outcome:
        """In a thread of its own."""
        gone = set[str]()
        try:
            for locator in deletion.locators:
                destination.delete(locator, self._remover.stop.check)
                gone.add(locator)
        except (DestinationError, Interrupted) as error:
            return _Outcome(deletion, frozenset(gone), error)
        return _Outcome(deletion, frozenset(gone), None)

    def _note(self, done: Sequence[_Outcome]) -> None:
        """In the catalog, and to whoever listens."""
        self._note_still_there(done)
        gone = [id_ for outcome in done if outcome.error is None for id_ in outcome.deletion.ids]
        try:
            self._remover.catalog.forget_archives(gone)
        except CatalogError as error:
            raise CatalogError(
                f"{len(gone)} archives are deleted at {self._place}, and that could not be noted: {error}",
                hint=f"{error.hint or ''}; then run it again: what is gone is as good as deleted".lstrip("; "),
            ) from error
        for outcome in done:
            self._tell(outcome.deletion.removal, outcome.error)

    def _tell(self, removal: Removal, error: DestinationError | Interrupted | None) -> None:
        match error:
            case Interrupted():
                return
            case DestinationUnavailable():
                self._unavailable = error
                self._lost += self._tally.out_of_reach([removal], error)
                return
            case None:
                result: Removed | NotRemoved = Removed(removal)
            case _:
                result = NotRemoved(removal, str(error), error.hint)
        self._tally.add(result)
        self._remover.tell(result)

    def _give_up(self, removals: Iterator[Removal], error: DestinationError | UsageError) -> None:
        left = self._lost + self._tally.out_of_reach(removals, error)
        self._remover.tell(PlaceFailed(self._place, str(error), error.hint, left))


def _insist(destination: Destination, place: Place) -> None:
    """Raise DestinationUnavailable unless it is that place: to delete what isn't there is as good, so a disk that isn't
    mounted, or another account with a vault of that name, would make the catalog forget what is still stored."""
    found = destination.identify(holds_archives=True)
    if OWN in (place.account, found.account):
        found = replace(found, account=place.account)
    if not place.region:
        found = replace(found, region="")
    if found != place:
        raise DestinationUnavailable(
            f"{place} is where the archives are, and what answers is {found}",
            hint="use the credentials of the account that the archives were sent with, or name it in account_id",
        )
