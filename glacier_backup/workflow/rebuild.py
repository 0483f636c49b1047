"""``catalog rebuild``: what one place tells of the archives that it has is recorded, as far as it isn't known yet.

The list is put in order first, by what it tells of the archives' times, objects of one archive together; then each is
asked about, several at a time, and recorded, oldest first. So memory stays flat, and whoever interrupts it and begins
anew goes on behind what is recorded. Nothing is thawed but a vault's inventory, and manifests that alone know names
that are hidden, where there is a key to them.
"""

from __future__ import annotations

import pickle
from collections.abc import Callable, Collection, Iterable, Iterator
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from functools import partial
from itertools import islice
from operator import itemgetter
from typing import NamedTuple

from glacier_backup.catalog.catalog import Catalog
from glacier_backup.destination.destination import Check
from glacier_backup.errors import DestinationError, DestinationUnavailable, VolumeMissing
from glacier_backup.model.finding import Looked, LookListener
from glacier_backup.model.journal import JournalEntry
from glacier_backup.model.naming import ShortenedLabel
from glacier_backup.model.rebuilding import RebuiltPlace, Refused
from glacier_backup.model.stored import ArchiveFilter, Rebuilt
from glacier_backup.model.thaw import Stored, Thaw
from glacier_backup.ordering import Ordering
from glacier_backup.plan.rebuild import rebuilt
from glacier_backup.plan.rebuild_several import Part
from glacier_backup.plan.told_by_key import Around, is_beside, presumed
from glacier_backup.plan.verify import known_volumes
from glacier_backup.workflow.rebuilding.several import Examined, Gathering, ManifestOpener, NoKeys, Several
from glacier_backup.workflow.rebuilding.tree_versions import before_versions
from glacier_backup.workflow.verifying.both_sides import BothSides, Pair
from glacier_backup.workflow.verifying.doubts import Doubts
from glacier_backup.workflow.verifying.inventory import answers, ask_for_inventory, note_inventory
from glacier_backup.workflow.verifying.site import Site

STEP = 1_000
"""Objects between two signs of life, and archives that are recorded together."""

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_BIAS = 2**63
"""Added to microseconds since 1970, so that all are written without a sign."""

Refuse = Callable[[Refused], None]


@dataclass(frozen=True, slots=True)
class RebuildOrder:
    """What is wanted."""

    hosts: Collection[str] = frozenset()
    """Only archives of these; of all where it is empty."""
    journal: Callable[[], Iterable[JournalEntry]] = tuple
    """The live archives of the record of another system, for a vault that it has filled."""
    opener: ManifestOpener = field(default_factory=NoKeys)
    """Opens manifests with hidden names."""


class _Named(NamedTuple):
    """An object that is listed, and what another system's record says of it."""

    stored: Stored
    journaled: JournalEntry | None = None


Parts = tuple[Part, ...]
"""All objects of one archive."""


def rebuild_place(
    site: Site, catalog: Catalog, order: RebuildOrder, refuse: Refuse, tell: LookListener, check: Check
) -> RebuiltPlace:
    """Record all that ``site`` has of what is wanted. What contradicts itself, or can't be looked at, is handed to
    ``refuse`` and left out. The caller holds the lock.

    Raises DestinationUnavailable, DestinationError, CatalogError and what ``check`` raises; what was recorded before
    stays.
    """
    thaw = ask_for_inventory(site.destination, check)
    note_inventory(catalog, site.id, thaw)
    if thaw.state == "thawing":
        return RebuiltPlace(str(site.place), waiting=True)
    if thaw.state == "failed":
        raise DestinationError(f"{site.place}: the inventory could not be made: {thaw.cause}", hint="run again later")
    return _Rebuilding(site, catalog, order, refuse, tell, check).over(thaw)


class _Rebuilding:
    """One place on its way into the catalog."""

    def __init__(
        self,
        site: Site,
        catalog: Catalog,
        order: RebuildOrder,
        refuse: Refuse,
        tell: LookListener,
        check: Check,
    ) -> None:
        self._site = site
        self._catalog = catalog
        self._order = order
        self._refuse = refuse
        self._tell = tell
        self._check = check
        self._around = replace(site.around, whole_path=partial(_whole_path, catalog, site.around))
        self._site = replace(site, around=self._around)
        self._several = Several(self._site, order.opener, check)
        self._done = RebuiltPlace(str(site.place))

    def over(self, thaw: Thaw) -> RebuiltPlace:
        found = self._archives(self._oldest_first(self._new(thaw)))
        while batch := list(islice(found, STEP)):
            added = self._catalog.add_rebuilt(self._site.id, batch)
            self._done = replace(self._done, added=self._done.added + added)
            self._tell(Looked(str(self._site.place), self._done.added, "added"))
        return self._done

    def _new(self, thaw: Thaw) -> Iterator[_Named]:
        """What is listed and the catalog doesn't know."""
        sides = BothSides()
        for archive in self._catalog.stored_archives(ArchiveFilter(place_id=self._site.id)):
            sides.add_known(known_volumes(archive))
        if self._site.place.kind == "glacier":
            sides.add_journaled(self._order.journal())
        for number, stored in enumerate(self._site.destination.inventory(thaw, self._check), 1):
            sides.add_listed(stored)
            if number % STEP == 0:
                self._check()
                self._tell(Looked(str(self._site.place), number))
        doubts = Doubts(self._site, self._catalog)
        under_way = {part.locator for one in self._catalog.unfinished(self._site.id) for part in one.stored}
        for pair in sides:
            if not pair.listed:
                more = self._done.journaled_only + bool(pair.journaled)
                self._done = replace(self._done, journaled_only=more)
                continue
            if is_beside(self._site.key_of(pair.listed[0].locator)):
                continue
            self._done = replace(self._done, listed=self._done.listed + 1)
            self._put_away(pair)
            if pair.known or pair.listed[0].locator in under_way or doubts.look_at(pair.listed[0]):
                # Of an archive of several objects the first one counts.
                first = not pair.known or any(one.number == 1 for one in pair.known)
                self._done = replace(self._done, known=self._done.known + first)
            else:
                yield _Named(pair.listed[0], pair.journaled[0] if pair.journaled else None)

    def _put_away(self, pair: Pair) -> None:
        """What the catalog knows, and didn't know to be hidden: as after a copy of it was put back."""
        hidden_at = pair.listed[0].hidden_at
        if hidden_at is not None and pair.known:
            self._catalog.expire(self._site.id, [one.archive for one in pair.known if one.number == 1], (), hidden_at)

    def _oldest_first(self, listed: Iterable[_Named]) -> Iterator[_Named | Parts]:
        """As far as the list tells."""
        ordering, gathering = Ordering(), Gathering(self._site)
        key_of = self._site.key_of
        alone = gathering.others(listed, itemgetter(0))
        for one in before_versions(alone, itemgetter(0), lambda one, stored: one._replace(stored=stored), key_of):
            ordering.add(_sortable(self._time(one.stored)) + pickle.dumps(one, pickle.HIGHEST_PROTOCOL))
        for parts in gathering:
            ordering.add(_sortable(self._time(parts[0].stored)) + pickle.dumps(parts, pickle.HIGHEST_PROTOCOL))
        return (pickle.loads(piece[8:]) for piece in ordering)  # noqa: S301  # our own

    def _time(self, stored: Stored) -> datetime:
        told = presumed(stored, self._site.key_of(stored.locator), self._around)
        label = told.beginning if isinstance(told, ShortenedLabel) else told
        return stored.stored_at if label is None else label.time

    def _archives(self, listed: Iterable[_Named | Parts]) -> Iterator[Rebuilt]:
        for number, answer in enumerate(answers(listed, self._asked), 1):
            if number % STEP == 0:
                self._check()
                self._tell(Looked(str(self._site.place), number, "examined"))
            for found in self._all_judged(answer):
                if isinstance(found, Rebuilt) and self._is_wanted(found):
                    yield found
                else:
                    self._count(found)

    def _count(self, found: Rebuilt | Refused | None) -> None:
        """What isn't recorded."""
        if isinstance(found, Rebuilt):
            self._done = replace(self._done, of_other_hosts=self._done.of_other_hosts + 1)
        elif isinstance(found, Refused):
            self._done = replace(self._done, refused=self._done.refused + 1)
            self._refuse(found)

    def _is_wanted(self, found: Rebuilt) -> bool:
        return not self._order.hosts or found.label.host in self._order.hosts

    def _asked(self, one: _Named | Parts) -> _Named | Examined | Refused | None:
        """In a thread of its own. None for what has gone meanwhile."""
        if not isinstance(one, _Named):
            return self._several.examine(one)
        try:
            found = self._site.destination.examine(one.stored, self._check)
            # Of a file that has versions it is known better than the place does.
            return one._replace(stored=replace(found, stored_at=min(found.stored_at, one.stored.stored_at)))
        except VolumeMissing:
            return None
        except DestinationUnavailable:
            raise
        except DestinationError as error:
            return Refused(one.stored.locator, f"it could not be looked at: {error}")

    def _all_judged(self, answer: _Named | Examined | Refused | None) -> Iterator[Rebuilt | Refused | None]:
        if not isinstance(answer, Examined):
            yield self._judged(answer)
        elif answer.thawing:
            self._done = replace(self._done, thawing=self._done.thawing + 1)
        else:
            found = self._several.judge(answer)
            if isinstance(found, Rebuilt | Refused):
                yield found
            else:
                yield from (self._judged(_Named(one)) for one in found)

    def _judged(self, answer: _Named | Refused | None) -> Rebuilt | Refused | None:
        if not isinstance(answer, _Named):
            return answer
        site, stored = self._site, answer.stored
        key, describe = site.key_of(stored.locator), site.destination.describe
        found = rebuilt(stored, key, site.place.kind, describe, self._around, answer.journaled)
        if isinstance(found, Rebuilt):
            return replace(found, expired_at=stored.hidden_at)
        if found is None:
            done = self._done
            self._done = replace(done, foreign=done.foreign + 1, foreign_bytes=done.foreign_bytes + stored.size)
        return found


def _sortable(moment: datetime) -> bytes:
    return ((moment - _EPOCH) // timedelta(microseconds=1) + _BIAS).to_bytes(8, "big")


def _whole_path(catalog: Catalog, around: Around, short: ShortenedLabel) -> str | None:
    """A path that the catalog or the configuration knows and that has this hash."""
    told = around.whole_path(short)
    if told is not None:
        return told
    start = "".join(f"[{one}]" if one in "*?[" else one for one in short.beginning.path)
    known = (one.path for one in catalog.stored_archives(ArchiveFilter(glob=f"{start}*")))
    return next((path for path in (*around.sections, *known) if short.is_of(path)), None)
