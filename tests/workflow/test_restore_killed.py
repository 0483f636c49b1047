"""Killed between any two steps, a restore goes on from there: nothing is fetched twice, and nothing is lost."""

from __future__ import annotations

import json
import os
from collections.abc import Callable
from pathlib import Path

import pytest

from glacier_backup.destination.local import Local
from glacier_backup.units import MIB
from glacier_backup.workflow.restoring import beneath, bring, fetch
from glacier_backup.workflow.restoring.checkpoint import Checkpoint, Done, boot_id
from tests.permissions import without_privilege
from tests.streams import noise
from tests.workflow.dying import Killed, dying
from tests.workflow.library import Library, look, look_at_new


@pytest.fixture
def library(tmp_path: Path) -> Library:
    library = Library(tmp_path / "library", lambda: Local(str(tmp_path / "vault"), create=True), concurrency=1)
    (library.source / "file").write_bytes(b"content")
    folder = library.source / "folder"
    folder.mkdir()
    (folder / "one").write_bytes(b"1" * 5000)
    folder.chmod(0o555)
    library.back_up()
    return library


POINTS = [
    "glacier_backup.workflow.restoring.item_folder.ItemFolder.finish",
    "glacier_backup.workflow.restoring.staging.Staging.flush",
    "glacier_backup.workflow.restoring.publish._publish",
    "glacier_backup.workflow.restoring.beneath.rename_new",
    "glacier_backup.workflow.restoring.beneath.remove",
    "glacier_backup.workflow.restoring.publish._flush",
    "glacier_backup.workflow.restoring.fetch_round.publish",
    "glacier_backup.workflow.restoring.chain_items.tidy",
    "glacier_backup.workflow.restoring.book.Book.end_if_done",
    "glacier_backup.workflow.restore.clear",
]


@pytest.mark.parametrize("after", [False, True], ids=["before", "after"])
@pytest.mark.parametrize("nth", [1, 2])
@pytest.mark.parametrize("point", POINTS, ids=lambda point: point.rpartition(".")[2])
@pytest.mark.parametrize("overwrite", [False, True], ids=["new", "overwrite"])
def test_killed_at_any_step_it_ends_right(
    library: Library, monkeypatch: pytest.MonkeyPatch, point: str, nth: int, after: bool, overwrite: bool
) -> None:
    if overwrite:
        (library.target / "file").write_text("mine")
        (library.target / "folder" / "deep").mkdir(parents=True)
        (library.target / "folder" / "deep" / "mine").write_text("mine")
    wish = library.wish(overwrite=overwrite)
    with monkeypatch.context() as patched:
        dying(patched, point, after=after, nth=nth)
        try:
            fetched = library.restore(wish=wish).fetched
        except Killed:
            fetched = 0
    files = {entry.name for entry in library.target.iterdir()} - {".glacier-backup-restore"}
    assert not overwrite or "file" in files, "a file was lost for a moment"

    again = library.restore(wish=wish)

    assert again.exit_code == 0, library.causes()
    assert look_at_new(library.target) == look(library.source)
    assert len(list(library.target.glob("folder~*/deep/mine"))) == overwrite
    assert not library.staging.exists()
    late = POINTS.index(point) > 0 and nth == 1
    assert not late or fetched + again.fetched <= (library.source / "folder" / "one").stat().st_size + 15_000


def test_a_large_file_goes_on_from_its_checkpoint(library: Library, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(bring, "CHECKPOINT_BYTES", MIB)
    monkeypatch.setattr(fetch, "PIECE", MIB)
    monkeypatch.setattr("glacier_backup.pack.unraw.STEP", MIB)
    (library.source / "large").write_bytes(noise(20 * MIB + 5))
    library.back_up()
    saved = 0

    class Dying(Local):
        def fetch(self, *given: object) -> int:
            nonlocal saved
            saved += 1
            if saved == 17:
                raise Killed
            return super().fetch(*given)  # type: ignore[arg-type]  # as they came

    root = library.connect().place.name
    with pytest.raises(Killed):
        library.restore(change=lambda destination: Dying(root, create=True))
    again = library.restore()

    assert again.exit_code == 0
    assert look(library.target) == look(library.source)
    assert again.fetched < 10 * MIB


@pytest.mark.parametrize("column", ["leaves = NULL", "leaves = NULL, tree_hash = NULL"])
def test_without_leaves_it_goes_on_too_or_begins_anew(
    library: Library, monkeypatch: pytest.MonkeyPatch, column: str
) -> None:
    (library.source / "large").write_bytes(noise(7 * MIB + 5))
    library.back_up()
    library.sql(f"UPDATE volumes SET {column}")
    monkeypatch.setattr(bring, "CHECKPOINT_BYTES", MIB)
    monkeypatch.setattr(fetch, "PIECE", MIB)
    monkeypatch.setattr("glacier_backup.pack.unraw.STEP", MIB)
    with monkeypatch.context() as patched:
        patched.setattr(bring._Bringing, "_save", _then_die(bring._Bringing._save, nth=4))
        with pytest.raises(Killed):
            library.restore()
    again = library.restore()

    assert again.exit_code == 0, library.causes()
    assert look(library.target) == look(library.source)


def _then_die(really: Callable[..., object], nth: int) -> Callable[..., object]:
    calls = 0

    def call(*given: object) -> object:
        nonlocal calls
        calls += 1
        result = really(*given)
        if calls == nth:
            raise Killed
        return result

    return call


def test_after_the_machine_went_down_what_may_be_lost_is_fetched_again(
    library: Library, monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as patched:
        dying(patched, "glacier_backup.workflow.restoring.staging.Staging.flush", after=False, nth=1)
        with pytest.raises(Killed):
            library.restore()
    for note in library.staging.glob("*/done"):
        told = json.loads(note.read_text())
        assert told["boot"] == boot_id()
        note.write_text(json.dumps({**told, "boot": "another"}))
        content = next((note.parent / "content").rglob("*"))
        if content.is_file():
            os.truncate(content, 0)

    again = library.restore()

    assert again.exit_code == 0, library.causes()
    assert again.fetched > 0
    assert look(library.target) == look(library.source)


def test_notes_of_another_version_or_none_at_all_are_not_believed() -> None:
    done = Done("boot", "content/a", 7, 0o644, ["what"])
    point = Checkpoint("id", "boot", 0, "line \udc80", 3)
    assert Done.read(done.written()) == done
    assert Checkpoint.read(point.written()) == point
    for text in ("", "x", "[]", '{"version": 2}', '{"version": 1, "boot": "x"}', done.written().replace("1", "9", 1)):
        assert Done.read(text) is None
        assert Checkpoint.read(text) is None


def test_anything_is_removed_however_deep_and_whatever_its_modes(tmp_path: Path) -> None:
    top = tmp_path / "top"
    deep = top
    for _ in range(300):
        deep.mkdir()
        (deep / "file").touch()
        deep = deep / "d"
    (top / "link").symlink_to(tmp_path)
    top.chmod(0)
    (tmp_path / "other").touch()
    folder = os.open(tmp_path, os.O_RDONLY)

    beneath.remove("top", folder)
    beneath.remove("top", folder)
    os.close(folder)

    assert os.listdir(tmp_path) == ["other"]


def test_whoever_is_not_root_gets_read_only_directories_back(library: Library) -> None:
    """Moving a directory takes the permission to write to it."""
    with without_privilege():
        assert library.restore().exit_code == 0, library.causes()

    assert look(library.target) == look(library.source)
