"""Killed between any two steps, files out of a group still all get their names, and none is lost."""

from __future__ import annotations

import json
import os
import shutil
from contextlib import suppress
from pathlib import Path

import pytest

from glacier_backup.destination.local import Local
from tests.workflow.dying import Killed, dying
from tests.workflow.library import Library
from tests.workflow.packed import files_of, named, packed, some

POINTS = [
    "os.link",
    "os.unlink",
    "os.rename",
    "os.mkdir",
    "os.fsync",
    "glacier_backup.workflow.restoring.item_folder.ItemFolder.begin",
    "glacier_backup.workflow.restoring.item_folder.ItemFolder.finish",
    "glacier_backup.workflow.restoring.staging.Staging.flush",
    "glacier_backup.workflow.restoring.item_folder.ItemFolder.note_flushed",
    "glacier_backup.workflow.restoring.publish._publish_several",
    "glacier_backup.workflow.restoring.give_names._Giving.give",
    "glacier_backup.workflow.restoring.beneath.rename_new",
    "glacier_backup.workflow.restoring.give_names.replace",
    "glacier_backup.workflow.restoring.fetch_round.publish",
    "glacier_backup.workflow.restoring.chain_items.tidy",
    "glacier_backup.workflow.restoring.beneath.remove",
    "glacier_backup.workflow.restoring.book.Book.end_if_done",
    "glacier_backup.workflow.restore.clear",
]
LATE = POINTS.index("glacier_backup.workflow.restoring.item_folder.ItemFolder.note_flushed")


@pytest.fixture(scope="module")
def stored(tmp_path_factory: pytest.TempPathFactory) -> Library:
    folder = tmp_path_factory.mktemp("stored")
    library = Library(folder / "library", lambda: Local(str(folder / "disk"), create=True), concurrency=1)
    packed(library)
    return library


@pytest.fixture
def library(stored: Library) -> Library:
    """As if nothing had ever been asked for."""
    shutil.rmtree(stored.target)
    stored.target.mkdir()
    stored.sql("DELETE FROM restore_items")
    stored.sql("DELETE FROM restores")
    stored.events.clear()
    return stored


@pytest.mark.parametrize("after", [False, True], ids=["before", "after"])
@pytest.mark.parametrize("nth", [1, 4])
@pytest.mark.parametrize("point", POINTS, ids=lambda point: point.rpartition(".")[2])
def test_killed_at_any_step_it_ends_right(
    library: Library, monkeypatch: pytest.MonkeyPatch, point: str, nth: int, after: bool
) -> None:
    there = library.target / "photos" / "2020"
    (there / "2.jpg").mkdir(parents=True)
    (there / "1.jpg").write_text("replaced")
    (there / "2.jpg" / "mine").write_text("mine")
    (there / "mine").write_text("mine")
    wish = library.wish(overwrite=True)
    with monkeypatch.context() as patched, suppress(Killed):
        dying(patched, point, after=after, nth=nth)
        library.restore([some(library)], wish=wish)
    assert (there / "1.jpg").exists(), "a file was lost for a moment"

    again = library.restore([some(library)], wish=wish)

    assert again.exit_code == 0, library.causes()
    (aside,) = there.glob("2.jpg~*/mine")
    aside.unlink()
    (there / "mine").unlink()
    assert files_of(library.target) == files_of(library.source)
    assert not library.staging.exists()
    assert POINTS.index(point) < LATE or again.fetched == 0


def power_cut(library: Library, monkeypatch: pytest.MonkeyPatch, point: str, *, after: bool, nth: int) -> Path:
    """The machine goes down there, and is another one, as far as notes go, when it is up again; the note that all of an
    item is there."""
    with monkeypatch.context() as patched:
        dying(patched, point, after=after, nth=nth)
        with pytest.raises(Killed):
            library.restore([some(library)])
    (note,) = library.staging.glob("*/done")
    note.write_text(json.dumps({**json.loads(note.read_text()), "boot": "another"}))
    return note


def test_after_the_machine_went_down_among_the_names_the_rest_gets_its_own(
    library: Library, monkeypatch: pytest.MonkeyPatch
) -> None:
    point = "glacier_backup.workflow.restoring.give_names._Giving.give"
    power_cut(library, monkeypatch, point, after=True, nth=5)
    assert len(files_of(library.target)) == 5

    again = library.restore()

    assert (again.exit_code, again.fetched) == (0, 0), library.causes()
    assert files_of(library.target) == files_of(library.source)


def test_after_it_went_down_before_they_were_flushed_they_are_fetched_again(
    library: Library, monkeypatch: pytest.MonkeyPatch
) -> None:
    note = power_cut(
        library, monkeypatch, "glacier_backup.workflow.restoring.staging.Staging.flush", after=False, nth=1
    )
    for one in (note.parent / "content").rglob("*.jpg"):
        os.truncate(one, 0)

    again = library.restore()

    assert again.exit_code == 0, library.causes()
    assert again.fetched > 0
    assert files_of(library.target) == files_of(library.source)


def test_what_has_left_its_place_since_is_fetched_again(library: Library, monkeypatch: pytest.MonkeyPatch) -> None:
    with monkeypatch.context() as patched:
        dying(patched, "glacier_backup.workflow.restoring.give_names._Giving.give", after=True, nth=5)
        with pytest.raises(Killed):
            library.restore([some(library)])
    for name in files_of(library.target):
        (library.target / name).unlink()

    again = library.restore()

    assert again.exit_code == 0, library.causes()
    assert files_of(library.target) == files_of(library.source)


def test_what_somebody_puts_in_a_place_meanwhile_stays(library: Library, monkeypatch: pytest.MonkeyPatch) -> None:
    with monkeypatch.context() as patched:
        dying(patched, "glacier_backup.workflow.restoring.publish._publish_several", after=False, nth=1)
        with pytest.raises(Killed):
            library.restore([some(library)])
    (library.target / "photos" / "2019").mkdir(parents=True)
    (library.target / "photos" / "2019" / "1.jpg").write_text("mine")

    again = library.restore()

    assert (again.exit_code, again.counts) == (1, {"kept": 1})
    assert (library.target / "photos" / "2019" / "1.jpg").read_text() == "mine"
    found, source = files_of(library.target), files_of(library.source)
    assert {name for name in source if found.get(name) != source[name]} == {"photos/2019/1.jpg"}


def test_killed_while_some_are_missing_only_those_are_fetched(
    library: Library, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert library.restore([some(library, named("2019/1.jpg", "2020/1.jpg", "link"))]).exit_code == 0
    with monkeypatch.context() as patched:
        dying(patched, "glacier_backup.workflow.restoring.give_names._Giving.give", after=True, nth=8)
        with pytest.raises(Killed):
            library.restore([some(library)])

    again = library.restore()

    assert (again.exit_code, again.fetched) == (0, 0), library.causes()
    assert files_of(library.target) == files_of(library.source)
