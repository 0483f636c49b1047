"""Having bytes made readable: what a page of items takes is looked for among what was asked for before, and only what
is missing is asked for, several at the same time.

What the catalog knows of thaws is all that counts here, not what state an item is in; and a destination finds by itself
what was asked for before, by whomever. So whatever was lost, nothing is paid for twice.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from itertools import islice
from types import MappingProxyType

from glacier_backup.destination.destination import Check
from glacier_backup.errors import (
    DestinationError,
    DestinationUnavailable,
    GlacierBackupError,
    UsageError,
)
from glacier_backup.model.reading_event import ReadingListener, ThawRequested
from glacier_backup.model.restore import ByteRange, ItemRecord, Wish
from glacier_backup.model.stored import StoredArchive, StoredVolume
from glacier_backup.model.thaw import Thaw, ThawRecord
from glacier_backup.plan.ranges import merged
from glacier_backup.plan.thawing import TIERS, shelf_of
from glacier_backup.units import MIB, now
from glacier_backup.workflow.restoring.asking import Ask, Asking
from glacier_backup.workflow.restoring.coverage import Need, made_readable, needs, without
from glacier_backup.workflow.restoring.damage import found_missing, is_damage
from glacier_backup.workflow.restoring.reachable import Reachable
from glacier_backup.workflow.restoring.standing import Key, Standing, Wanting, about
from glacier_backup.workflow.restoring.tools import RestoreTools

_NONE: Mapping[Key, GlacierBackupError] = MappingProxyType({})

LISTED = 5_000
"""Thaws that are looked at together: a vault lists all its jobs for each such look."""

PACE = 4 * MIB
"""Bytes a second that are taken to come at least: a thawed copy that is over before that is asked for again in time."""

MARGIN = timedelta(minutes=15)
"""By which a thawed copy is to outlast its reading."""


class Thawing:
    """What one run asks to be made readable. For one thread, but for the requests that it makes."""

    def __init__(
        self, tools: RestoreTools, wish: Wish, reachable: Reachable, tell: ReadingListener, check: Check
    ) -> None:
        self._catalog = tools.catalog
        self._wish = wish
        self._reachable = reachable
        self._tell = tell
        self._check = check
        self._asking = Asking(reachable, wish, tools.concurrency, check)
        self._begun = now()
        self._again: Counter[tuple[int, str, int]] = Counter()
        """How often what failed, or was over, was asked for once more in this run."""
        self._over: set[tuple[int, str, int]] = set()
        """What was over in this round: there may be many things in one, and each says so."""
        self._ahead = 0
        """Bytes of what is ready and was not fetched yet."""
        self._looked: set[int] = set()
        self.expected: datetime | None = None
        """When all that is thawing should be ready, as a rule."""
        self.asked = 0
        """How many requests this run has made, those that were found under way included."""

    def new_round(self) -> None:
        """From now on everything is looked at once more."""
        self._looked.clear()
        self._over.clear()
        self._reachable.forget()
        self._ahead, self.expected = 0, None

    def look(self, records: Sequence[ItemRecord], archives: Mapping[int, StoredArchive]) -> list[Standing]:
        """How each of a page of items stands, after what is missing was asked for. Raises what ``check`` and the
        catalog raise."""
        wanting, standings = [], dict[int, Standing]()
        for record in records:
            archive = archives.get(record.item.archive)
            if archive is None:
                gone = GlacierBackupError("its archive is not in the catalog any more")
                standings[record.number] = Standing(record, None, "failed", error=gone)
            else:
                wanting.append(Wanting(record, archive, needs(record.item, archive)))
        for place_id in {one.archive.place_id for one in wanting} - self._looked:
            self._looked.add(place_id)
            self.poll(place_id)
        known = self._known(wanting)
        errors = self._ask_for(wanting, known)
        wanting = self._with_parity(wanting, known, errors)
        for one in wanting:
            standings[one.record.number] = self._standing(one.without_spare(errors), known, errors)
        return [standings[record.number] for record in records]

    def _with_parity(
        self, wanting: Sequence[Wanting], known: dict[Key, list[ThawRecord]], errors: dict[Key, GlacierBackupError]
    ) -> list[Wanting]:
        """The same, after what is missing was noted; parity that may stand for it is asked for."""
        result = [found_missing(self._catalog, one, errors) for one in wanting]
        changed = [one for one, before in zip(result, wanting, strict=True) if one is not before]
        if changed:
            known.update({key: found for key, found in self._known(changed).items() if key not in known})
            errors.update(self._ask_for(changed, known, errors))
        return result

    def over(self, standing_thaws: Iterable[tuple[int, Thaw]]) -> None:
        """What could not be read any more, though it should have been: to be asked for again."""
        self._catalog.forget_thaws(
            ThawRecord(place_id, thaw, self._wish.tier, self._begun) for place_id, thaw in standing_thaws
        )

    def may_ask_again(self, place_id: int, thaw: Thaw) -> bool:
        """Once in a run. Counts as asked for."""
        key = (place_id, thaw.locator or "", thaw.start)
        if key not in self._over:
            self._over.add(key)
            self._again[key] += 1
        return self._again[key] == 1

    def poll(self, place_id: int) -> None:
        """How all stand that are under way at one place."""
        destination = self._reachable.destination(place_id)
        if destination is None:
            return
        records = (one for one in self._catalog.thaws(place_id, states=["thawing"]) if one.thaw.locator is not None)
        try:
            while page := list(islice(records, LISTED)):
                stand = destination.thawing([one.thaw for one in page], self._check)
                changed = (
                    replace(one, thaw=_at_the_same(one.thaw, thaw))
                    for one, thaw in zip(page, stand, strict=True)
                    if thaw.state != "thawing"
                )
                self._catalog.note_thaws(list(changed))
        except DestinationUnavailable as error:
            self._reachable.out[place_id] = error

    def _known(self, wanting: Iterable[Wanting]) -> dict[Key, list[ThawRecord]]:
        """What the catalog knows of their volumes. What is over is forgotten."""
        locators: dict[int, set[str]] = defaultdict(set)
        for one in wanting:
            for place_id, locator in one.keys:
                locators[place_id].add(locator)
        known: dict[Key, list[ThawRecord]] = defaultdict(list)
        over, moment = [], now()
        for place_id, wanted in locators.items():
            for record in self._catalog.thaws(place_id, locators=wanted):
                if record.thaw.state == "ready" and record.thaw.until is not None and record.thaw.until <= moment:
                    over.append(record)
                elif record.thaw.locator is not None:
                    known[place_id, record.thaw.locator].append(record)
        if over:
            self._catalog.forget_thaws(over)
        return known

    def _ask_for(
        self,
        wanting: Sequence[Wanting],
        known: dict[Key, list[ThawRecord]],
        before: Mapping[Key, GlacierBackupError] = _NONE,
    ) -> dict[Key, GlacierBackupError]:
        """Ask for what is missing, but for what went wrong ``before``. What came of it is noted, and added to
        ``known``; what went wrong is returned."""
        errors = dict(before)
        asks = list(self._missing(wanting, known, errors))
        if not asks:
            return errors
        noted, failed = [], []
        try:
            for ask, answer in self._asking.answers(asks):
                if isinstance(answer, GlacierBackupError):
                    errors[ask.key] = answer
                    continue
                earlier = known[ask.key]
                record = ThawRecord(ask.place_id, answer, self._wish.tier, now(), ask.volume.storage_class)
                failed += [one for one in earlier if one.thaw.state == "failed"]
                known[ask.key] = [one for one in earlier if not _replaced(one.thaw, answer)] + [record]
                if not is_for_good(answer):
                    noted.append(record)
                    self._say(ask, answer, earlier)
        finally:
            # Whatever ends it: what was asked for is paid.
            self._catalog.forget_thaws(failed)
            self._catalog.note_thaws(noted)
        return errors

    def _say(self, ask: Ask, thaw: Thaw, before: Iterable[ThawRecord]) -> None:
        if any(one.thaw.id == thaw.id for one in before if one.thaw.state != "failed"):
            return  # Only to stay readable for longer.
        self.asked += 1
        failed = [one for one in before if one.thaw.state == "failed"]
        self._again.update((ask.place_id, thaw.locator or "", one.thaw.start) for one in failed)
        self._tell(ThawRequested(ask.path, str(self._reachable.place(ask.place_id)), thaw, self._wish.tier))

    def _missing(
        self,
        wanting: Sequence[Wanting],
        known: Mapping[Key, list[ThawRecord]],
        errors: dict[Key, GlacierBackupError],
    ) -> Iterator[Ask]:
        """Each range once, whatever number of items it is for."""
        ranges: dict[Key, list[ByteRange]] = defaultdict(list)
        volumes: dict[Key, tuple[StoredVolume, str]] = {}
        for one in wanting:
            for key, need in zip(one.keys, one.needs, strict=True):
                covered = [made_readable(thaw) for thaw in self._serving(known.get(key, ()), need, key, errors)]
                if missing := without(need.ranges, covered):
                    ranges[key] += missing
                    volumes[key] = need.volume, about(one.record, one.archive, self._catalog)
        for key, wanted in ranges.items():
            volume, path = volumes[key]
            if key not in errors:
                yield from (Ask(key[0], volume, one, path) for one in merged(wanted))

    def _serving(
        self, records: Iterable[ThawRecord], need: Need, key: Key, errors: dict[Key, GlacierBackupError]
    ) -> Iterator[Thaw]:
        """Those that do: they are ready and stay so long enough, or under way and quick enough."""
        for record in records:
            thaw = record.thaw
            if thaw.state == "failed":
                if record.requested_at >= self._begun and self._again[key[0], key[1], thaw.start]:
                    errors[key] = DestinationError(f"{thaw.locator} can't be made readable: {thaw.cause}", hint=_LATER)
            elif thaw.state == "ready":
                if self._lasts(thaw, need) or record.requested_at >= self._begun:
                    yield thaw
            elif TIERS.index(record.tier) >= TIERS.index(self._wish.tier):
                yield thaw

    def _lasts(self, thaw: Thaw, need: Need) -> bool:
        if thaw.until is None:
            return True
        self._ahead += need.volume.size or 0
        return thaw.until > now() + timedelta(seconds=self._ahead / PACE) + MARGIN

    def _standing(
        self, one: Wanting, known: Mapping[Key, list[ThawRecord]], errors: Mapping[Key, GlacierBackupError]
    ) -> Standing:
        records = [record for key in one.keys for record in known.get(key, ())]
        error = next((errors[key] for key in one.keys if key in errors), None)
        ready = tuple(record.thaw for record in records if record.thaw.state == "ready")
        if one.covered_by(ready):
            # Also where it could not be asked for to stay longer.
            return Standing(one.record, one.archive, "ready", ready)
        if isinstance(error, DestinationUnavailable | UsageError):
            return Standing(one.record, one.archive, "planned", error=error)
        if error is not None:
            return Standing(one.record, one.archive, "damaged" if is_damage(error) else "failed", error=error)
        failed = next((record.thaw for record in records if record.thaw.state == "failed"), None)
        if failed is not None and not one.covered_by([r.thaw for r in records if r.thaw.state != "failed"]):
            said = DestinationError(f"{failed.locator} can't be made readable: {failed.cause}", hint=_LATER)
            return Standing(one.record, one.archive, "failed", error=said)
        self._expect(records)
        return Standing(one.record, one.archive, "thawing")

    def _expect(self, records: Iterable[ThawRecord]) -> None:
        for record in records:
            hours = shelf_of(self._reachable.place(record.place_id), record.storage_class).offers.get(record.tier)
            if hours is not None and record.thaw.state == "thawing":
                moment = record.requested_at + timedelta(hours=hours.most)
                self.expected = max(moment, self.expected or moment)


_LATER = "the next run asks for it again"


def is_for_good(thaw: Thaw) -> bool:
    """Whether nothing had to be asked for: it is readable, and stays so. Of that nothing is kept."""
    return thaw.state == "ready" and thaw.until is None


def _replaced(one: Thaw, by: Thaw) -> bool:
    return one.state == "failed" or (one.start, one.end) == (by.start, by.end)


def _at_the_same(noted: Thaw, stands: Thaw) -> Thaw:
    """How a thaw stands now, about the bytes under which it was noted: those are what it is found by."""
    return replace(stands, locator=noted.locator, start=noted.start, end=noted.end)
