"""What is known to be missing or wrong where it is stored, and what says otherwise."""

from __future__ import annotations

import pytest

from glacier_backup.catalog.catalog import Catalog
from glacier_backup.model.stored import ArchiveFilter, StoredVolume
from tests.catalog.values import NOT_UTF8, an_archive, filled, minutes

GONE = [(1, 1, "it is not there any more")]


@pytest.fixture
def place(catalog: Catalog) -> int:
    return filled(catalog, an_archive())


def volume(catalog: Catalog) -> StoredVolume:
    ((found,),) = (one.volumes for one in catalog.stored_archives(ArchiveFilter()))
    return found


def is_hurt(catalog: Catalog) -> bool:
    return volume(catalog).damaged_at is not None


def test_damage_is_kept_with_the_volume(catalog: Catalog, place: int) -> None:
    assert (volume(catalog).damaged_at, volume(catalog).damage) == (None, None)

    catalog.note_damaged([(1, 1, f"no {NOT_UTF8}"), (99, 1, "gone meanwhile")], minutes(5))

    assert (volume(catalog).damaged_at, volume(catalog).damage) == (minutes(5), f"no {NOT_UTF8}")
    (archive,) = catalog.stored_archives(ArchiveFilter())
    assert archive.hurt == volume(catalog)
    assert catalog.last_sent(place, ["/srv/photos"])["/srv/photos"].damage == f"no {NOT_UTF8}"
    assert [one.damage for one in catalog.archives()] == [f"no {NOT_UTF8}"]


@pytest.mark.parametrize("listed", [False, True])
def test_what_is_read_and_right_later_is_damaged_no_more(catalog: Catalog, place: int, listed: bool) -> None:
    catalog.note_damaged(GONE, minutes(5), listed=listed)

    catalog.note_verified(1, 1, minutes(4))
    assert is_hurt(catalog)
    catalog.note_verified(1, 1, minutes(6))
    assert not is_hurt(catalog)
    assert catalog.last_sent(place, ["/srv/photos"])["/srv/photos"].damage is None


@pytest.mark.parametrize(("proven", "there"), [([(1, 1)], []), ([], [(1, 1)])])
def test_what_is_listed_again_is_missing_no_more(
    catalog: Catalog, place: int, proven: list[tuple[int, int]], there: list[tuple[int, int]]
) -> None:
    catalog.note_damaged(GONE, minutes(5), listed=True)

    catalog.note_listed(proven, there, minutes(6), minutes(4))
    assert is_hurt(catalog)
    catalog.note_listed(proven, there, minutes(9), minutes(7))
    assert not is_hurt(catalog)
    assert volume(catalog).verified_at == (minutes(9) if proven else None)


def test_no_list_takes_anything_from_what_reading_has_found(catalog: Catalog, place: int) -> None:
    catalog.note_damaged([(1, 1, "wrong bytes")], minutes(5))

    catalog.note_listed([(1, 1)], [], minutes(9), minutes(9))
    catalog.note_damaged(GONE, minutes(10), listed=True)
    assert (volume(catalog).damaged_at, volume(catalog).damage) == (minutes(5), "wrong bytes")
    catalog.note_damaged([(1, 1, "other bytes")], minutes(10))
    assert volume(catalog).damage == "other bytes"
