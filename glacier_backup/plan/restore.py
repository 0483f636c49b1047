"""What is brought back, whence and whither, and what it takes, before anything is asked for."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from itertools import islice

from glacier_backup.errors import UsageError
from glacier_backup.model.place import Place
from glacier_backup.model.restore import WHOLE, ByteRange, RestoreItem
from glacier_backup.model.stored import ArchiveFilter
from glacier_backup.plan.across import all_across
from glacier_backup.plan.choice import Choice, whole
from glacier_backup.plan.cost import Loads, load_of
from glacier_backup.plan.gathering import Gathering
from glacier_backup.plan.known import Known
from glacier_backup.plan.landing import Landing, Names, cut_of, is_safe
from glacier_backup.plan.newest import Newest
from glacier_backup.plan.ranges import to_ask_for
from glacier_backup.plan.terms import EVERYTHING, Archives, Term, choices
from glacier_backup.plan.thawing import shelf_of
from glacier_backup.spool import Spool

TOGETHER = 500
"""Items that are looked up at a time."""

NAMED = 5
"""Refused paths that are named."""


@dataclass(frozen=True, slots=True)
class Entry:
    """One thing to bring back, and where it goes."""

    choice: Choice
    item: RestoreItem


@dataclass(frozen=True, slots=True)
class RestorePlan:
    """All that is brought back. There may be millions of entries: they are read one after the other, as often as
    wanted, and the sums come with them."""

    entries: Collection[Entry]
    """In the order of the paths they had."""
    places: Mapping[int, Place]
    bytes: int
    """That they take in the target, as far as known."""
    loads: Loads
    """What is read for it."""
    unsized: int
    """Volumes of which nobody knows how large they are: they are in no sum."""
    refused: int
    """Things whose path no file can have, or that lead out of every directory; they aren't brought back."""
    notes: tuple[str, ...]
    """What a person should know, in plain words."""

    @property
    def items(self) -> Iterator[RestoreItem]:
        return (entry.item for entry in self.entries)


def _always(choice: Choice) -> bool:
    return True


def plan_restore(
    known: Known,
    terms: Sequence[Term],
    at: datetime | None = None,
    wanted: Callable[[Choice], bool] = _always,
) -> RestorePlan:
    """Of each path that ``terms`` mean (none: of every path) the newest archive as of ``at``, where ``wanted`` says so.

    Raises UsageError where nothing is left, as when all is younger than ``at``.
    """
    terms = terms or (EVERYTHING,)
    places = dict(known.places())
    cuts = [cut_of(term.cut) for term in terms]
    gathering, names, refused = Gathering(), Names(cuts), _Refused()
    newest, any_found = Newest(places), False
    for number, term in enumerate(terms):
        for choice in choices(known, newest, term, at):
            any_found = True
            if not is_safe(choice.path):
                refused.add(choice)
            elif wanted(choice):
                gathering.add(number, choice)
                names.add(number, choice)
    entries = Spool(_entries(gathering, cuts, names))
    if any_found and not entries and not refused.count:
        raise UsageError("nothing of what is stored is still where it was", hint="leave --at now away")
    if refused.count and not entries:
        raise UsageError("; ".join(refused.notes()))
    return _summed(entries, places, refused, dict.fromkeys([*_notes(terms), *_replaced(newest)]))


def loads_of(known: Known, items: Iterable[RestoreItem]) -> Loads:
    """What is read for items that an earlier run has written down; of archives that are forgotten nothing is."""
    choices, sums = Spool(_chosen(known, items)), _Sums(dict(known.places()))
    for one in choices:
        sums.add(one)
    sums.add_parts(choices)
    return sums.loads


def _chosen(known: Known, items: Iterable[RestoreItem]) -> Iterator[Choice]:
    rest = iter(items)
    while page := list(islice(rest, TOGETHER)):
        ids = tuple({item.archive for item in page})
        archives = {one.id: one for one in known.stored_archives(ArchiveFilter(ids=ids))}
        for item in page:
            if (archive := archives.get(item.archive)) is not None:
                yield replace(whole(archive), member=item.member, ranges=item.ranges)


def _notes(terms: Sequence[Term]) -> Iterator[str]:
    return (term.note for term in terms if isinstance(term, Archives) and term.note)


def _replaced(newest: Newest) -> Iterator[str]:
    if newest.replaced:
        yield f"{newest.replaced} were replaced since, so that what they were then is gone (keep_versions = no)"
    if newest.passed_over:
        yield f"of {newest.passed_over} the newest archive is known to be damaged, and another comes back: see --plan"


def _entries(gathering: Gathering, cuts: Sequence[str | None], names: Names) -> Iterator[Entry]:
    landing = _landing(gathering, cuts, names)
    for choice, to in landing.names(gathering):
        yield Entry(choice, RestoreItem(choice.archive, to, choice.member, choice.ranges))


def _landing(gathered: Gathering, cuts: Sequence[str | None], names: Names) -> Landing:
    several = len(names.hosts) > 1
    landing = Landing(cuts, short=names.can_be_short(), hosts=several)
    if not landing.see(gathered):
        landing = Landing(cuts, short=False, hosts=several)
        landing.see(gathered)
    landing.avoid(gathered)
    return landing


def _summed(
    entries: Collection[Entry], places: Mapping[int, Place], refused: _Refused, notes: Mapping[str, None]
) -> RestorePlan:
    size, sums = 0, _Sums(places)
    for choice in (entry.choice for entry in entries):
        size += choice.bytes or 0
        sums.add(choice)
    sums.add_parts(entry.choice for entry in entries)
    return RestorePlan(entries, places, size, sums.loads, sums.unsized, refused.count, (*notes, *refused.notes()))


class _Sums:
    """What is read, each volume once, however many things out of it are wanted."""

    def __init__(self, places: Mapping[int, Place]) -> None:
        self.loads = Loads()
        self.unsized = 0
        self._places = places
        self._parts: dict[int, _Part] = {}

    def add(self, choice: Choice) -> None:
        if choice.member is None:
            self._read(choice, choice.ranges)
        else:
            self._parts.setdefault(choice.archive, _Part(choice)).add(choice.ranges)

    def add_parts(self, choices: Iterable[Choice]) -> None:
        """Those of archives that aren't wanted as a whole as well; ``choices`` are those of before."""
        if self._parts:
            for choice in choices:
                if choice.member is None:
                    self._parts.pop(choice.archive, None)
        for part in self._parts.values():
            self._read(part.choice, part.ranges())

    def _read(self, choice: Choice, ranges: tuple[ByteRange, ...]) -> None:
        taken = all_across(ranges, [size for _, size in choice.volumes], choice.layout)
        for (storage_class, size), own in _read_of(choice, taken):
            if size is None:
                self.unsized += 1
            else:
                shelf = shelf_of(self._places[choice.place_id], storage_class)
                self.loads.add(shelf, load_of(shelf, size, own))


def _read_of(
    choice: Choice, taken: Sequence[tuple[ByteRange, ...]]
) -> Iterator[tuple[tuple[str | None, int | None], tuple[ByteRange, ...]]]:
    """Each object that is read, and what of it: of volumes ``taken``, and of what mends them."""
    for place, own in enumerate(taken):
        if own:
            mending = choice.parity.get(place, ())
            yield choice.volumes[place], (WHOLE,) if mending else own
            yield from ((one, (WHOLE,)) for one in mending)


class _Part:
    """An archive out of which something is wanted, and not all."""

    def __init__(self, choice: Choice) -> None:
        self.choice = choice
        self._ranges: list[ByteRange] = []
        self._most = TOGETHER

    def add(self, ranges: tuple[ByteRange, ...]) -> None:
        self._ranges += ranges
        # Made few as often as they have doubled: there may be a million members, and each time takes all of them.
        if len(self._ranges) > self._most:
            self._ranges = [*self.ranges()]
            self._most = 2 * len(self._ranges) + TOGETHER

    def ranges(self) -> tuple[ByteRange, ...]:
        # Of several volumes, and of what has to be opened, the end of the stream is nowhere said.
        volumes = self.choice.volumes
        alone = len(volumes) == 1 and self.choice.layout.plain
        return to_ask_for(self._ranges, volumes[0][1] if alone else None)


class _Refused:
    """Things that can't be given their names."""

    def __init__(self) -> None:
        self.count = 0
        self._named: list[str] = []

    def add(self, choice: Choice) -> None:
        self.count += 1
        if len(self._named) < NAMED:
            self._named.append(choice.path)

    def notes(self) -> Iterator[str]:
        if self.count:
            more = " …" if self.count > len(self._named) else ""
            yield (
                f"{self.count} not brought back, for their paths lead nowhere, or out of the target: "
                f"{', '.join(self._named)}{more}; open them by hand"
            )
