"""What is brought back, whence and whither, and what it takes, before anything is asked for."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import partial
from itertools import starmap
from typing import NamedTuple

from glacier_backup.errors import UsageError
from glacier_backup.model.place import Place
from glacier_backup.model.restore import RestoreItem
from glacier_backup.plan import chained
from glacier_backup.plan.chain import Chains
from glacier_backup.plan.choice import Choice
from glacier_backup.plan.cost import Loads
from glacier_backup.plan.gathering import Gathering
from glacier_backup.plan.known import Known
from glacier_backup.plan.landing import Landing, Names, cut_of, is_safe
from glacier_backup.plan.newest import Newest
from glacier_backup.plan.sets import Sets
from glacier_backup.plan.streams import trouble_of
from glacier_backup.plan.sums import Sums
from glacier_backup.plan.terms import EVERYTHING, Archives, Term, choices
from glacier_backup.spool import Spool

NAMED = 5
"""Refused paths that are named."""


class Entry(NamedTuple):
    """One thing to bring back."""

    choice: Choice
    to: str
    """Where it goes, relative to the target."""


@dataclass(frozen=True, slots=True)
class RestorePlan:
    """All that is brought back. There may be millions of entries: they are read one after the other, as often as
    wanted, and the sums come with them."""

    entries: Collection[Entry]
    """In the order of the paths they had."""
    sets: Collection[RestoreItem]
    """Those of them that are files of groups, put together."""
    grouped: int
    """How many entries those are."""
    groups: int
    """Out of how many groups."""
    places: Mapping[int, Place]
    bytes: int
    """That they take in the target, as far as known."""
    loads: Loads
    """What is read for it."""
    unsized: int
    """Volumes of which nobody knows how large they are: they are in no sum."""
    refused: int
    """Things whose path no file can have, or that lead out of every directory, and datasets that can't be received;
    they aren't brought back."""
    notes: tuple[str, ...]
    """What a person should know, in plain words."""

    @property
    def items(self) -> Iterator[RestoreItem]:
        """What is done to bring them back: one item for each entry, but for files of groups, of which all of one group
        that keep their names are one."""
        for choice, to in self.entries:
            if choice.number is None:
                yield from chained.items(choice, to)
        yield from self.sets


def _always(choice: Choice) -> bool:
    return True


def plan_restore(
    known: Known,
    terms: Sequence[Term],
    at: datetime | None = None,
    wanted: Callable[[Choice], bool] = _always,
    *,
    with_deleted: bool = False,
) -> RestorePlan:
    """Of each path that ``terms`` mean (none: of every path) the newest archive as of ``at``, where ``wanted`` says so;
    what was deleted at its source by then only ``with_deleted``.

    Raises UsageError where nothing is left, as when all is younger than ``at``.
    """
    terms = terms or (EVERYTHING,)
    places = dict(known.places())
    cuts = [cut_of(term.cut) for term in terms]
    gathering, names, refused = Gathering(), Names(cuts), _Refused()
    troubles: dict[str, None] = {}
    newest, any_found = Newest(places, Chains(known).is_sound, partial(trouble_of, known)), False
    for number, term in enumerate(terms):
        for choice in choices(known, newest, term, at, with_deleted=with_deleted):
            any_found = True
            if not is_safe(choice.path):
                refused.add(choice)
            elif wanted(choice):
                if choice.stream is not None and choice.stream.trouble and len(troubles) < NAMED:
                    troubles[choice.stream.trouble] = None
                gathering.add(number, choice)
                names.add(number, choice)
    entries = Spool(starmap(Entry, _landing(gathering, cuts, names).names(gathering)))
    if any_found and not entries and not refused.count:
        raise UsageError("nothing of what is stored is still where it was", hint="leave --at now away")
    if refused.count and not entries:
        raise UsageError("; ".join(refused.notes()))
    notes = dict.fromkeys([*_notes(terms), *_replaced(newest), *troubles, *refused.notes()])
    return summed(known, entries, places, refused.count, tuple(notes))


def _notes(terms: Sequence[Term]) -> Iterator[str]:
    return (term.note for term in terms if isinstance(term, Archives) and term.note)


def _replaced(newest: Newest) -> Iterator[str]:
    if newest.replaced:
        yield f"{newest.replaced} were replaced since, so that what they were then is gone (keep_versions = no)"
    if newest.passed_over:
        yield f"of {newest.passed_over} the newest archive is known to be damaged, and another comes back: see --plan"


def _landing(gathered: Gathering, cuts: Sequence[str | None], names: Names) -> Landing:
    several = len(names.hosts) > 1
    landing = Landing(cuts, short=names.can_be_short(), hosts=several)
    if not landing.see(gathered):
        landing = Landing(cuts, short=False, hosts=several)
        landing.see(gathered)
    landing.avoid(gathered)
    return landing


def summed(
    known: Known, entries: Collection[Entry], places: Mapping[int, Place], refused: int, notes: tuple[str, ...]
) -> RestorePlan:
    """The plan that has these entries."""
    size, grouped, sets, sums = 0, 0, Sets(known), Sums(places)
    for choice, to in entries:
        size += choice.bytes or 0
        if choice.number is not None:
            sets.add(choice, to)
            grouped += 1
        for one in (*choice.under, choice) if choice.number is None else ():
            if one.member is not None:
                sums.add_part(one, one.ranges)
            else:
                sums.add_whole(one)
    # Of groups there is nothing that is wanted as a whole.
    all_of_them = (one for choice, _ in entries for one in (*choice.under, choice))
    wholes = (one.archive for one in all_of_them if one.member is None) if sums.has_parts else ()
    for choice, item in sets.settle():
        sums.add_part(choice, item.ranges)
    loads = sums.loads(wholes)
    return RestorePlan(entries, sets, grouped, sets.groups, places, size, loads, sums.unsized, refused, notes)


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
