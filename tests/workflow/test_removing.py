"""Deleting in the destination first and then in the catalog, whatever goes wrong."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path as FilePath

import pytest

from glacier_backup.catalog.catalog import Catalog
from glacier_backup.errors import CatalogError, DestinationError, DestinationUnavailable, Interrupted
from glacier_backup.model.place import Place
from glacier_backup.model.retention import NotRemoved, PlaceFailed, Policy, Removed
from glacier_backup.model.stored import ArchiveFilter
from glacier_backup.plan.retention import is_whole
from glacier_backup.workflow.removing.remove import AT_ONCE
from tests.workflow.removals import BUCKET, HERE, PHOTOS, VAULT, Removals

LAST = Policy(keep_last=1)
DISK = Place("local", "/disk")


@pytest.fixture
def removals(tmp_path: FilePath) -> Iterator[Removals]:
    with Catalog.open(str(tmp_path / "catalog.sqlite3")) as catalog:
        yield Removals(catalog)


def test_what_goes_is_gone_at_its_place_and_in_the_catalog(removals: Removals) -> None:
    _, _, last = (removals.sent(days) for days in (3, 2, 1))
    summary = removals.carry_out(removals.prune(LAST))
    assert (summary.removed, summary.failed, summary.bytes, summary.exit_code) == (2, 0, 2 * 10_240, 0)
    assert removals.left() == [last]
    assert list(removals.at().stored) == [f"{PHOTOS[1:]} 1"]
    assert [type(event) for event in removals.events] == [Removed, Removed]
    assert removals.at().told == [True]


def test_one_that_fails_stops_no_other(removals: Removals) -> None:
    several = [removals.sent(days) for days in range(30, 0, -1)]

    def fail(locator: str) -> None:
        if locator == f"{PHOTOS[1:]} 20":
            raise DestinationError("it is locked", hint="wait")

    removals.at().on_delete = fail
    summary = removals.carry_out(removals.prune(LAST))
    assert (summary.removed, summary.failed, summary.exit_code) == (28, 1, 1)
    assert removals.left() == [several[10], several[-1]]
    (failed,) = (event for event in removals.events if isinstance(event, NotRemoved))
    assert (failed.error, failed.hint) == ("it is locked", "wait")


@pytest.mark.parametrize("error", [DestinationError("it is locked"), DestinationUnavailable("gone"), Interrupted("")])
def test_what_is_removed_in_part_is_no_whole_archive_any_more(removals: Removals, error: Exception) -> None:
    """Else the next pruning would rely on it, and no run would send it again."""
    removals.sealed()
    removals.at().on_delete = _failing_at(".v002.age", error)
    removals.carry_out(removals.delete(PHOTOS, even_last=True))

    (archive,) = removals.catalog.stored_archives(ArchiveFilter())
    assert [one.damage for one in archive.volumes] == ["its removal was begun", None]
    assert not is_whole(archive)


def test_what_was_not_even_begun_to_be_removed_is_whole(removals: Removals) -> None:
    removals.sealed()
    removals.at().on_delete = _failing_at(".recipe.json", DestinationError("it is locked"))
    removals.carry_out(removals.delete(PHOTOS, even_last=True))

    (archive,) = removals.catalog.stored_archives(ArchiveFilter())
    assert is_whole(archive)


def test_a_removal_that_dies_leaves_no_whole_archive(removals: Removals) -> None:
    removals.sealed()
    removals.at().on_delete = _failing_at(".v002.age", _Killed())
    with pytest.raises(_Killed):
        removals.carry_out(removals.delete(PHOTOS, even_last=True))

    (archive,) = removals.catalog.stored_archives(ArchiveFilter())
    assert not is_whole(archive)
    removals.at().on_delete = lambda locator: None
    removals.carry_out(removals.delete(PHOTOS, even_last=True))
    assert (removals.left(), removals.at().stored) == ([], {})


class _Killed(BaseException):
    pass


def _failing_at(suffix: str, error: BaseException) -> Callable[[str], None]:
    def fail(locator: str) -> None:
        if locator.endswith(suffix):
            raise error

    return fail


def test_a_place_that_cannot_be_reached_stops_no_other(removals: Removals) -> None:
    for place in (DISK, HERE):
        for days in (3, 2, 1):
            removals.sent(days, place=place)

    def fail(locator: str) -> None:
        raise DestinationUnavailable("the disk is gone", hint="mount it")

    removals.at(DISK).on_delete = fail
    summary = removals.carry_out(removals.prune(LAST))
    assert (summary.removed, summary.failed, summary.exit_code) == (2, 2, 1)
    failed = [event for event in removals.events if not isinstance(event, Removed)]
    assert failed == [PlaceFailed(DISK, "the disk is gone", "mount it", 2)]
    assert len(removals.left()) == 4


def test_a_place_that_cannot_say_who_it_is_stops_no_other(removals: Removals, monkeypatch: pytest.MonkeyPatch) -> None:
    for place in (DISK, HERE):
        for days in (2, 1):
            removals.sent(days, place=place)

    def refused(*, holds_archives: bool) -> Place:
        raise DestinationError("it doesn't say")

    monkeypatch.setattr(removals.at(DISK), "identify", refused)
    summary = removals.carry_out(removals.prune(LAST))
    assert (summary.removed, summary.failed, summary.exit_code) == (1, 1, 1)


def test_when_nothing_can_be_reached_nothing_is_done(removals: Removals) -> None:
    for days in range(40, 0, -1):
        removals.sent(days, place=VAULT)
    removals.places.clear()
    summary = removals.carry_out(removals.prune(LAST))
    assert (summary.removed, summary.failed, summary.exit_code) == (0, 39, 4)
    assert len(summary.results) == 39
    assert [event.left for event in removals.events if isinstance(event, PlaceFailed)] == [39]


def test_after_a_place_breaks_off_it_is_asked_nothing_more(removals: Removals) -> None:
    for days in range(100, 0, -1):
        removals.sent(days)

    def fail(locator: str) -> None:
        if len(removals.at().deleted) > 20:
            raise DestinationUnavailable("the line is cut")

    removals.at().on_delete = fail
    summary = removals.carry_out(removals.prune(LAST))
    assert summary.removed + summary.failed == 99
    assert 20 < summary.removed < 20 + 2 * AT_ONCE
    assert summary.exit_code == 1
    assert len(removals.left()) == 100 - summary.removed


def test_another_account_with_a_vault_of_that_name_is_not_asked(removals: Removals) -> None:
    several = [removals.sent(days, place=VAULT) for days in (3, 2, 1)]
    removals.at(VAULT).answers = replace(VAULT, account="999999999999")
    summary = removals.carry_out(removals.prune(LAST))
    assert (summary.removed, summary.exit_code) == (0, 4)
    assert removals.left() == several
    (event,) = removals.events
    assert isinstance(event, PlaceFailed)
    assert "999999999999" in event.error


def test_an_account_that_nobody_knows_yet_may_be_any(removals: Removals) -> None:
    unknown = replace(VAULT, account="-")
    for days in (3, 2, 1):
        removals.sent(days, place=unknown)
    removals.at(unknown).answers = VAULT
    assert removals.carry_out(removals.prune(LAST)).removed == 2


def test_a_key_that_was_used_again_is_not_deleted(removals: Removals) -> None:
    removals.sent(3, place=BUCKET, locator="key", storage_class="STANDARD")
    last = removals.sent(2, place=BUCKET, locator="key", storage_class="STANDARD")
    assert removals.carry_out(removals.prune(LAST)).removed == 1
    assert removals.left() == [last]
    assert removals.at(BUCKET).deleted == []


def test_a_key_that_was_used_again_since_the_plan_is_not_deleted_either(removals: Removals) -> None:
    removals.sent(3, place=BUCKET, locator="key", storage_class="STANDARD")
    removals.sent(2, place=BUCKET, storage_class="STANDARD")
    plan = removals.prune(LAST)
    removals.sent(1, "/data/else", place=BUCKET, locator="key", storage_class="STANDARD")
    assert removals.carry_out(plan).removed == 1
    assert removals.at(BUCKET).deleted == []


def test_what_only_had_that_key_before_is_forgotten_with_it(removals: Removals) -> None:
    removals.sent(3, "/data/else", place=BUCKET, locator="key", storage_class="STANDARD")
    removals.sent(2, place=BUCKET, locator="key", storage_class="STANDARD")
    last = removals.sent(1, place=BUCKET, storage_class="STANDARD")
    removals.carry_out(removals.prune(LAST))
    assert removals.left() == [last]
    assert removals.at(BUCKET).deleted == ["key"]


def test_a_key_is_not_deleted_on_which_a_newer_version_lies(removals: Removals) -> None:
    removals.sent(4, place=BUCKET, locator="key", storage_class="STANDARD")
    middle, last = (f"key?versionId={version}" for version in "ab")
    removals.sent(3, place=BUCKET, locator=middle, storage_class="STANDARD")
    kept = removals.sent(2, place=BUCKET, locator=last, storage_class="STANDARD")
    removals.carry_out(removals.prune(LAST))
    assert removals.left() == [kept]
    assert removals.at(BUCKET).deleted == [middle]


def test_a_key_is_deleted_with_the_versions_on_it(removals: Removals) -> None:
    for days, locator in ((3, "key"), (2, "key?versionId=a")):
        removals.sent(days, place=BUCKET, locator=locator, storage_class="STANDARD")
    removals.carry_out(removals.delete(PHOTOS, all_versions=True, even_last=True))
    assert removals.left() == []
    assert sorted(removals.at(BUCKET).deleted) == ["key", "key?versionId=a"]


def test_the_same_key_at_another_place_stays(removals: Removals) -> None:
    removals.sent(3, locator="key")
    removals.sent(1)
    kept = removals.sent(2, place=DISK, locator="key")
    removals.carry_out(removals.prune(LAST))
    assert removals.at().deleted == ["key"]
    assert kept in removals.left()


def test_a_stop_ends_it_behind_what_is_under_way(removals: Removals) -> None:
    for days in range(40, 0, -1):
        removals.sent(days)
    removals.at().on_delete = lambda locator: removals.stop.set()
    summary = removals.carry_out(removals.prune(LAST))
    assert summary.exit_code == 130
    assert 0 < summary.removed <= AT_ONCE
    assert len(removals.left()) == 40 - summary.removed
    assert len(removals.at().stored) == 40 - summary.removed


def test_what_cannot_be_noted_is_said(removals: Removals, monkeypatch: pytest.MonkeyPatch) -> None:
    for days in (3, 2, 1):
        removals.sent(days)
    plan = removals.prune(LAST)

    def full(ids: object) -> None:
        raise CatalogError("the disk is full", hint="make room")

    monkeypatch.setattr(removals.catalog, "forget_archives", full)
    with pytest.raises(CatalogError, match=r"2 archives are deleted .* could not be noted: the disk is full"):
        removals.carry_out(plan)
    monkeypatch.undo()
    assert removals.carry_out(removals.prune(LAST)).removed == 2
    assert len(removals.left()) == 1
