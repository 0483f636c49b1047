from __future__ import annotations

import os

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from glacier_backup.catalog import paging
from glacier_backup.catalog.catalog import Catalog
from glacier_backup.model.place import Place
from glacier_backup.model.thaw import Thaw, ThawRecord, ThawState
from tests.catalog.values import LOCAL, MORNING, NOT_UTF8, an_archive, filled, minutes

_TEXTS = st.binary(min_size=1, max_size=30).map(os.fsdecode)
_THAWS = st.builds(
    Thaw,
    locator=st.none() | _TEXTS,
    id=_TEXTS | st.just(""),
    state=st.sampled_from(["thawing", "ready", "failed"]),
    start=st.integers(0, 2**62),
    end=st.none() | st.integers(0, 2**62),
    until=st.none() | st.integers(0, 9).map(minutes),
    cause=st.none() | _TEXTS,
)


def a_thaw(
    place: int, locator: str | None = "id", *, state: ThawState = "thawing", start: int = 0, end: int | None = None
) -> ThawRecord:
    return ThawRecord(place, Thaw(locator, "job", state, start, end), "bulk", MORNING)


@pytest.fixture
def place(catalog: Catalog) -> int:
    return catalog.register(LOCAL, LOCAL)


@settings(max_examples=50, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(_THAWS, st.sampled_from(["bulk", "standard", "expedited"]), st.none() | st.just("DEEP_ARCHIVE"))
def test_a_thaw_comes_back_as_it_was(catalog: Catalog, place: int, thaw: Thaw, tier: str, storage: str | None) -> None:
    record = ThawRecord(place, thaw, tier, minutes(3), storage)  # type: ignore[arg-type]  # one of the three

    catalog.note_thaws([record])

    assert list(catalog.thaws(place)) == [record]
    catalog.forget_thaws([record])
    assert list(catalog.thaws()) == []


def test_of_the_same_bytes_the_last_one_counts(catalog: Catalog, place: int) -> None:
    catalog.note_thaws([a_thaw(place), a_thaw(place, None), a_thaw(place, state="ready")])
    catalog.note_thaws([a_thaw(place, None, state="failed")])

    assert list(catalog.thaws()) == [a_thaw(place, None, state="failed"), a_thaw(place, state="ready")]


def test_other_bytes_of_the_same_volume_are_another_thaw(catalog: Catalog, place: int) -> None:
    ranges = [a_thaw(place, start=start, end=end) for start, end in ((0, None), (0, 2**20), (2**20, None))]
    catalog.note_thaws(ranges)

    catalog.forget_thaws(ranges[1:2])

    assert list(catalog.thaws()) == [ranges[0], ranges[2]]


def test_thaws_are_told_by_place_state_and_locator(
    catalog: Catalog, place: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(paging, "PAGE", 3)
    other = catalog.register(Place("s3", "bucket"), Place("s3", "bucket"))
    names = [*(f"k{number}" for number in range(10)), NOT_UTF8]
    all_of_them = [a_thaw(place, name, start=at) for name in names for at in (0, 2**20)]
    catalog.note_thaws([*all_of_them, a_thaw(place, None), a_thaw(other, "k1", state="ready"), a_thaw(other, None)])

    assert list(catalog.thaws(place)) == [a_thaw(place, None), *all_of_them]
    assert len(list(catalog.thaws())) == 25
    assert list(catalog.thaws(states=["ready"])) == [a_thaw(other, "k1", state="ready")]
    assert list(catalog.thaws(place, states=["ready", "failed"])) == []
    assert list(catalog.thaws(place, locators=[NOT_UTF8, "k3", "nobody"])) == [*all_of_them[6:8], *all_of_them[20:]]
    assert list(catalog.thaws(locators=["k1"])) == [*all_of_them[2:4], a_thaw(other, "k1", state="ready")]
    assert list(catalog.thaws(place, locators=[])) == []


def test_many_locators_are_looked_up(catalog: Catalog, place: int) -> None:
    names = [f"{number:05d}" for number in range(5_000)]
    catalog.note_thaws(a_thaw(place, name) for name in names)

    assert [one.thaw.locator for one in catalog.thaws(place, locators=names[::2])] == names[::2]


def test_thaws_move_with_their_place(catalog: Catalog) -> None:
    vault = Place("glacier", "photos", "eu-central-1", "-")
    named = vault.with_account("111122223333")
    offline = filled(catalog, an_archive(), place=vault)
    known = catalog.register(named, named)
    catalog.note_thaws([a_thaw(offline, state="ready"), a_thaw(known), a_thaw(known, "other")])

    one = catalog.register(vault, named)

    assert [place for place, _ in catalog.places()] == [one]
    assert {record.place_id for record in catalog.thaws()} == {one}
    assert [record.thaw.locator for record in catalog.thaws()] == ["id", "other"]


def test_thaws_of_what_is_forgotten_are_forgotten(catalog: Catalog) -> None:
    place = filled(catalog, an_archive(locator="one"), an_archive(locator="two"))
    catalog.note_thaws(
        [a_thaw(place, "one"), a_thaw(place, "one", start=2**20), a_thaw(place, "two"), a_thaw(place, None)]
    )

    catalog.forget_archives([1])

    assert [record.thaw.locator for record in catalog.thaws()] == [None, "two"]


def test_thaws_of_what_has_taken_the_place_of_what_is_forgotten_stay(catalog: Catalog) -> None:
    place = filled(catalog, an_archive(locator="key"), an_archive(locator="key"))
    catalog.note_thaws([a_thaw(place, "key")])

    catalog.forget_archives([1])
    assert [record.thaw.locator for record in catalog.thaws()] == ["key"]

    catalog.forget_archives([2])
    assert list(catalog.thaws()) == []
