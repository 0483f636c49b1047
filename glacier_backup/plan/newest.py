"""Which of the archives of one path is taken: of each the newest, and of equally new ones what is at hand.

What is known to be missing or damaged is taken only where there is nothing else, or where it has parity, which may mend
it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from datetime import datetime
from itertools import groupby
from typing import NamedTuple

from glacier_backup.model.place import Place
from glacier_backup.model.stored import StoredArchive
from glacier_backup.plan.mending import is_lost
from glacier_backup.plan.thawing import shelf_of
from glacier_backup.units import local_time

_AT_HAND = {"local": 0.0, "sftp": 1.0, "s3": 2.0, "glacier": 3.0}


class Taken(NamedTuple):
    """One that was chosen."""

    archive: StoredArchive
    remark: str
    """What a person should know of the choice, in plain words."""


class Newest:
    """Chooses among archives, wherever they are."""

    def __init__(
        self,
        places: Mapping[int, Place],
        is_sound: Callable[[StoredArchive], bool] = lambda archive: True,
        trouble_of: Callable[[StoredArchive], str] = lambda archive: "",
    ) -> None:
        """``is_sound``: whether nothing is wrong with what an archive builds on; ``trouble_of`` says more of one of
        which that isn't so, in plain words, where there is more to say."""
        self._places = places
        self._is_sound = is_sound
        self._trouble_of = trouble_of
        self.replaced = 0
        """Paths of which there is nothing any more that is old enough: what took its place has its key."""
        self.passed_over = 0
        """Paths of which something else is taken, for the newest is known to be missing or damaged."""

    def of_each(self, archives: Iterable[StoredArchive], until: datetime | None = None) -> Iterator[Taken]:
        """One of each path and host, in the order of the paths, in which ``archives`` come: all there are, also those
        later than ``until``.

        An archive of which nobody knows the host is taken for one of the host of the newest.
        """
        for _, versions in groupby(archives, key=lambda archive: archive.path):
            yield from self._of_each_host(self._there(list(versions), until))

    def _there(self, versions: list[StoredArchive], until: datetime | None) -> list[StoredArchive]:
        """Those of ``until`` or before that are still there (``keep_versions = no`` uses a key again)."""
        if len(versions) == 1:  # as of most of millions of files
            return versions if until is None or versions[0].time <= until else []
        latest = {(one.place_id, volume.locator): one.id for one in versions for volume in one.volumes}
        early = [one for one in versions if until is None or one.time <= until]
        there = [one for one in early if all(latest[one.place_id, volume.locator] == one.id for volume in one.volumes)]
        self.replaced += bool(early) and not there
        return there

    def of(self, versions: Iterable[StoredArchive]) -> StoredArchive:
        """The one of ``versions``, of which there is one at least: the newest, or what is equal to it (the fingerprint
        says so), is whole, and is readable sooner; a damaged one only where all are."""
        return self.by_age(versions)[0]

    def by_age(self, versions: Iterable[StoredArchive]) -> list[StoredArchive]:
        """The newest first, and of equal ones the one at hand; the damaged ones last."""
        known = list(versions)
        newest: dict[_Look, tuple[datetime, int]] = {}
        for one in known:
            if one.digest is not None:
                newest[_look(one)] = max(newest.get(_look(one), _age(one)), _age(one))
        return sorted(
            known,
            key=lambda one: (self._can_be_had(one), newest.get(_look(one), _age(one)), self._fitness(one)),
            reverse=True,
        )

    def _can_be_had(self, archive: StoredArchive) -> bool:
        return not is_lost(archive) and self._is_sound(archive)

    def take(self, one: StoredArchive, among: Iterable[StoredArchive]) -> Taken:
        """Count it, and say what is to be said where it is taken though it is hurt, or because a younger one is."""
        if one.hurt is not None:
            cure = "" if is_lost(one) else "; it has parity, by which restoring tries to mend it"
            return Taken(one, f"known to be damaged: {one.hurt.damage}{cure}")
        if not self._is_sound(one):
            return Taken(one, self._unsound("what it builds on is known to be missing or damaged", one))
        among = list(among)
        younger = [other for other in among if other.hurt is None and _age(other) > _age(one)]
        unsound = [other for other in younger if not self._is_sound(other)] if len(among) > 1 else []
        if unsound:
            self.passed_over += 1
            newest = max(unsound, key=_age)
            return Taken(one, self._unsound("what younger ones build on is missing or damaged", newest))
        hurt = (other for other in among if other.hurt is not None and _age(other) > _age(one))
        worse = max(hurt, key=_age, default=None)
        if worse is None or worse.hurt is None:
            return Taken(one, "")
        self.passed_over += 1
        which = "the same" if one.digest is not None and _look(one) == _look(worse) else "older"
        return Taken(one, f"the one of {local_time(worse.time)} is damaged: {worse.hurt.damage}; this one is {which}")

    def _unsound(self, words: str, archive: StoredArchive) -> str:
        return ": ".join(filter(None, (words, self._trouble_of(archive))))

    def _of_each_host(self, versions: list[StoredArchive]) -> Iterator[Taken]:
        if len(versions) <= 1:
            yield from (self.take(one, versions) for one in versions)
            return
        own = max((one for one in versions if one.host is not None), key=_age, default=None)
        host = own.host if own is not None else None
        by_host: dict[str | None, list[StoredArchive]] = {}
        for one in versions:
            by_host.setdefault(one.host if one.host is not None else host, []).append(one)
        for _, of_host in sorted(by_host.items(), key=lambda item: item[0] or ""):
            yield self.take(self.of(of_host), of_host)

    def _fitness(self, archive: StoredArchive) -> tuple[bool, bool, float, tuple[datetime, int]]:
        return (is_whole(archive), archive.hurt is None, -self._delay(archive), _age(archive))

    def _delay(self, archive: StoredArchive) -> float:
        """Grows with the time until it is readable."""
        place = self._places.get(archive.place_id)
        if place is None:
            return float("inf")
        shelves = [shelf_of(place, volume.storage_class) for volume in archive.volumes]
        hours = max((hours.most for shelf in shelves for hours in shelf.offers.values()), default=0.0)
        return _AT_HAND[place.kind] + hours


def is_whole(archive: StoredArchive) -> bool:
    """Whether everything that was there could be read, and what is stored can be proved to be that."""
    checked = all(volume.tree_hash is not None for volume in archive.volumes)
    return archive.problems == 0 and not archive.changed_while_read and checked


_Look = tuple[str | None, str | None]


def _look(archive: StoredArchive) -> _Look:
    """What two have alike that are the same: of a file of a tree that was hashed (``compare = hash``) its content, too,
    for it may have changed and kept size and time."""
    return (archive.digest, archive.sha256)


def _age(archive: StoredArchive) -> tuple[datetime, int]:
    """Its order among those of one path: by time, for ids tell it only of what one catalog has seen."""
    return (archive.time, archive.id)
