"""Whole trees on this machine: ``docs/candidates.md``, "Whole trees"."""

from __future__ import annotations

import os
import socket
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from glacier_backup import ordering
from glacier_backup.errors import SourceError
from glacier_backup.model.candidate import Candidate, PassedOver
from glacier_backup.model.reason import (
    BrokenLink,
    ExcludedBy,
    HoldsItsDestination,
    IsTheVault,
    LiesInItsDestination,
    LinkLeftOut,
    Loop,
    Missing,
    NotAFile,
    SkipReason,
    Unreadable,
)
from glacier_backup.model.tree_digest import tree_fingerprint
from glacier_backup.resolve.local import LocalSource
from glacier_backup.resolve.source import Selection, Symlinks, TreeRules
from tests.lacking import lacking
from tests.permissions import with_mode
from tests.resolve.trees import as_ordinary_user, candidates, passed_over, write


@pytest.fixture
def data(tmp_path: Path) -> Path:
    data = tmp_path / "data"
    write(data / "photos" / "2019" / "a.jpg", "a")
    write(data / "photos" / "2019.txt", "text")
    write(data / "photos-old" / "b.jpg", "b")
    write(data / "notes.txt", "n")
    (data / "empty").mkdir()
    return data


def resolve(
    path: Path | str,
    exclude: tuple[str, ...] = (),
    exclude_paths: tuple[str, ...] = (),
    symlinks: Symlinks = "store",
    source: LocalSource | None = None,
) -> list[Candidate | PassedOver]:
    rules = TreeRules(exclude_paths, symlinks)
    selection = Selection(str(path), compare=True, exclude=exclude, destinations=("main",), tree=rules)
    return list((source or LocalSource()).resolve(selection))


def below(path: Path, found: list[Candidate | PassedOver]) -> list[str]:
    """Paths of the candidates below ``path``."""
    return [name.removeprefix(f"{path}/") for name, _ in candidates(found)]


def reasons(path: Path, found: list[Candidate | PassedOver]) -> dict[str, SkipReason]:
    return {name.removeprefix(f"{path}/"): reason for name, reason in passed_over(found).items()}


ALL = ["notes.txt", "photos/2019/a.jpg", "photos/2019.txt", "photos-old/b.jpg"]


def test_every_file_at_any_depth_is_a_candidate_in_the_order_of_the_names(data: Path) -> None:
    found = resolve(data)
    assert below(data, found) == ALL
    assert passed_over(found) == {}
    assert {(one.kind, one.section, one.compare) for one in found if isinstance(one, Candidate)} == {
        ("file", str(data), True)
    }


def test_a_candidate_carries_what_the_walk_saw_and_looking_sees_the_same(data: Path) -> None:
    os.utime(data / "photos" / "2019.txt", ns=(0, 1_600_000_000_123_456_789))
    (data / "photos" / "2019.txt").chmod(0o640)
    found = {one.path: one for one in resolve(data) if isinstance(one, Candidate)}
    one = found[f"{data}/photos/2019.txt"]
    assert one.seen == tree_fingerprint("file", 4, 1_600_000_000_123_456_789, 0o640)
    assert all(LocalSource().look(one) == one.seen for one in found.values())


def test_only_size_and_time_are_seen(data: Path) -> None:
    (one,) = resolve(data / "photos-old")
    assert isinstance(one, Candidate)
    assert one.seen is not None
    (data / "photos-old" / "b.jpg").chmod(0o600)
    assert LocalSource().look(one).digest == one.seen.digest
    os.utime(one.path, ns=(0, 0))
    assert LocalSource().look(one).digest != one.seen.digest


def test_an_empty_tree_has_no_candidates(data: Path) -> None:
    assert resolve(data / "empty") == []


def test_a_section_that_is_a_file_is_that_file_as_ever(data: Path) -> None:
    path = str(data / "notes.txt")
    assert resolve(path) == [Candidate(path, "file", path, compare=True)]


def test_a_missing_section_is_said(data: Path) -> None:
    path = str(data / "gone")
    assert resolve(path) == [PassedOver(path, path, Missing())]


def test_a_section_that_is_a_link_counts_as_what_it_points_to(data: Path, tmp_path: Path) -> None:
    (tmp_path / "link").symlink_to(data)
    assert below(tmp_path / "link", resolve(tmp_path / "link")) == ALL


def test_upload_single_dir_overrides_it_and_it_the_others(data: Path) -> None:
    single = Selection(str(data), single_dir=True, tree=TreeRules())
    assert candidates(LocalSource().resolve(single)) == [(str(data), "directory")]
    both = Selection(str(data), dirs=True, files=True, tree=TreeRules())
    assert below(data, list(LocalSource().resolve(both))) == ALL


def test_names_that_differ_in_case_or_unicode_form_only_are_different_files(tmp_path: Path) -> None:
    names = ["A", "a", "caf\u00e9", "cafe\u0301", os.fsdecode(b"caf\xe9"), "new\nline", " ", "-rf"]
    for name in names:
        write(tmp_path / "d" / name, name if name.isascii() else "")
    assert below(tmp_path / "d", resolve(tmp_path / "d")) == sorted(names, key=os.fsencode)


@pytest.mark.parametrize("at_a_time", [1, 2, 5])
def test_the_size_of_a_directory_changes_nothing(data: Path, at_a_time: int, monkeypatch: pytest.MonkeyPatch) -> None:
    os.mkfifo(data / "photos" / "fifo")
    (data / "photos" / "link").symlink_to("2019")
    expected = resolve(data)
    monkeypatch.setattr(ordering, "AT_A_TIME", at_a_time)
    assert resolve(data) == expected


def test_fifos_sockets_and_devices_are_passed_over_quietly(data: Path) -> None:
    os.mkfifo(data / "photos" / "fifo")
    (data / "photos" / "null").symlink_to("/dev/null")
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(str(data / "photos" / "socket"))
        found = resolve(data, symlinks="follow")
    assert below(data, found) == ALL
    assert reasons(data, found) == {
        "photos/fifo": NotAFile("FIFO"),
        "photos/null": NotAFile("character device"),
        "photos/socket": NotAFile("socket"),
    }
    assert not any(reason.needs_attention for reason in passed_over(found).values())


def test_a_tree_deeper_than_any_path_the_system_takes_is_walked_to_its_end(tmp_path: Path) -> None:
    name = "n" * 200
    here = os.open(tmp_path, os.O_RDONLY)
    for _ in range(60):
        os.mkdir(name, dir_fd=here)
        os.close(os.open("z", os.O_CREAT, dir_fd=here))
        deeper = os.open(name, os.O_RDONLY, dir_fd=here)
        os.close(here)
        here = deeper
    os.close(here)
    try:
        found = resolve(tmp_path)
        assert [path.count("/") - str(tmp_path).count("/") for path in dict(candidates(found))] == list(
            range(60, 0, -1)
        )
        assert passed_over(found) == {}
    finally:
        subprocess.run(["rm", "-rf", tmp_path / name], check=True)


class TestExclude:
    @pytest.mark.parametrize(
        ("prefix", "left", "out"),
        [
            ("2019", ["notes.txt", "photos-old/b.jpg"], ["photos/2019", "photos/2019.txt"]),
            ("2019/", ["notes.txt", "photos/2019.txt", "photos-old/b.jpg"], ["photos/2019"]),
            ("photos", ["notes.txt"], ["photos", "photos-old"]),
            ("data", ALL, []),
            ("jpg", ALL, []),
            ("", ALL, []),
            ("/data", ALL, []),
        ],
    )
    def test_a_name_at_any_depth_is_left_out_with_all_below_it(
        self, data: Path, prefix: str, left: list[str], out: list[str]
    ) -> None:
        found = resolve(data, exclude=(prefix,))
        assert below(data, found) == left
        assert reasons(data, found) == {path: ExcludedBy(prefix) for path in out}

    def test_a_prefix_with_a_slash_in_front_is_compared_with_the_whole_path(self, data: Path) -> None:
        prefix = f"{data}/photos/20"
        found = resolve(data, exclude=(prefix,))
        assert below(data, found) == ["notes.txt", "photos-old/b.jpg"]
        assert reasons(data, found) == {"photos/2019": ExcludedBy(prefix), "photos/2019.txt": ExcludedBy(prefix)}

    @pytest.mark.parametrize("form", ["{}", "{}/", "./{}", "{data}/{}", "{data}//{}/."])
    def test_an_exact_path_is_left_out_with_all_below_it(self, data: Path, form: str) -> None:
        for path, left in (
            ("photos", ["notes.txt", "photos-old/b.jpg"]),
            ("photos/2019.txt", [ALL[0], ALL[1], ALL[3]]),
        ):
            pattern = form.format(path, data=data)
            found = resolve(data, exclude_paths=(pattern,))
            assert below(data, found) == left
            assert reasons(data, found) == {path: ExcludedBy(pattern)}

    def test_a_path_that_names_nothing_leaves_nothing_out(self, data: Path) -> None:
        assert below(data, resolve(data, exclude_paths=("2019", "photo", "/photos", "photos/20", ""))) == ALL

    def test_the_section_itself_may_be_left_out(self, data: Path) -> None:
        assert resolve(data, exclude_paths=(".",)) == [PassedOver(str(data), str(data), ExcludedBy("."))]

    def test_an_excluded_link_is_not_followed(self, data: Path) -> None:
        (data / "dead-server").symlink_to("nowhere")
        found = resolve(data, exclude=("dead",), symlinks="follow")
        assert reasons(data, found) == {"dead-server": ExcludedBy("dead")}


class TestLinks:
    @pytest.fixture(autouse=True)
    def _links(self, data: Path) -> None:
        (data / "photos" / "broken").symlink_to("nowhere")
        (data / "photos" / "dir").symlink_to("../photos-old")
        (data / "photos" / "file").symlink_to("2019.txt")
        (data / "photos" / "self").symlink_to("self")
        (data / "photos" / "up").symlink_to("..")

    def test_stored_they_are_candidates_of_their_own_kind(self, data: Path) -> None:
        found = resolve(data)
        names = ["broken", "dir", "file", "self", "up"]
        assert [one for one in candidates(found) if one[1] == "link"] == [
            (f"{data}/photos/{name}", "link") for name in names
        ]
        assert passed_over(found) == {}
        links = [one for one in found if isinstance(one, Candidate) and one.kind == "link"]
        assert [one.seen.bytes for one in links if one.seen] == [len("nowhere"), len("../photos-old"), 8, 4, 2]
        assert all(LocalSource().look(one) == one.seen for one in links)

    def test_skipped_they_are_said(self, data: Path) -> None:
        found = resolve(data, symlinks="skip")
        assert below(data, found) == ALL
        assert set(passed_over(found).values()) == {LinkLeftOut()}
        assert len(passed_over(found)) == 5

    def test_followed_they_are_what_they_lead_to_under_their_own_names(self, data: Path) -> None:
        found = resolve(data, symlinks="follow")
        assert set(below(data, found)) == {*ALL, "photos/dir/b.jpg", "photos/file"}
        assert {kind for _, kind in candidates(found)} == {"file"}
        assert reasons(data, found) == {
            "photos/broken": BrokenLink("nowhere"),
            "photos/self": BrokenLink("self"),
            "photos/up": Loop(str(data)),
        }
        assert not any(reason.needs_attention for reason in passed_over(found).values())
        assert all(LocalSource().look(one) == one.seen for one in found if isinstance(one, Candidate))

    def test_a_loop_by_way_of_another_tree_is_seen(self, data: Path, tmp_path: Path) -> None:
        write(tmp_path / "elsewhere" / "c.jpg")
        (tmp_path / "elsewhere" / "back").symlink_to(data / "photos-old")
        (data / "photos-old" / "away").symlink_to(tmp_path / "elsewhere")
        found = resolve(data / "photos-old", symlinks="follow")
        assert below(data / "photos-old", found) == ["away/c.jpg", "b.jpg"]
        assert reasons(data / "photos-old", found) == {"away/back": Loop(f"{data}/photos-old")}

    def test_a_followed_directory_that_was_closed_meanwhile_is_found_again(self, data: Path, tmp_path: Path) -> None:
        deep = tmp_path.joinpath("elsewhere", *(str(number) for number in range(50)))
        write(deep / "file")
        write(tmp_path / "elsewhere" / "z" / "last")
        (data / "far").symlink_to(tmp_path / "elsewhere")
        assert below(data, resolve(data, exclude=("photos",), symlinks="follow")) == [
            "far/" + "/".join(str(number) for number in range(50)) + "/file",
            "far/z/last",
            "notes.txt",
        ]

    def test_a_link_of_which_the_file_system_tells_no_length_has_that_of_its_target(self) -> None:
        found = {one.path: one for one in resolve("/proc/self/ns") if isinstance(one, Candidate)}
        one = found["/proc/self/ns/mnt"]
        assert one.seen is not None
        assert one.seen.bytes == len(os.readlink(one.path))


class TestTrouble:
    def test_an_unreadable_directory_needs_attention_and_the_rest_is_found(self, data: Path) -> None:
        expected = PassedOver(f"{data}/photos", str(data), Unreadable("Permission denied"))
        with with_mode(data / "photos"):
            printed = as_ordinary_user(RESOLVE, data).splitlines()
        assert printed == [f"{data}/notes.txt", str(expected), f"{data}/photos-old/b.jpg"]
        assert expected.reason.needs_attention

    def test_an_unreadable_section_needs_attention(self, data: Path) -> None:
        with with_mode(data):
            printed = as_ordinary_user(RESOLVE, data)
        assert printed == str(PassedOver(str(data), str(data), Unreadable("Permission denied")))

    def test_files_that_can_be_listed_but_not_examined_need_attention(self, data: Path) -> None:
        with with_mode(data / "photos-old", 0o444):
            printed = as_ordinary_user(RESOLVE, data / "photos-old")
        path = str(data / "photos-old")
        assert printed == str(PassedOver(f"{path}/b.jpg", path, Unreadable("Permission denied")))

    def test_what_vanishes_after_it_was_listed_is_passed_over_without_a_word(self, data: Path) -> None:
        found: list[Candidate | PassedOver] = []
        for one in LocalSource().resolve(Selection(str(data), tree=TreeRules(symlinks="follow"))):
            if not found:
                (data / "photos-old").rename(data.parent / "elsewhere")
                (data / "photos" / "2019").rename(data / "photos" / "2020")
            found.append(one)
        assert below(data, found) == ["notes.txt", "photos/2019.txt", "photos/2020/a.jpg"]
        assert passed_over(found) == {}

    def test_a_directory_that_became_a_link_is_not_followed(self, data: Path, tmp_path: Path) -> None:
        found: list[Candidate | PassedOver] = []
        for one in LocalSource().resolve(Selection(str(data), tree=TreeRules())):
            if not found:
                (data / "photos-old").rename(tmp_path / "elsewhere")
                (data / "photos-old").symlink_to(tmp_path / "elsewhere")
            found.append(one)
        assert below(data, found) == ["notes.txt", "photos/2019/a.jpg", "photos/2019.txt"]

    @pytest.mark.parametrize("kind", ["file", "link"])
    def test_a_candidate_that_is_gone_or_something_else_by_now_is_an_error(self, data: Path, kind: str) -> None:
        path = data / "it"
        if kind == "link":
            path.symlink_to("nowhere")
        else:
            write(path)
        one = next(one for one in resolve(data) if one.path == str(path))
        assert isinstance(one, Candidate)
        assert one.kind == kind
        path.unlink()
        with pytest.raises(SourceError, match=f"{path}: No such file"):
            LocalSource().look(one)
        os.mkfifo(path)
        with pytest.raises(SourceError, match=f"{path}: no longer a "):
            LocalSource().look(one)

    def test_no_descriptor_stays_open_however_far_the_walk_was_read(self, data: Path) -> None:
        before = os.listdir("/proc/self/fd")
        resolve(data)
        walk = LocalSource().resolve(Selection(str(data), tree=TreeRules()))
        next(walk)
        next(walk)
        walk.close()  # type: ignore[attr-defined]  # it is a generator
        assert os.listdir("/proc/self/fd") == before


@pytest.fixture
def looped(data: Path) -> Iterator[Path]:
    """A tree that is once more in itself."""
    inside = data / "photos" / "again"
    inside.mkdir()
    made = subprocess.run(["mount", "--bind", data, inside], capture_output=True, text=True)
    if made.returncode != 0:
        lacking(f"no directory can be mounted here: {made.stderr.strip()}")
    yield data
    subprocess.run(["umount", inside], check=True)


@pytest.mark.parametrize("symlinks", ["store", "follow", "skip"])
def test_a_loop_by_bind_mount_is_seen_and_said_once(looped: Path, symlinks: Symlinks) -> None:
    found = resolve(looped, symlinks=symlinks)
    assert below(looped, found) == ALL
    assert reasons(looped, found) == {"photos/again": Loop(str(looped))}
    assert str(Loop(str(looped))) == f"a loop: it leads back to {looped}"


class TestVaultAndOwnFiles:
    @pytest.fixture
    def vault(self, data: Path) -> Path:
        write(data / "photos" / "vault" / "nas" / "archive.tar")
        return data / "photos" / "vault"

    def test_the_vault_is_left_out_and_needs_no_attention(self, data: Path, vault: Path) -> None:
        found = resolve(data, source=LocalSource(vaults={"main": str(vault)}))
        assert below(data, found) == ALL
        assert reasons(data, found) == {"photos/vault": IsTheVault(str(vault))}
        assert not IsTheVault(str(vault)).needs_attention

    def test_it_is_known_whatever_way_leads_there(self, data: Path, vault: Path, tmp_path: Path) -> None:
        (tmp_path / "named-so").symlink_to(vault)
        (data / "in").symlink_to(vault / "nas")
        (data / "to").symlink_to(vault)
        (data / "to-file").symlink_to(vault / "nas" / "archive.tar")
        found = resolve(data, source=LocalSource(vaults={"main": str(tmp_path / "named-so")}), symlinks="follow")
        assert below(data, found) == ALL
        reason = IsTheVault(str(tmp_path / "named-so"))
        assert reasons(data, found) == dict.fromkeys(["in", "photos/vault", "to", "to-file"], reason)

    def test_a_section_that_is_the_vault_or_lies_in_it_is_passed_over(self, vault: Path) -> None:
        source = LocalSource(vaults={"main": str(vault)})
        assert passed_over(resolve(vault, source=source)) == {str(vault): HoldsItsDestination(str(vault))}
        inside = vault / "nas"
        assert passed_over(resolve(inside, source=source)) == {str(inside): LiesInItsDestination(str(vault))}

    def test_a_vault_that_does_not_exist_yet_leaves_nothing_out(self, data: Path) -> None:
        assert below(data, resolve(data, source=LocalSource(vaults={"main": str(data / "later")}))) == ALL

    @pytest.mark.parametrize("symlinks", ["store", "follow"])
    def test_files_that_this_program_writes_are_no_part_of_it(self, data: Path, symlinks: Symlinks) -> None:
        catalog = data / "photos" / "catalog.sqlite3"
        for suffix in ("", "-wal", ".lock"):
            write(Path(f"{catalog}{suffix}"))
        write(data / "photos" / "catalog.sqlite3.txt")
        write(data / "catalog.sqlite3")
        (data / "photos-old" / "link").symlink_to(catalog)
        found = resolve(data, source=LocalSource(own=[str(catalog)]), symlinks=symlinks)
        extra = {"photos-old/link"} if symlinks == "store" else set()
        assert set(below(data, found)) == {*ALL, "catalog.sqlite3", "photos/catalog.sqlite3.txt"} | extra
        assert passed_over(found) == {}


RESOLVE = """
import sys
from glacier_backup.model.candidate import Candidate
from glacier_backup.resolve.local import LocalSource
from glacier_backup.resolve.source import Selection, TreeRules
found = LocalSource().resolve(Selection(sys.argv[1], tree=TreeRules()))
print(*(one.path if isinstance(one, Candidate) else one for one in found), sep="\\n")
"""
