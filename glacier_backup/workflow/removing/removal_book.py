"""Writes down what is to be removed, one archive after the other, and what that adds up to."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime

from glacier_backup.destination.buckets.keys import At
from glacier_backup.model.place import Place
from glacier_backup.model.retention import Removal, RemovalPlan, RemovalShare, Retained
from glacier_backup.model.stored import StoredArchive
from glacier_backup.plan.removal import Present, removal, retained
from glacier_backup.spool import Spool
from glacier_backup.units import local_time


class RemovalBook:
    """One plan in the making. It stays small, however much is to be removed."""

    def __init__(
        self, places: Mapping[int, Place], present: Present, *, free_only: bool = False, with_retained: bool = False
    ) -> None:
        """With ``free_only`` what would be charged now stays until it isn't; ``with_retained`` writes down what stays,
        too."""
        self._places = places
        self._present = present
        self._free_only = free_only
        self._with_retained = with_retained
        self._removals: Spool[Removal] = Spool()
        self._retained: Spool[Retained] = Spool()
        self._shares: dict[int, RemovalShare] = {}
        self._charge = 0.0
        self._unpriced = 0
        self._until: datetime | None = None
        self._kept = self._unruled = self._elsewhere = self._deferred = self._mixed = self._history = 0
        self._mark = hashlib.sha256()

    def remove(self, archive: StoredArchive, why: str, *, is_left: bool = True) -> None:
        """``archive`` goes. Unless it ``is_left`` in its destination it only has to be forgotten."""
        place = self._places[archive.place_id]
        one = removal(archive, place, why, self._present, is_left=is_left)
        if self._free_only and one.charge.until is not None:
            self.keep(archive, f"deleting it costs nothing from {local_time(one.charge.until)} on", deferred=True)
            return
        self._removals.append(one)
        self._mark.update(f"{one.id}\n".encode())
        self._charge += one.charge.amount or 0.0
        self._unpriced += one.charge.amount is None
        if one.charge.until is not None:
            self._until = max(one.charge.until, self._until or one.charge.until)
        share = self._shares.get(one.place_id, RemovalShare(place))
        self._shares[one.place_id] = replace(
            share,
            count=share.count + 1,
            bytes=share.bytes + (one.bytes or 0),
            versions=share.versions + (is_left and _names_version(place, one)),
        )

    def keep(
        self,
        archive: StoredArchive,
        why: str,
        *,
        unruled: bool = False,
        elsewhere: bool = False,
        deferred: bool = False,
        history: int = 0,
    ) -> None:
        """``archive`` stays: what it is that keeps it is counted. Of a group ``history`` bytes stay with the others
        only."""
        self._kept += 1
        self._mixed += history > 0
        self._history += history
        self._deferred += deferred
        self._unruled += unruled
        self._elsewhere += elsewhere
        if self._with_retained:
            self._retained.append(retained(archive, why))

    def plan(self) -> RemovalPlan:
        """All that was written down."""
        return RemovalPlan(
            self._removals,
            self._places,
            self._shares,
            self._charge,
            self._unpriced,
            self._until,
            kept=self._kept,
            unruled=self._unruled,
            elsewhere=self._elsewhere,
            deferred=self._deferred,
            mixed=self._mixed,
            history=self._history,
            retained=self._retained,
            mark=self._mark.hexdigest(),
        )


def _names_version(place: Place, one: Removal) -> bool:
    return place.kind == "s3" and any(At.parsed(locator).version is not None for locator in one.locators)
