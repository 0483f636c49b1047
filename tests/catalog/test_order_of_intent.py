"""Ids for what another system has stored, among those of what is ours."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing
from dataclasses import replace
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from glacier_backup.catalog.catalog import Catalog
from glacier_backup.model.archive import Member
from glacier_backup.model.stored import ArchiveFilter
from tests.catalog.values import LOCAL, MORNING, an_archive, minutes

TARS = [(f"tar {number}", minutes(10 * number)) for number in range(6)]
"""Ten minutes apart."""


@pytest.fixture
def catalog(tmp_path: Path) -> Iterator[Catalog]:
    with closing(Catalog.open(str(tmp_path / "catalog.sqlite3"))) as opened:
        yield opened


class Desk:
    """A catalog that takes over tars, and sends archives of its own meanwhile."""

    def __init__(self, catalog: Catalog) -> None:
        self.catalog = catalog
        self.place = catalog.register(LOCAL, LOCAL)

    def take(self, *numbers: int) -> None:
        """Those of the tars; all have their places before any is read."""
        ids = self.catalog.reserve(self.place, TARS, "pyArchiver")
        for number in numbers:
            locator, time = TARS[number]
            if locator in ids:
                record = an_archive(f"/srv/{locator}", sent_at=time, locator=locator)
                label = replace(record.label, time=time, kind="group")
                member = Member("srv/a", "file", 5, 10**9, 0o644, 0, None)
                self.catalog.add_foreign(self.place, ids[locator], replace(record, label=label), [member], "pyArchiver")

    def send(self, minute: int) -> str:
        """An archive of our own."""
        locator = f"own of {minute}"
        record = an_archive("/srv", sent_at=minutes(minute), locator=locator)
        label = replace(record.label, time=minutes(minute))
        record = replace(record, label=label, receipts=())
        id = self.catalog.intend(None, self.place, record, 1)
        receipt = an_archive(sent_at=minutes(minute), locator=locator).receipts[0]
        self.catalog.opened(id, "upload")
        self.catalog.stored(id, receipt)
        return locator

    def order(self) -> list[str]:
        """Locators by id."""
        found = self.catalog.stored_archives(ArchiveFilter(place_id=self.place))
        return [one.volumes[0].locator for one in sorted(found, key=lambda one: one.id)]


@pytest.fixture
def desk(catalog: Catalog) -> Desk:
    return Desk(catalog)


def names(*numbers: int) -> list[str]:
    return [TARS[number][0] for number in numbers]


def test_they_come_in_their_order_whenever_each_is_read(desk: Desk) -> None:
    desk.take(3, 1)
    desk.take(5, 4)
    desk.take(0, 2)
    assert desk.order() == names(*range(6))


def test_what_was_sent_meanwhile_is_newer_than_what_is_read_later(desk: Desk) -> None:
    desk.take(0, 1, 4)
    own = desk.send(1_000)
    desk.take(2, 3, 5)
    assert desk.order() == [*names(*range(6)), own]


def test_where_nothing_could_be_read_at_first_the_places_are_kept(desk: Desk) -> None:
    desk.take()
    own = desk.send(1_000)
    desk.take(2, 0)
    desk.take(*range(6))
    assert desk.order() == [*names(*range(6)), own]


def test_what_was_sent_before_they_were_known_at_all_is_newer_too(desk: Desk) -> None:
    own = [desk.send(1_000), desk.send(1_001)]
    desk.take(0, 3, 5)
    desk.take(1, 2)
    last = desk.send(1_002)
    desk.take(4)
    assert desk.order() == [*names(*range(6)), *own, last]


def test_who_went_back_to_the_other_system_has_newer_tars(desk: Desk) -> None:
    own = desk.send(25)
    desk.take(*range(6))
    assert desk.order()[3:] == [own, *names(3, 4, 5)]


def test_another_record_may_have_its_places_in_between(desk: Desk) -> None:
    desk.take(0)
    other = desk.catalog.reserve(desk.place, [("other", MORNING), ("other 2", MORNING)], "pyArchiver")
    for locator, id in other.items():
        record = an_archive(f"/x/{locator}", sent_at=MORNING, locator=locator)
        desk.catalog.add_foreign(desk.place, id, record, [], "pyArchiver")
    own = desk.send(1_000)
    desk.take(*range(6))
    order = desk.order()
    assert [one for one in order if one.startswith("tar")] == names(*range(6))
    assert order[-1] == own


def test_what_is_recorded_is_not_reserved_again_and_can_be_asked_for(desk: Desk) -> None:
    desk.take(1)
    assert [*desk.catalog.known_there(desk.place, [*names(0, 1, 2)])] == names(1)
    assert names(1)[0] not in desk.catalog.reserve(desk.place, TARS, "pyArchiver")


def test_ids_are_given_to_nobody_else(desk: Desk) -> None:
    ids = desk.catalog.reserve(desk.place, TARS, "pyArchiver")
    desk.send(1_000)
    (own,) = desk.catalog.stored_archives(ArchiveFilter(place_id=desk.place))
    assert own.id > max(ids.values())


def test_what_is_taken_over_is_there_with_all_that_is_known_of_it(desk: Desk) -> None:
    desk.take(2)
    (archive,) = desk.catalog.stored_archives(ArchiveFilter(place_id=desk.place))
    assert (archive.origin, archive.kind, archive.has_members, archive.time) == (
        "pyArchiver",
        "group",
        True,
        minutes(20),
    )
    assert archive.volumes[0].has_leaves
    assert desk.catalog.changes() > 0


steps = st.lists(st.one_of(st.sets(st.integers(0, 5), min_size=0, max_size=4), st.just("send")), min_size=1, max_size=8)


@given(steps)
@settings(max_examples=15, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_however_it_is_done_the_order_is_right(tmp_path: Path, steps: list[set[int] | str]) -> None:
    """Of tars by their names, and everything of ours is newer."""
    with TemporaryDirectory(dir=tmp_path) as folder, Catalog.open(f"{folder}/catalog.sqlite3") as catalog:
        desk = Desk(catalog)
        own: list[str] = []
        for step in steps:
            if isinstance(step, str):
                own.append(desk.send(1_000 + len(own)))
            else:
                desk.take(*sorted(step, reverse=True))
        order = desk.order()
        tars = [one for one in order if one not in own]
        assert tars == sorted(tars)
        assert order == [*tars, *own]
