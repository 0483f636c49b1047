"""The rung ``--inventory``: what one place lists, against what the catalog knows to be there.

Nothing is thawed. The catalog is read before the list, so that what is sent meanwhile is never missing; what the list
has more is looked for in the catalog once again.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import chain
from typing import NamedTuple

from glacier_backup.catalog.catalog import Catalog
from glacier_backup.destination.destination import Check
from glacier_backup.errors import DestinationError, DestinationUnavailable, VolumeMissing
from glacier_backup.model.finding import Finding, Looked, LookListener, PlaceReport
from glacier_backup.model.stored import ArchiveFilter, StoredArchive
from glacier_backup.model.thaw import Stored, Thaw
from glacier_backup.plan.verify import Known, about, compare, known_volumes, may_be_missing, missing, newest
from glacier_backup.units import now
from glacier_backup.workflow.restoring.damage import with_cure
from glacier_backup.workflow.verifying.both_sides import BothSides, Pair
from glacier_backup.workflow.verifying.doubts import Doubts
from glacier_backup.workflow.verifying.inventory import answers, ask_for_inventory, note_inventory
from glacier_backup.workflow.verifying.site import Site
from glacier_backup.workflow.verifying.strangers import Strangers

STEP = 1_000
"""Objects between two signs of life, and volumes that are noted as verified together."""

Note = Callable[[Finding], None]


@dataclass(frozen=True, slots=True)
class Look:
    """What all places of one verification share."""

    catalog: Catalog
    note: Note
    """Told what is found."""
    tell: LookListener
    check: Check
    """Asked now and then; raises where going on makes no sense."""
    wanted: Sequence[ArchiveFilter] = ()
    """Only this is looked for; everything where it is empty, and then what the catalog doesn't know is told too."""


def verify_inventory(site: Site, look: Look) -> PlaceReport:
    """Compare what the catalog knows to be at one place with what the place lists.

    What is proven by a checksum that the destination keeps is noted in the catalog as verified, and what is missing or
    wrong as damaged; archives of which
    nobody knew whether they are stored are settled. Raises DestinationUnavailable, DestinationError, CatalogError and
    what the check raises.
    """
    thaw = ask_for_inventory(site.destination, look.check)
    note_inventory(look.catalog, site.id, thaw)
    if thaw.state == "thawing":
        return PlaceReport(str(site.place), waiting=True)
    if thaw.state == "failed":
        raise DestinationError(f"{site.place}: the inventory could not be made: {thaw.cause}", hint="run again later")
    return _Comparison(site, look).over(thaw)


class _Answer(NamedTuple):
    """What became of asking about one pair."""

    pair: Pair
    stored: Stored | None
    """None: it isn't there."""
    error: DestinationError | None = None


class _Comparison:
    """Of one place."""

    def __init__(self, site: Site, look: Look) -> None:
        self._site = site
        self._look = look
        self._catalog = look.catalog
        self._note = look.note
        self._check = look.check
        self._lag = site.destination.inventory_lag
        self._at = now()
        self._counts: Counter[str] = Counter()
        """By the names of a report's fields."""
        self._proven: list[tuple[int, int]] = []
        self._there: list[tuple[int, int]] = []
        """Volumes that were damaged, as far as was known, and look right now."""
        self._damaged: list[tuple[int, int, str]] = []

    def over(self, thaw: Thaw) -> PlaceReport:
        sides = BothSides()
        for archive in self._wanted():
            sides.add_known(known_volumes(archive))
        self._list(sides, thaw)
        doubts = Doubts(self._site, self._catalog)
        strangers = Strangers(self._site, self._catalog, doubts, self._site.around)
        try:
            for number, answer in enumerate(answers(sides, self._asked), 1):
                self._judge(answer)
                if not answer.pair.known and not self._look.wanted:
                    self._counts.update(strangers.judge(answer.pair.listed[0], self._note))
                elif not answer.pair.known:
                    doubts.look_at(answer.pair.listed[0])
                if number % STEP == 0:
                    self._look.tell(Looked(str(self._site.place), number, "examined"))
                    self._check()
                    self._flush()
        finally:
            self._flush()
        for finding in doubts.findings(self._at):
            self._note(finding)
        return PlaceReport(str(self._site.place), **self._counts)  # type: ignore[arg-type]  # counts alone

    def _wanted(self) -> Iterator[StoredArchive]:
        """In order of paths, and of one path oldest first; says what is there twice."""
        filters = [replace(one, place_id=self._site.id) for one in self._look.wanted or (ArchiveFilter(),)]
        last: StoredArchive | None = None
        for archive in chain.from_iterable(map(self._catalog.stored_archives, filters)):
            self._check()
            if last is not None and last.id != archive.id and _is_twin(last, archive):
                self._note(_twice(last, archive, self._site))
            last = archive
            yield archive

    def _list(self, sides: BothSides, thaw: Thaw) -> None:
        for number, stored in enumerate(self._site.destination.inventory(thaw, self._check), 1):
            sides.add_listed(stored)
            if number % STEP == 0:
                self._check()
                self._look.tell(Looked(str(self._site.place), number))

    def _asked(self, pair: Pair) -> _Answer:
        """In a thread of its own: all that can be known without reading it."""
        if not pair.known:
            return _Answer(pair, pair.listed[0])
        known = newest(pair.known)
        if not pair.listed and self._lag:
            return _Answer(pair, None)  # only the list tells what is there
        listed = pair.listed[0] if pair.listed else Stored(known.locator, known.size or 0, known.stored_at)
        try:
            return _Answer(pair, self._site.destination.examine(listed, self._check))
        except VolumeMissing:
            return _Answer(pair, None)
        except DestinationUnavailable:
            raise
        except DestinationError as error:
            return _Answer(pair, None, error)

    def _judge(self, answer: _Answer) -> None:
        if not answer.pair.known:
            return
        known = newest(answer.pair.known)
        self._counts["volumes"] += 1
        self._counts["bytes"] += known.size or 0
        self._counts["replaced"] += len({one.archive for one in answer.pair.known}) - 1
        if answer.error is not None:
            what = f"it could not be looked at: {answer.error}"
            self._note(about(known, self._site.place, "unsure", what, answer.error.hint))
        elif answer.stored is None:
            self._judge_missing(known)
        else:
            self._judge_found(known, answer.stored)

    def _judge_missing(self, known: Known) -> None:
        if may_be_missing(known, self._lag, self._at):
            self._counts["recent"] += 1
        elif any(self._catalog.stored_archives(ArchiveFilter(ids=(known.archive,)))):
            # Else it was deleted while we looked.
            self._hurt(known, missing(known, self._site.place))

    def _judge_found(self, known: Known, stored: Stored) -> None:
        compared = compare(known, stored, self._site.place)
        for finding in compared.findings:
            if finding.is_damage:
                self._hurt(known, finding)
            else:
                self._note(finding)
        is_right = not any(finding.is_damage for finding in compared.findings)
        self._counts["right"] += is_right
        self._counts["proven"] += compared.proven
        if compared.proven:
            self._proven.append((known.archive, known.number))
        elif is_right and known.is_hurt:
            self._there.append((known.archive, known.number))

    def _hurt(self, known: Known, finding: Finding) -> None:
        """It stays known, for whatever deletes, restores or sends."""
        self._damaged.append((known.archive, known.number, finding.what))
        self._note(with_cure(finding, self._catalog, self._site.id))

    def _flush(self) -> None:
        if self._proven or self._there:
            self._catalog.note_listed(self._proven, self._there, self._at, self._at - self._lag)
            self._proven.clear()
            self._there.clear()
        if self._damaged:
            self._catalog.note_damaged(self._damaged, self._at, listed=True)
            self._damaged.clear()


def _is_twin(one: StoredArchive, other: StoredArchive) -> bool:
    """Whether both are the same archive, sent twice."""
    return one.origin is None and (one.path, one.host, one.time) == (other.path, other.host, other.time)


def _twice(first: StoredArchive, second: StoredArchive, site: Site) -> Finding:
    locator = second.volumes[0].locator
    return Finding(
        "duplicate",
        f"it is stored twice, as {first.volumes[0].locator} and as {locator}",
        str(site.place),
        second.path,
        locator,
        second.id,
        second.time,
        f"one is enough: glacier-backup delete {locator}",
    )
