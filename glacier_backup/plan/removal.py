"""What removing one archive frees, and what it costs when its least term isn't over."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import NamedTuple

from glacier_backup.model.place import Place
from glacier_backup.model.prices import Prices
from glacier_backup.model.retention import NO_CHARGE, Charge, Removal, Retained
from glacier_backup.model.stored import StoredArchive, StoredVolume
from glacier_backup.plan.cost import early_deletion, remaining_days
from glacier_backup.plan.thawing import shelf_of


class Present(NamedTuple):
    """What a charge depends on, besides the archive."""

    prices: Prices
    now: datetime


def removal(archive: StoredArchive, place: Place, why: str, present: Present, *, is_left: bool = True) -> Removal:
    """The removal of ``archive``, which lies at ``place``; unless it ``is_left`` there, it only has to be forgotten."""
    return Removal(
        archive.id,
        archive.place_id,
        archive.path,
        archive.name,
        archive.time,
        tuple(one.locator for one in in_order_of_removal(archive)),
        _size(archive) if is_left else 0,
        why,
        charge(archive, place, present) if is_left else NO_CHARGE,
    )


def in_order_of_removal(archive: StoredArchive) -> tuple[StoredVolume, ...]:
    """All objects of ``archive``: the manifest first, so that what is left of an archive whose removal was broken off
    is never taken for a whole one."""
    return tuple(sorted(archive.objects, key=lambda one: one.role != "manifest"))


def _size(archive: StoredArchive) -> int | None:
    sizes = [one.size for one in archive.objects]
    return None if None in sizes else sum(size or 0 for size in sizes)


def retained(archive: StoredArchive, why: str) -> Retained:
    """``archive`` stays."""
    return Retained(archive.id, archive.place_id, archive.path, archive.name, archive.time, archive.size, why)


def charge(archive: StoredArchive, place: Place, present: Present) -> Charge:
    """What all objects of ``archive`` cost that are deleted before their least term is over."""
    amount: float | None = 0.0
    until: datetime | None = None
    for volume in archive.objects:
        due, over = _of_volume(volume, place, present)
        amount = None if amount is None or due is None else amount + due
        until = over if until is None else max(until, over or until)
    return Charge(amount, until)


def _of_volume(volume: StoredVolume, place: Place, present: Present) -> Charge:
    shelf = shelf_of(place, volume.storage_class)
    days = remaining_days(present.prices, shelf, volume.stored_at, present.now)
    if not days:
        return NO_CHARGE
    over = present.now + timedelta(days=days)
    if volume.size is None:
        return Charge(None, over)
    return Charge(early_deletion(present.prices, shelf, volume.size, volume.stored_at, present.now), over)
