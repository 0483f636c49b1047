"""What a restore does with the directory that things come back into."""

from __future__ import annotations

import os
import stat
from collections.abc import Callable
from pathlib import Path

import pytest

from glacier_backup.destination.local import Local
from glacier_backup.errors import DestinationUnavailable, LockHeld, TargetError
from glacier_backup.model.reading_event import ItemStarted
from glacier_backup.model.restore import ByteRange, RestoreItem
from glacier_backup.units import MIB
from glacier_backup.workflow.restoring import bring
from tests.streams import noise
from tests.workflow.library import Library, look, look_at_new


@pytest.fixture
def library(tmp_path: Path) -> Library:
    return Library(tmp_path / "library", lambda: Local(str(tmp_path / "vault"), create=True))


def fill(library: Library) -> None:
    (library.source / "file").write_bytes(b"content")
    folder = library.source / "folder"
    (folder / "inner").mkdir(parents=True)
    (folder / "inner" / "one").write_bytes(b"1")
    (folder / "two").write_bytes(b"22")
    library.back_up()


def test_what_is_there_stays_and_is_told(library: Library) -> None:
    fill(library)
    (library.target / "file").write_text("mine")
    (library.target / "folder").mkdir()
    (library.target / "folder" / "mine").write_text("mine")

    summary = library.restore()

    assert summary.exit_code == 1
    assert summary.counts == {"kept": 2}
    assert (library.target / "file").read_text() == "mine"
    assert os.listdir(library.target / "folder") == ["mine"]
    assert "is there already" in library.causes()
    assert summary.fetched == 0


def test_what_is_there_and_the_same_is_not_fetched(library: Library) -> None:
    fill(library)
    assert library.restore().exit_code == 0

    again = library.restore()

    assert (again.exit_code, again.counts, again.fetched) == (0, {"restored": 2}, 0)


def test_a_directory_that_lacks_something_is_not_the_same(library: Library) -> None:
    fill(library)
    library.restore()
    (library.target / "folder" / "inner" / "one").unlink()

    assert library.restore().counts == {"kept": 1, "restored": 1}
    assert library.restore(wish=library.wish(overwrite=True)).exit_code == 0
    assert look_at_new(library.target) == look(library.source)


@pytest.mark.parametrize("there", ["file", "folder", "link"])
def test_what_is_in_the_way_is_replaced_when_that_is_wanted(library: Library, there: str) -> None:
    fill(library)
    elsewhere = library.folder / "elsewhere"
    elsewhere.mkdir()
    for name in ("file", "folder"):
        at = library.target / name
        if there == "file":
            at.write_text("mine")
        elif there == "folder":
            (at / "deep").mkdir(parents=True)
            (at / "deep" / "mine").write_text("mine")
            (at / "deep").chmod(0)
        else:
            at.symlink_to(elsewhere)

    assert library.restore(wish=library.wish(overwrite=True)).exit_code == 0
    assert look_at_new(library.target) == look(library.source)
    assert len(list(library.target.glob("f*~*"))) == (2 if there == "folder" else 1)
    assert os.listdir(elsewhere) == []
    assert not library.staging.exists()


def test_what_was_kept_is_restored_by_the_same_with_overwrite(library: Library) -> None:
    fill(library)
    (library.target / "file").write_text("mine")
    library.restore()

    assert library.restore(wish=library.wish(overwrite=True)).exit_code == 0
    assert (library.target / "file").read_text() == "content"


def test_an_empty_directory_is_in_nobodys_way(library: Library) -> None:
    fill(library)
    (library.target / "folder").mkdir()

    assert library.restore().exit_code == 0
    assert look(library.target) == look(library.source)


def test_no_link_on_the_way_is_followed(library: Library, tmp_path: Path) -> None:
    fill(library)
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    (library.target / "sub").symlink_to(elsewhere)
    with library.catalog() as catalog:
        items = [RestoreItem(one.id, f"sub/{one.name}") for one in library.archives(catalog)]

    assert library.restore(items, wish=library.wish(overwrite=True)).counts == {"kept": 2}
    assert os.listdir(elsewhere) == []
    assert "a symbolic link, and none is followed" in library.causes()


@pytest.mark.parametrize("to", ["../out", "/etc/out", "a/../../out", ".", "", ".glacier-backup-restore/x", "a//b"])
def test_nothing_gets_a_name_outside_of_the_target(library: Library, to: str) -> None:
    fill(library)
    with library.catalog() as catalog:
        archive = library.archives(catalog)[0]

    summary = library.restore([RestoreItem(archive.id, to)])

    assert summary.counts == {"failed": 1}
    assert not (library.folder / "out").exists()


def test_folders_on_the_way_are_made_like_any_other(library: Library) -> None:
    fill(library)
    with library.catalog() as catalog:
        archive = next(one for one in library.archives(catalog) if one.name == "file")

    assert library.restore([RestoreItem(archive.id, "a/b/file")]).exit_code == 0
    assert stat.S_IMODE((library.target / "a" / "b").stat().st_mode) == 0o755


def test_what_appears_meanwhile_is_not_replaced(library: Library, monkeypatch: pytest.MonkeyPatch) -> None:
    fill(library)
    bring_really = bring.bring

    def meanwhile(*given: object) -> object:
        made = bring_really(*given)  # type: ignore[arg-type]  # as they came
        for name in ("file", "folder/mine"):
            (library.target / name).parent.mkdir(exist_ok=True)
            (library.target / name).write_text("mine")
        return made

    monkeypatch.setattr("glacier_backup.workflow.restoring.fetch_round.bring", meanwhile)

    assert library.restore().counts == {"kept": 2}
    assert (library.target / "file").read_text() == "mine"
    assert os.listdir(library.target / "folder") == ["mine"]
    assert not library.staging.exists()


def test_two_restores_into_one_target_are_refused(library: Library) -> None:
    fill(library)
    refused: list[None] = []

    def another(event: object) -> None:
        if not refused:
            refused.append(None)
            with pytest.raises(LockHeld, match=r"another restore into .*target is at work"):
                Library.restore(other)

    other = Library(library.folder / "other", library.connect)
    other.target.rmdir()
    other.target.symlink_to(library.target)
    library.events = _Calls(another)  # type: ignore[assignment]  # tells as they come
    assert library.restore().exit_code == 0
    assert refused


class _Calls(list[object]):
    def __init__(self, call: Callable[[object], None]) -> None:
        super().__init__()
        self._call = call

    def append(self, event: object) -> None:
        super().append(event)
        self._call(event)


def test_a_target_that_is_replaced_in_the_middle_ends_the_run(
    library: Library, monkeypatch: pytest.MonkeyPatch
) -> None:
    fill(library)
    bring_really = bring.bring

    def meanwhile(*given: object) -> object:
        if not (library.folder / "moved").exists():
            library.target.rename(library.folder / "moved")
            library.target.mkdir()
        return bring_really(*given)  # type: ignore[arg-type]  # as they came

    monkeypatch.setattr("glacier_backup.workflow.restoring.fetch_round.bring", meanwhile)
    summary = library.restore()
    monkeypatch.undo()

    assert (summary.exit_code, summary.ended_early) == (1, True)
    assert os.listdir(library.target) == []
    with pytest.raises(TargetError, match="not there any more"):
        library.restore()
    library.target.rmdir()
    (library.folder / "moved").rename(library.target)
    assert library.restore().exit_code == 0
    assert look(library.target) == look(library.source)


def test_a_full_disk_ends_the_run_and_room_lets_it_go_on(library: Library, small_disk: Path) -> None:
    (library.source / "large").write_bytes(noise(5 * MIB))
    (library.source / "larger").write_bytes(noise(5 * MIB, 2))
    library.back_up()
    ballast = small_disk / "ballast"
    wish = library.wish(target=str(small_disk / "into"))

    with pytest.raises(TargetError, match=r"has room for 8.0 MiB, and 10.0 MiB are to come back"):
        library.restore(wish=wish)

    with library.catalog() as catalog:
        archive = library.archives(catalog)[0]

    def filled(event: object) -> None:
        if isinstance(event, ItemStarted) and not ballast.exists():
            ballast.write_bytes(bytes(6 * MIB))

    library.events = _Calls(filled)  # type: ignore[assignment]  # tells as they come
    wish = library.wish(target=str(small_disk / "into"), what=("large",))
    summary = library.restore([RestoreItem(archive.id, "large")], wish=wish)
    assert (summary.exit_code, summary.ended_early) == (1, True), library.causes()
    assert "No space left" in library.warnings()
    assert "make room there" in library.warnings()
    library.events = []
    ballast.write_bytes(b"")
    assert library.restore(wish=wish).exit_code == 0
    assert (small_disk / "into" / "large").read_bytes() == (library.source / "large").read_bytes()


def test_another_file_system_below_the_target_is_refused_before_anything_is_asked_for(
    library: Library, small_disk: Path
) -> None:
    fill(library)
    with library.catalog() as catalog:
        archive = library.archives(catalog)[0]

    wish = library.wish(target=str(small_disk.parent))
    summary = library.restore([RestoreItem(archive.id, "disk/sub/file")], wish=wish)

    assert summary.counts == {"failed": 1}
    assert f"{small_disk} is another file system than" in library.causes()


def test_a_hard_link_brings_along_what_it_leads_to_and_leaves_it_behind(library: Library) -> None:
    folder = library.source / "folder"
    (folder / "a").mkdir(parents=True)
    (folder / "b").mkdir()
    (folder / "a" / "one").write_bytes(b"content")
    os.link(folder / "a" / "one", folder / "b" / "two")
    library.back_up()
    with library.catalog() as catalog:
        (archive,) = library.archives(catalog)
        ranges = []
        for path in ("folder/a/one", "folder/b"):
            found = list(catalog.members_at(archive.id, path))
            ranges.append(ByteRange(found[0][1].offset, catalog.offset_behind(archive.id, found[-1][0])))
    item = RestoreItem(archive.id, "b", "folder/b", tuple(ranges))

    assert library.restore([item]).exit_code == 0, library.causes()
    assert look(library.target).keys() == {"b", "b/two"}
    assert (library.target / "b" / "two").read_bytes() == b"content"


@pytest.mark.parametrize("column", ["leaves = NULL", "leaves = x'00'", "leaves = NULL, tree_hash = NULL"])
def test_without_leaves_the_whole_is_checked_before_it_has_a_name(library: Library, column: str) -> None:
    fill(library)
    (library.source / "large").write_bytes(noise(2 * MIB + 3))
    library.back_up()
    library.sql(f"UPDATE volumes SET {column}")

    assert library.restore().exit_code == 0, library.causes()
    assert look(library.target) == look(library.source)


@pytest.mark.parametrize("column", ["leaves = NULL", "leaves = NULL, tree_hash = NULL", ""])
def test_damage_never_gets_a_name(library: Library, column: str) -> None:
    fill(library)
    if column:
        library.sql(f"UPDATE volumes SET {column}")
    for file in (library.folder.parent / "vault").rglob("*"):
        if file.is_file() and not file.name.endswith((".json", ".sha256")) and file.stat().st_size > 5:
            data = bytearray(file.read_bytes())
            data[len(data) // 2] ^= 1
            file.chmod(0o600)
            file.write_bytes(data)

    summary = library.restore()

    assert summary.exit_code == 5
    assert summary.counts == {"damaged": 2}
    assert os.listdir(library.target) == []


def test_damage_that_a_restore_finds_stays_known_until_one_finds_it_right(library: Library) -> None:
    fill(library)
    files = [file for file in (library.folder.parent / "vault").rglob("*.tar") if file.is_file()]
    (path,) = files
    sound = path.read_bytes()
    path.chmod(0o600)
    path.write_bytes(sound[:-1] + b"x")

    assert library.restore().exit_code == 5
    assert [cause is not None for cause in _damage(library)] == [False, True]
    path.write_bytes(sound)
    assert library.restore().exit_code == 0
    assert _damage(library) == [None, None]


def test_what_is_not_there_any_more_is_damage(library: Library) -> None:
    fill(library)
    (path,) = (library.folder.parent / "vault").rglob("*.tar")
    path.unlink()

    assert library.restore().counts == {"damaged": 1, "restored": 1}
    assert [cause is not None for cause in _damage(library)] == [False, True]


def _damage(library: Library) -> list[str | None]:
    with library.catalog() as catalog:
        return [one.volumes[0].damage for one in library.archives(catalog)]


def test_a_catalog_that_tells_of_other_members_is_damage(library: Library) -> None:
    fill(library)
    library.sql("UPDATE members SET size = 3 WHERE path LIKE '%two'")

    assert library.restore().counts == {"damaged": 1, "restored": 1}
    assert "holds other things than the catalog says" in library.causes()


def test_what_is_out_of_reach_stops_nothing_and_is_told(library: Library, tmp_path: Path) -> None:
    fill(library)
    (tmp_path / "vault").rename(tmp_path / "away")

    summary = library.restore()

    assert (summary.exit_code, summary.ended_early) == (DestinationUnavailable.exit_code, True)
    (tmp_path / "away").rename(tmp_path / "vault")
    assert library.restore().exit_code == 0


def test_the_files_of_a_tree_come_back_many_at_a_time(library: Library) -> None:
    for number in range(250):
        file = library.source / f"{number % 20}" / f"{number}"
        file.parent.mkdir(exist_ok=True)
        file.write_bytes(b"%d" % number)
    (library.source / "link").symlink_to("nowhere")
    library.back_up(tree=True)

    assert library.restore().exit_code == 0, library.causes()
    found, was = look(library.target), look(library.source)
    assert {name: seen for name, seen in found.items() if seen[0] != "directory"} == {
        name: seen for name, seen in was.items() if seen[0] != "directory"
    }
