"""Files out of groups: each gets its name by itself, among what is there already."""

from __future__ import annotations

import json
import os
from pathlib import Path
from subprocess import run

import pytest

from glacier_backup.destination.local import Local
from glacier_backup.interrupt import StopRequest
from glacier_backup.model.reading_event import ItemEnded, ItemStarted
from glacier_backup.model.restore import RestoreItem
from glacier_backup.pack import untar_members
from glacier_backup.units import MIB
from glacier_backup.workflow.restore import forget_restore
from glacier_backup.workflow.restoring import bring, give_names
from glacier_backup.workflow.restoring.tools import RestoreTools
from tests.permissions import with_mode, without_privilege
from tests.streams import noise
from tests.workflow.library import Library
from tests.workflow.packed import FILES, SIZE, everything, files_of, named, packed, some, the_group
from tests.workflow.seals import chain

ALL = FILES + 2


@pytest.fixture
def library(tmp_path: Path) -> Library:
    library = Library(tmp_path / "library", lambda: Local(str(tmp_path / "depot"), create=True))
    packed(library)
    return library


def test_each_file_comes_back_under_its_name(library: Library) -> None:
    (library.target / "photos").mkdir()
    (library.target / "photos" / "mine").write_text("mine")

    summary = library.restore([some(library)])

    assert (summary.exit_code, summary.counts) == (0, {"restored": 1}), library.causes()
    (library.target / "photos" / "mine").unlink()
    assert files_of(library.target) == files_of(library.source)
    assert (library.target / "photos" / "2020").stat().st_mode & 0o777 == 0o777 & ~umask()
    assert not library.staging.exists()


def umask() -> int:
    before = os.umask(0)
    os.umask(before)
    return before


@pytest.mark.parametrize("apart", [True, False])
def test_what_is_not_wanted_is_not_unpacked(library: Library, apart: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    unpacked: list[str] = []
    really = give_names.give_names

    def look_first(*given: object, **named: object) -> object:
        unpacked.extend(one.name for one in library.staging.glob("*/content/**/*") if not one.is_dir())
        return really(*given, **named)  # type: ignore[arg-type]  # as they came

    monkeypatch.setattr("glacier_backup.workflow.restoring.publish.give_names", look_first)
    wanted = some(library, named("2019/1.jpg", "2020/4.jpg", "link"), apart=apart)

    assert library.restore([wanted]).exit_code == 0, library.causes()

    source = files_of(library.source)
    names = ("photos/2019/1.jpg", "photos/2020/4.jpg", "photos/link")
    assert files_of(library.target) == {name: source[name] for name in names}
    assert sorted(unpacked) == ["1.jpg", "4.jpg", "link"]


def test_what_another_file_took_the_name_of_on_its_way_is_not_given_it(
    library: Library, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As ``A.jpg`` does with ``a.jpg`` on some file systems."""
    really = give_names.give_names

    def exchange_first(*given: object, **named: object) -> object:
        (hidden,) = library.staging.glob("*/content/photos/2019/1.jpg")
        hidden.write_text("another")
        return really(*given, **named)  # type: ignore[arg-type]  # as they came

    monkeypatch.setattr("glacier_backup.workflow.restoring.publish.give_names", exchange_first)

    summary = library.restore([some(library)])

    assert (summary.exit_code, summary.counts) == (1, {"failed": 1})
    assert "photos/2019/1.jpg: another file has come in its place" in library.causes()
    source = files_of(library.source)
    assert files_of(library.target) == {name: source[name] for name in source if name != "photos/2019/1.jpg"}
    monkeypatch.undo()
    assert library.restore([some(library)]).exit_code == 0
    assert files_of(library.target) == source


def test_what_lies_below_a_member_goes_below_the_place_that_is_named(library: Library) -> None:
    year = named(*(f"2020/{number}.jpg" for number in range(FILES)))
    items = [
        some(library, year, member="photos/2020", to="then/twenty"),
        some(library, named("2019/1.jpg"), member="photos/2019/1.jpg", to="one.jpg~2026"),
        some(library, named("2019/2.jpg", "empty"), member="photos"),
        some(library, named("2019/3.jpg"), to="nas/srv"),
    ]

    assert library.restore(items).exit_code == 0, library.causes()

    source = files_of(library.source / "photos")
    assert files_of(library.target) == {
        **{name.replace("2020/", "then/twenty/"): seen for name, seen in source.items() if name.startswith("2020/")},
        "one.jpg~2026": source["2019/1.jpg"],
        "2019/2.jpg": source["2019/2.jpg"],
        "empty": source["empty"],
        "nas/srv/photos/2019/3.jpg": source["2019/3.jpg"],
    }


def test_one_is_told_by_its_path_and_several_by_how_many_they_are(library: Library) -> None:
    items = [
        some(library, named("2019/1.jpg"), member="photos/2019"),
        some(library, named("2020/2.jpg", "2020/3.jpg"), member="photos/2020"),
        some(library, named("2019/4.jpg", "empty")),
    ]

    library.restore(items)

    section = library.source / "photos"
    told = {one.path for one in library.events if isinstance(one, ItemEnded)}
    assert told == {f"{section}/2019/1.jpg", f"2 files of {section}/2020", f"2 files of {section}"}
    assert told == {one.path for one in library.events if isinstance(one, ItemStarted)}


def test_what_is_there_and_the_same_is_left_alone_and_not_fetched(library: Library) -> None:
    assert library.restore([some(library)]).exit_code == 0
    before = {name: (library.target / name).lstat().st_ino for name in files_of(library.target)}
    (library.target / "photos" / "2019" / "1.jpg").unlink()
    (library.target / "photos" / "link").unlink()

    again = library.restore([some(library)])
    and_again = library.restore([some(library)])

    assert (again.exit_code, and_again.exit_code, and_again.fetched) == (0, 0, 0)
    assert files_of(library.target) == files_of(library.source)
    for name in before.keys() - {"photos/2019/1.jpg", "photos/link"}:
        assert (library.target / name).lstat().st_ino == before[name]


def test_of_a_large_group_only_what_is_missing_is_fetched(tmp_path: Path) -> None:
    library = Library(tmp_path / "library", lambda: Local(str(tmp_path / "depot"), create=True))
    for number in range(6):
        (library.source / "photos").mkdir(exist_ok=True)
        (library.source / "photos" / f"large-{number}").write_bytes(noise(3 * MIB, number))
    packed(library)
    assert library.restore([some(library, apart=False)]).exit_code == 0
    (library.target / "photos" / "large-1").unlink()
    (library.target / "photos" / "large-4").write_text("other")

    again = library.restore([some(library, apart=False)], wish=library.wish(overwrite=True))

    assert again.exit_code == 0, library.causes()
    assert files_of(library.target) == files_of(library.source)
    assert 6 * MIB <= again.fetched <= 10 * MIB
    library.sql("UPDATE volumes SET verified_at = NULL")
    (library.target / "photos" / "large-1").unlink()
    assert library.restore([some(library, apart=False)]).exit_code == 0
    assert the_group(library).volumes[0].verified_at is None, "it was read in part"


def test_another_file_in_its_place_is_kept_and_told_while_the_rest_comes(library: Library) -> None:
    (library.target / "photos" / "2019").mkdir(parents=True)
    for number in range(5):
        (library.target / "photos" / "2019" / f"{number}.jpg").write_text("mine")

    summary = library.restore([some(library)])

    assert (summary.exit_code, summary.counts) == (1, {"kept": 1})
    (ended,) = (one for one in library.events if isinstance(one, ItemEnded))
    assert ended.cause is not None
    assert ended.hint is not None
    assert ended.cause.startswith(
        f"5 of {ALL} files don't get their names: {library.target}/photos/2019/0.jpg is there"
    )
    assert ended.cause.endswith("; and 2 more")
    assert "--overwrite" in ended.hint
    found, source = files_of(library.target), files_of(library.source)
    assert {name for name in source if found[name] != source[name]} == {f"photos/2019/{n}.jpg" for n in range(5)}
    assert all((library.target / "photos" / "2019" / f"{n}.jpg").read_text() == "mine" for n in range(5))

    again = library.restore([some(library)])
    assert (again.exit_code, again.counts, again.fetched) == (1, {"kept": 1}, 0)

    overwritten = library.restore([some(library)], wish=library.wish(overwrite=True))
    assert overwritten.exit_code == 0, library.causes()
    assert files_of(library.target) == files_of(library.source)


def test_only_one_in_the_way_is_told_as_any_other_thing(library: Library) -> None:
    (library.target / "1.jpg").write_text("mine")

    library.restore([some(library, named("2019/1.jpg"), member="photos/2019")])

    assert f"{library.target}/1.jpg is there already, and isn't the same" in library.causes()


def test_no_link_is_followed_and_a_directory_in_the_way_gets_another_name(library: Library, tmp_path: Path) -> None:
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    (library.target / "photos").mkdir()
    (library.target / "photos" / "2019").symlink_to(elsewhere)
    (library.target / "photos" / "empty").mkdir()
    (library.target / "photos" / "empty" / "mine").write_text("mine")
    (library.target / "photos" / "2020").mkdir()
    (library.target / "photos" / "2020" / "1.jpg").symlink_to(elsewhere / "file")

    summary = library.restore([some(library)], wish=library.wish(overwrite=True))

    assert (summary.exit_code, summary.counts) == (1, {"kept": 1})
    assert "2019 is a symbolic link, and none is followed" in library.causes()
    assert os.listdir(elsewhere) == []
    assert len(list((library.target / "photos").glob("empty~*/mine"))) == 1
    (ended,) = (one for one in library.events if isinstance(one, ItemEnded))
    assert ended.left_out[0].startswith(f"what was in the place of {library.target}/photos/empty is ")
    found, source = files_of(library.target), files_of(library.source)
    assert all(found[name] == source[name] for name in source if "2019" not in name)


def test_where_all_that_is_left_can_not_be_replaced_nothing_is_fetched(library: Library, tmp_path: Path) -> None:
    (library.target / "photos").symlink_to(tmp_path)

    summary = library.restore([some(library)], wish=library.wish(overwrite=True))

    assert (summary.counts, summary.fetched) == ({"kept": 1}, 0)


def test_hard_links_bring_what_they_lead_to_and_leave_it_unnamed(tmp_path: Path) -> None:
    library = Library(tmp_path / "library", lambda: Local(str(tmp_path / "depot"), create=True))
    section = library.source / "photos"
    (section / "a").mkdir(parents=True)
    (section / "a" / "first").write_bytes(noise(SIZE))
    (section / "second").hardlink_to(section / "a" / "first")
    packed(library)

    first = library.restore([some(library, named("second"), apart=False)])
    again = library.restore([some(library, named("second"), apart=False)])
    both = library.restore([some(library, named("second", "first"), apart=False)])

    assert (first.exit_code, again.exit_code, again.fetched, both.exit_code) == (0, 0, 0, 0), library.causes()
    assert (library.target / "photos" / "second").read_bytes() == noise(SIZE)
    assert (library.target / "photos" / "a" / "first").read_bytes() == noise(SIZE)


def test_another_file_of_its_time_is_not_taken_for_a_hard_link(tmp_path: Path) -> None:
    library = Library(tmp_path / "library", lambda: Local(str(tmp_path / "depot"), create=True))
    section = library.source / "photos"
    (section / "a").mkdir(parents=True)
    (section / "a" / "first").write_bytes(noise(SIZE))
    (section / "second").hardlink_to(section / "a" / "first")
    packed(library)
    other = library.target / "photos" / "second"
    other.parent.mkdir()
    other.write_text("other")
    time = (section / "second").stat().st_mtime_ns
    os.utime(other, ns=(time, time))

    summary = library.restore([some(library, named("second"), apart=False)])

    assert (summary.exit_code, summary.counts) == (1, {"kept": 1}), library.causes()
    assert other.read_text() == "other"


def test_a_member_that_is_another_than_was_packed_is_damage(library: Library) -> None:
    library.sql("UPDATE members SET size = size + 1 WHERE path LIKE '%2019/3.jpg'")

    summary = library.restore([some(library, apart=False)])

    assert summary.exit_code == 5
    assert "holds other things than the catalog says" in library.causes()
    assert files_of(library.target) == {}


def test_a_member_that_is_not_where_the_catalog_has_it_is_missed(library: Library) -> None:
    library.sql("UPDATE members SET offset = offset + 512 WHERE path LIKE '%2019/3.jpg'")

    assert library.restore([some(library, apart=False)]).exit_code == 5
    assert "2019/3.jpg" in library.causes()


@pytest.mark.parametrize("name", ["../out", "/out", "a/../../out", ".glacier-backup-restore/x"])
def test_nothing_leads_out_of_the_target(library: Library, name: str) -> None:
    """The catalog may be anybody's."""
    library.sql(f"UPDATE members SET path = '{name}' WHERE path LIKE '%2019/3.jpg'")

    summary = library.restore([some(library)])

    assert (summary.exit_code, summary.counts) == (1, {"kept": 1}), library.causes()
    assert f"1 of {ALL} files don't get their names: " in library.causes()
    assert not list(library.folder.rglob("out*"))
    source = files_of(library.source)
    del source["photos/2019/3.jpg"]
    assert files_of(library.target) == source


def test_what_does_not_lie_below_the_member_has_no_place(library: Library) -> None:
    summary = library.restore([some(library, named("2019/1.jpg", "empty"), member="photos/2019", to="x")])

    assert (summary.exit_code, summary.counts) == (1, {"kept": 1})
    assert "photos/empty doesn't lie below photos/2019" in library.causes()
    assert files_of(library.target).keys() == {"x/1.jpg"}


def test_another_file_system_below_the_target_is_refused_before_anything_is_fetched(
    library: Library, small_disk: Path
) -> None:
    wish = library.wish(target=str(small_disk.parent))

    summary = library.restore([some(library, member="photos", to=f"{small_disk.name}/sub")], wish=wish)

    assert (summary.counts, summary.fetched) == ({"failed": 1}, 0)
    assert f"{small_disk} is another file system than" in library.causes()


def test_one_that_may_not_be_written_fails_and_is_tried_again(library: Library) -> None:
    closed = library.target / "photos" / "2019"
    closed.mkdir(parents=True)
    with without_privilege(), with_mode(closed, 0o555):
        summary = library.restore([some(library)])
        assert (summary.exit_code, summary.counts) == (1, {"failed": 1})
        assert f"{FILES // 2} of {ALL} files: {closed}/0.jpg can't be written to: Permission denied" in library.causes()
    assert len(files_of(library.target)) == ALL - FILES // 2

    again = library.restore([some(library)])

    assert (again.exit_code, again.fetched) == (0, 0), library.causes()
    assert files_of(library.target) == files_of(library.source)


def test_what_would_lie_in_the_hidden_folder_keeps_no_other_from_its_name(tmp_path: Path) -> None:
    library = Library(tmp_path / "library", lambda: Local(str(tmp_path / "depot"), create=True))
    hidden = library.source / "photos" / ".glacier-backup-restore"
    hidden.mkdir(parents=True)
    (hidden / "file").write_text("left over")
    packed(library)

    summary = library.restore([some(library, member="photos")])

    assert (summary.exit_code, summary.counts) == (1, {"kept": 1})
    assert "would lie in .glacier-backup-restore" in library.causes()
    source = files_of(library.source / "photos")
    assert files_of(library.target) == source


def test_a_catalog_that_knows_the_files_no_more_says_so(library: Library) -> None:
    item = some(library)
    library.sql("DELETE FROM members WHERE path LIKE '%2019%'")

    summary = library.restore([item])

    assert (summary.exit_code, summary.counts) == (1, {"failed": 1})
    assert "the catalog doesn't know all of the files any more" in library.causes()


def test_what_is_damaged_brings_no_file_of_it_back(library: Library) -> None:
    (stored,) = (one for one in (library.folder.parent / "depot").rglob("*.tar") if one.is_file())
    stored.chmod(0o600)
    content = bytearray(stored.read_bytes())
    content[len(content) // 2] ^= 1
    stored.write_bytes(content)

    summary = library.restore([some(library)])

    assert (summary.exit_code, summary.counts) == (5, {"damaged": 1})
    assert files_of(library.target) == {}
    assert the_group(library).volumes[0].damage


def test_a_verification_reads_all_of_a_group(library: Library) -> None:
    archive = the_group(library)
    from dataclasses import replace

    summary = library.restore([RestoreItem(archive.id, "")], wish=replace(library.wish(), purpose="verify", target=""))

    assert (summary.exit_code, summary.counts) == (0, {"verified": 1}), library.causes()
    assert the_group(library).volumes[0].verified_at is not None


@pytest.mark.parametrize("column", ["leaves = NULL", "leaves = NULL, tree_hash = NULL"])
@pytest.mark.parametrize("apart", [True, False])
def test_without_digests_it_comes_too(library: Library, column: str, apart: bool) -> None:
    library.sql(f"UPDATE volumes SET {column}")

    assert library.restore([some(library, apart=apart)]).exit_code == 0, library.causes()
    assert files_of(library.target) == files_of(library.source)


@pytest.mark.parametrize("seal", ["zstd age", "split age", "openssl", "gzip split openssl"])
def test_out_of_what_is_sealed_likewise(tmp_path: Path, seal: str) -> None:
    library = Library(tmp_path / "library", lambda: Local(str(tmp_path / "depot"), create=True))
    library.chain, library.keys = chain(seal, tmp_path)
    (library.source / "photos").mkdir()
    (library.source / "photos" / "large").write_bytes(noise(400_000))
    packed(library)
    items = [
        some(library, named("2019/4.jpg", "2020/1.jpg"), apart="split" in seal and "gzip" not in seal),
        some(library, named("large"), apart=False),
    ]

    assert library.restore(items).exit_code == 0, library.causes()

    source = files_of(library.source)
    names = ("photos/2019/4.jpg", "photos/2020/1.jpg", "photos/large")
    assert files_of(library.target) == {name: source[name] for name in names}


def test_a_stop_among_the_names_goes_on_with_the_next_run(library: Library, monkeypatch: pytest.MonkeyPatch) -> None:
    really = give_names._Giving.give
    given = 0

    def give(giving: give_names._Giving, one: object) -> None:
        nonlocal given
        given += 1
        if given == 4:
            library.stop.set()
        really(giving, one)  # type: ignore[arg-type]  # as it came

    with monkeypatch.context() as patched:
        patched.setattr(give_names._Giving, "give", give)
        stopped = library.restore([some(library)])
    assert (stopped.exit_code, stopped.counts) == (130, {"verified": 1})
    assert len(files_of(library.target)) == 4
    library.stop = StopRequest()

    again = library.restore([])

    assert (again.exit_code, again.fetched) == (0, 0), library.causes()
    assert files_of(library.target) == files_of(library.source)


def test_a_restore_that_is_forgotten_leaves_what_has_its_name(library: Library) -> None:
    (library.target / "photos").mkdir()
    (library.target / "photos" / "2020").write_text("in the way")
    (library.target / "photos").chmod(0o755)
    library.stop.set()
    library.restore([some(library)])
    with library.catalog() as catalog:
        (record,) = catalog.restores()
        forget_restore(record, RestoreTools(catalog, lambda place: library.connect(), {}))
        assert list(catalog.restores()) == []
    assert not library.staging.exists()


def test_a_lost_catalog_costs_nothing_that_has_come(library: Library, monkeypatch: pytest.MonkeyPatch) -> None:
    """The folder of the item is found by what it is about, not by its number."""
    item = some(library)
    with monkeypatch.context() as patched:
        patched.setattr("glacier_backup.workflow.restoring.fetch_round.publish", _die)
        with pytest.raises(RuntimeError):
            library.restore([item])
    library.sql("DELETE FROM restore_items")
    library.sql("DELETE FROM restores")

    again = library.restore([item])

    assert (again.exit_code, again.fetched) == (0, 0)
    assert files_of(library.target) == files_of(library.source)


def _die(*given: object, **named: object) -> None:
    raise RuntimeError


def test_members_that_differ_in_numbers_alone_have_folders_of_their_own(library: Library) -> None:
    items = [some(library, named("2019/1.jpg")), some(library, named("2019/2.jpg"))]

    assert library.restore(items).counts == {"restored": 2}, library.causes()
    assert files_of(library.target).keys() == {"photos/2019/1.jpg", "photos/2019/2.jpg"}


def test_a_group_whose_files_nobody_knows_comes_as_itself(library: Library) -> None:
    archive = the_group(library)
    library.sql("DELETE FROM members")

    summary = library.restore([RestoreItem(archive.id, "pack")])
    again = library.restore([RestoreItem(archive.id, "pack")])

    assert (summary.exit_code, again.exit_code) == (0, 1), library.causes()
    assert files_of(library.target / "pack") == files_of(library.source)


def test_and_one_whose_files_are_known_is_seen_to_be_there(library: Library) -> None:
    item = RestoreItem(the_group(library).id, "pack")
    assert library.restore([item]).exit_code == 0

    again = library.restore([item])

    assert (again.exit_code, again.fetched) == (0, 0), library.causes()


def test_a_checkpoint_in_the_middle_goes_on(library: Library, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(bring, "CHECKPOINT_SECONDS", 0)
    saved = 0
    really = bring._Bringing._save

    def save(*given: object) -> None:
        nonlocal saved
        really(*given)  # type: ignore[arg-type]  # as they came
        saved += 1
        if saved == 6:
            raise KeyError

    item = some(library, lambda one: everything(one) and not one.path.endswith(("1.jpg", "3.jpg")), apart=False)
    with monkeypatch.context() as patched:
        patched.setattr(bring._Bringing, "_save", save)
        library.restore([item])
    assert list(library.staging.glob("*/checkpoint"))

    assert library.restore([item]).exit_code == 0, library.causes()

    source = files_of(library.source)
    assert files_of(library.target) == {n: seen for n, seen in source.items() if not n.endswith(("1.jpg", "3.jpg"))}


@pytest.mark.parametrize("inner", ["", "more"])
def test_where_one_may_not_look_keeps_no_other_from_its_name(tmp_path: Path, inner: str) -> None:
    library = Library(tmp_path / "library", lambda: Local(str(tmp_path / "depot"), create=True))
    if inner:
        (library.source / "photos" / "2019" / inner).mkdir(parents=True)
        (library.source / "photos" / "2019" / inner / "file").write_text("content")
    packed(library)
    closed = library.target / "photos" / "2019"
    (closed / inner).mkdir(parents=True)
    with without_privilege(), with_mode(closed, 0o000):
        summary = library.restore([some(library)])

        assert (summary.exit_code, summary.counts) == (1, {"failed": 1})
        assert "Permission denied" in library.causes()
    source = files_of(library.source)
    assert files_of(library.target) == {name: seen for name, seen in source.items() if "2019" not in name}

    again = library.restore([some(library)])

    assert again.exit_code == 0, library.causes()
    assert files_of(library.target) == source


def test_another_file_system_on_the_way_of_some_keeps_no_other_from_its_name(
    library: Library, small_disk: Path
) -> None:
    target = small_disk.parent / "target"
    (target / "photos").mkdir(parents=True)
    mounted = target / "photos" / "2019"
    mounted.mkdir()
    run(["mount", "--bind", small_disk, mounted], check=True)
    try:
        summary = library.restore([some(library)], wish=library.wish(target=str(target)))
        assert (summary.exit_code, summary.counts) == (1, {"failed": 1})
        assert f"{mounted} is another file system than" in library.causes()
        assert list(mounted.iterdir()) == []
    finally:
        run(["umount", mounted], check=True)
    source = files_of(library.source)
    assert files_of(target) == {name: seen for name, seen in source.items() if "2019" not in name}


def test_a_checkpoint_is_of_the_bytes_that_are_fetched(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Which those are depends on what the catalog knows of the digests, and it may know more later."""
    library = Library(tmp_path / "library", lambda: Local(str(tmp_path / "depot"), create=True))
    (library.source / "photos").mkdir()
    for number in range(3):
        (library.source / "photos" / f"large-{number}").write_bytes(noise(3 * MIB, number) * 5)
    packed(library)
    assert library.restore([some(library, lambda one: not one.path.endswith(("0", "2")), apart=False)]).exit_code == 0
    library.sql("CREATE TABLE kept AS SELECT archive, number, leaves FROM volumes")
    library.sql("UPDATE volumes SET leaves = NULL")
    monkeypatch.setattr(bring, "CHECKPOINT_SECONDS", 0)
    monkeypatch.setattr(untar_members, "STEP", MIB)
    really = bring._Bringing._save

    def save(*given: object) -> None:
        really(*given)  # type: ignore[arg-type]  # as they came
        (note,) = library.staging.glob("*/checkpoint")
        if json.loads(json.loads(note.read_text())["line"])["at"] > 32 * MIB:
            raise KeyError

    with monkeypatch.context() as patched:
        patched.setattr(bring._Bringing, "_save", save)
        library.restore([some(library, apart=False)])
    assert list(library.staging.glob("*/checkpoint"))
    library.sql("UPDATE volumes SET leaves = (SELECT leaves FROM kept)")

    assert library.restore().exit_code == 0, library.causes()
    assert files_of(library.target) == files_of(library.source)
