"""Chains of increments among the archives of one path: which build on which, and what still can be built on."""

from __future__ import annotations

from collections.abc import Container, Iterable, Iterator, Sequence
from datetime import datetime
from typing import NamedTuple, Protocol

from glacier_backup.model.full_every import FullEvery
from glacier_backup.model.increment import Link
from glacier_backup.model.recipe import PLAIN, Step
from glacier_backup.model.stored import ArchiveFilter, StoredArchive
from glacier_backup.plan.mending import is_lost
from glacier_backup.units import local_time


class Stored(Protocol):
    """What following a chain asks of the catalog."""

    def stored_archives(self, wanted: ArchiveFilter) -> Iterator[StoredArchive]: ...


def is_increment(archive: StoredArchive) -> bool:
    """Whether it holds only a part of what its directory was."""
    return archive.link is not None and archive.link.number > 0 and archive.file is None


def chain_among(archive: StoredArchive, others: Iterable[StoredArchive]) -> tuple[StoredArchive, ...] | None:
    """All that it takes to have what the path was then, the full archive first and ``archive`` last; itself alone where
    it is no increment. None where one of them is missing.

    ``others`` are the archives of the path at that place, in any order.
    """
    found = [archive]
    by_time: dict[datetime, list[StoredArchive]] = {}
    for one in others if is_increment(archive) else ():
        by_time.setdefault(one.time, []).append(one)
    while is_increment(found[-1]):
        base = _base(found[-1], by_time)
        if base is None:
            return None
        found.append(base)
    return tuple(reversed(found))


def _base(archive: StoredArchive, by_time: dict[datetime, list[StoredArchive]]) -> StoredArchive | None:
    link = archive.link
    if link is None:
        return None
    if link.previous is None:
        earlier = sorted((time for time in by_time if time < archive.time), reverse=True)
        there = next((some for time in earlier if (some := _bases(by_time[time], archive, link))), [])
    else:
        there = _bases(by_time.get(link.previous, ()), archive, link)
    return min(there, key=is_lost, default=None)


def _bases(archives: Iterable[StoredArchive], archive: StoredArchive, link: Link) -> list[StoredArchive]:
    return [one for one in archives if _is_base(one, archive, link)]


def _is_base(one: StoredArchive, archive: StoredArchive, link: Link) -> bool:
    """Its number is lower, so that no chain goes round in a circle, whatever a recipe says."""
    same = (one.path, one.place_id, one.host) == (archive.path, archive.place_id, archive.host)
    number = 0 if one.link is None else one.link.number
    if not same or number != link.number - 1 or (one.kind, one.container) not in CHAINS:
        return False
    full = one.time if one.link is None or number == 0 else one.link.full
    return link.full is None or full is None or full == link.full


CHAINS = frozenset({("directory", "tar"), ("dataset", "zfs")})
"""Kinds and containers of what may build on each other."""

BROKEN = "something that the last increment builds on is gone"


def hurt_link(chain: Sequence[StoredArchive]) -> str:
    """Which archive of a chain is known to be missing or wrong, and in what way; empty where none is."""
    hurt = next((one for one in chain if one.hurt is not None), None)
    if hurt is None or hurt.hurt is None:
        return ""
    which = "the full one" if hurt is chain[0] else f"increment {hurt.link.number if hurt.link else ''}"
    return f"{which} of {local_time(hurt.time)} is damaged: {hurt.hurt.damage}"


class Chains:
    """Finds chains in a catalog; asks it once for the archives of a path that come one after the other."""

    def __init__(self, known: Stored) -> None:
        self._known = known
        self._of: tuple[str, int] = ("", 0)
        self._archives: list[StoredArchive] = []

    def of(self, archive: StoredArchive) -> tuple[StoredArchive, ...] | None:
        """As :func:`chain_among`."""
        if not is_increment(archive):
            return (archive,)
        key = (archive.path, archive.place_id)
        if self._of != key:
            wanted = ArchiveFilter(path=archive.path, place_id=archive.place_id)
            self._of, self._archives = key, list(self._known.stored_archives(wanted))
        return chain_among(archive, self._archives)

    def is_sound(self, archive: StoredArchive) -> bool:
        """Whether nothing is missing, or known to be damaged beyond repair, of all that it builds on."""
        if not is_increment(archive):
            return True
        links = self.of(archive)
        return links is not None and not any(is_lost(one) for one in links[:-1])


def needed_by(kept: Iterable[StoredArchive], archives: Sequence[StoredArchive]) -> Iterator[StoredArchive]:
    """What those that are ``kept`` build on, among all ``archives`` of their path at one place; some may come often.
    Of a chain that has a gap it is what is left of it."""
    by_time: dict[datetime, list[StoredArchive]] = {}
    for one in archives:
        by_time.setdefault(one.time, []).append(one)
    for archive in kept:
        at: StoredArchive | None = archive
        while at is not None and is_increment(at):
            at = _base(at, by_time)
            if at is not None:
                yield at


def building_on(gone: Container[int], archives: Sequence[StoredArchive]) -> Iterator[StoredArchive]:
    """Those of the ``archives`` of one path, at whatever places, that aren't ``gone`` (ids), and build on what is."""
    for one in archives:
        if one.id not in gone and any(base.id in gone for base in needed_by((one,), archives)):
            yield one


class Wanted(NamedTuple):
    """What the next archive of a chain has to go with."""

    host: str
    rules: str
    """As :attr:`Link.rules`."""
    seal: tuple[Step, ...]
    full_every: FullEvery


def why_full(last: StoredArchive, chain: Sequence[StoredArchive] | None, wanted: Wanted, now: datetime) -> str:
    """Why the next archive can't, or shall not, be an increment that builds on ``last``, the newest there is, whose
    ``chain`` is given; empty where it can."""
    return _unfit(last, chain, wanted) or ("" if chain is None else long_enough(chain, wanted.full_every, now))


def _unfit(last: StoredArchive, chain: Sequence[StoredArchive] | None, wanted: Wanted) -> str:
    if last.link is None:
        return "what was sent before wasn't made to be built on"
    if chain is None:
        return BROKEN
    if hurt := hurt_link(chain):
        return hurt
    if not all(one.has_members for one in chain):
        return "what is in the archives before isn't known: the catalog was made anew"
    if last.host != wanted.host:
        return f"the last one was sent by {last.host}"
    if last.link.rules != wanted.rules:
        return "other things are left out now"
    return encrypted_otherwise(last, wanted)


def encrypted_otherwise(last: StoredArchive, wanted: Wanted) -> str:
    """That what follows ``last`` would be encrypted otherwise; empty where it wouldn't."""
    same = _encryption(last.recipe.seal if last.recipe is not None else ()) == _encryption(wanted.seal)
    return "" if same else "it is encrypted otherwise now"


def _encryption(steps: Iterable[Step]) -> list[tuple[str, object, object]]:
    """Of a seal what encrypts, and for whom; what makes it smaller, or cuts it, goes with what is in it."""
    encrypting = (one for one in steps if one.name not in PLAIN)
    return [(one.name, one.parameters.get("cipher"), one.parameters.get("recipients")) for one in encrypting]


def long_enough(chain: Sequence[StoredArchive], every: FullEvery, now: datetime) -> str:
    """Why a chain has become long enough; empty where it hasn't."""
    full, increments = chain[0], chain[1:]
    if every.period is not None and full.time <= every.period.before(now):
        return f"the last full one is of {local_time(full.time)}, more than {every.period} ago"
    if every.increments is not None and len(increments) >= every.increments:
        return f"{len(increments)} increments have followed the last full one"
    sizes = [one.size or 0 for one in increments]
    if every.percent is not None and increments and sum(sizes) * 100 >= every.percent * (full.size or 0):
        return f"the increments have come to {every.percent} % of the full one"
    return ""
