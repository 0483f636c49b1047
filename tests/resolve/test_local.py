"""Which candidates a section has: ``docs/candidates.md``, and the table of glacier_backup 1.2's README."""

from __future__ import annotations

import os
import socket
from pathlib import Path

import pytest

from glacier_backup.model.candidate import Candidate, PassedOver
from glacier_backup.model.reason import (
    BrokenLink,
    BrokenSection,
    ExcludedBy,
    Missing,
    NotAFile,
    NoUploadOption,
    Unreadable,
)
from glacier_backup.resolve.local import LocalSource
from glacier_backup.resolve.source import Selection
from tests.permissions import with_mode
from tests.resolve.trees import as_ordinary_user, candidates, passed_over, write


@pytest.fixture
def data(tmp_path: Path) -> Path:
    """Two directories and two files, and something below one of them."""
    data = tmp_path / "data"
    write(data / "photos" / "2019" / "a.jpg", "a")
    write(data / "mail" / "inbox", "m")
    write(data / "notes.txt", "n")
    write(data / "dump.sql", "d")
    return data


def resolve(path: Path | str, **options: object) -> list[Candidate | PassedOver]:
    return list(LocalSource().resolve(Selection(str(path), **options)))  # type: ignore[arg-type]  # any option


ALL_OPTIONS = [
    {"single_dir": single, "dirs": dirs, "files": files}
    for single in (False, True)
    for dirs in (False, True)
    for files in (False, True)
]


@pytest.mark.parametrize("options", ALL_OPTIONS)
def test_a_file_is_itself_whatever_the_options(data: Path, options: dict[str, bool]) -> None:
    dump = str(data / "dump.sql")
    assert resolve(dump, **options) == [Candidate(dump, "file", dump, compare=False)]


@pytest.mark.parametrize("options", [options for options in ALL_OPTIONS if options["single_dir"]])
def test_upload_single_dir_is_the_directory_only_and_overrides_the_others(data: Path, options: dict[str, bool]) -> None:
    assert resolve(data, **options) == [Candidate(str(data), "directory", str(data), compare=False)]


def test_upload_dirs_is_each_direct_child_directory(data: Path) -> None:
    assert candidates(resolve(data, dirs=True)) == [
        (f"{data}/mail", "directory"),
        (f"{data}/photos", "directory"),
    ]


def test_upload_files_is_each_direct_child_file(data: Path) -> None:
    assert candidates(resolve(data, files=True)) == [(f"{data}/dump.sql", "file"), (f"{data}/notes.txt", "file")]


def test_both_are_both_kinds_in_the_order_of_their_names(data: Path) -> None:
    assert resolve(data, dirs=True, files=True) == [
        Candidate(f"{data}/dump.sql", "file", str(data), compare=False),
        Candidate(f"{data}/mail", "directory", str(data), compare=False),
        Candidate(f"{data}/notes.txt", "file", str(data), compare=False),
        Candidate(f"{data}/photos", "directory", str(data), compare=False),
    ]


def test_no_upload_option_is_no_candidate_and_said(data: Path) -> None:
    assert resolve(data, compare=True) == [PassedOver(str(data), str(data), NoUploadOption())]


def test_a_missing_path_is_said_and_needs_attention(data: Path) -> None:
    gone = str(data / "gone")
    assert resolve(gone, dirs=True) == [PassedOver(gone, gone, Missing())]
    assert Missing().needs_attention


@pytest.mark.parametrize("name", ["notes.txt/below", "nul\0inside", "surrogate\ud800"])
def test_a_path_that_can_not_be_is_missing(data: Path, name: str) -> None:
    assert passed_over(resolve(f"{data}/{name}")) == {f"{data}/{name}": Missing()}


def test_a_path_longer_than_the_system_takes_is_unreadable(data: Path) -> None:
    path = f"{data}/{'x' * 300}"
    assert passed_over(resolve(path)) == {path: Unreadable("File name too long")}


def test_candidates_carry_whether_they_are_compared(data: Path) -> None:
    found = resolve(data, files=True, compare=True)
    assert [one.compare for one in found if isinstance(one, Candidate)] == [True, True]


def test_an_empty_directory_has_no_candidates(tmp_path: Path) -> None:
    assert resolve(tmp_path, dirs=True, files=True) == []


def test_children_of_the_root_directory_have_one_slash() -> None:
    assert "/etc" in dict(candidates(resolve("/", dirs=True)))


def test_names_of_any_bytes_come_in_the_order_of_the_bytes(tmp_path: Path) -> None:
    names = [b"new\nline", b"tab\t", b"-dash", b" blank", b"x" * 255, b"\xff\xfe", "ä".encode(), "\U0001f4a9".encode()]
    for name in names:
        os.close(os.open(os.path.join(os.fsencode(tmp_path), name), os.O_CREAT))
    found = [os.fsencode(path).rpartition(b"/")[2] for path, _ in candidates(resolve(tmp_path, files=True))]
    assert found == sorted(names)


class TestExclude:
    def test_a_child_whose_name_begins_with_a_prefix_is_left_out_and_said(self, data: Path) -> None:
        found = resolve(data, dirs=True, files=True, exclude=["ma", "dump.sql"])
        assert candidates(found) == [(f"{data}/notes.txt", "file"), (f"{data}/photos", "directory")]
        assert passed_over(found) == {
            f"{data}/dump.sql": ExcludedBy("dump.sql"),
            f"{data}/mail": ExcludedBy("ma"),
        }

    def test_a_prefix_with_a_slash_in_front_is_compared_with_the_whole_path(self, data: Path) -> None:
        found = resolve(data, dirs=True, exclude=[f"{data}/pho", "/photos"])
        assert candidates(found) == [(f"{data}/mail", "directory")]
        assert passed_over(found) == {f"{data}/photos": ExcludedBy(f"{data}/pho")}

    def test_a_slash_behind_a_prefix_means_the_whole_name(self, data: Path) -> None:
        (data / "photos2").mkdir()
        assert candidates(resolve(data, dirs=True, exclude=["photos/", f"{data}/mail/"])) == [
            (f"{data}/photos2", "directory")
        ]

    def test_only_what_would_be_selected_is_said_to_be_excluded(self, data: Path) -> None:
        assert passed_over(resolve(data, files=True, exclude=["photos"])) == {}

    def test_a_file_section_is_not_excluded(self, data: Path) -> None:
        assert candidates(resolve(data / "dump.sql", exclude=["dump"])) == [(f"{data}/dump.sql", "file")]

    def test_a_directory_sent_as_one_archive_is_whole(self, data: Path) -> None:
        assert resolve(data, single_dir=True, exclude=["data", "photos", str(data)]) == resolve(data, single_dir=True)

    def test_an_empty_prefix_excludes_nothing(self, data: Path) -> None:
        assert len(candidates(resolve(data, dirs=True, exclude=[""]))) == 2

    def test_an_excluded_link_is_not_followed(self, data: Path) -> None:
        (data / "dead-server").symlink_to("nowhere")
        assert passed_over(resolve(data, files=True, exclude=["dead"])) == {f"{data}/dead-server": ExcludedBy("dead")}


class TestLinks:
    def test_a_section_counts_as_what_it_points_to(self, data: Path, tmp_path: Path) -> None:
        link = tmp_path / "link"
        link.symlink_to(data)
        assert candidates(resolve(link, single_dir=True)) == [(str(link), "directory")]
        assert candidates(resolve(link, dirs=True)) == [(f"{link}/mail", "directory"), (f"{link}/photos", "directory")]

    def test_a_child_counts_as_what_it_points_to(self, data: Path) -> None:
        (data / "a-dir").symlink_to(data / "mail")
        (data / "a-file").symlink_to(data / "mail" / "inbox")
        assert (f"{data}/a-dir", "directory") in candidates(resolve(data, dirs=True))
        assert (f"{data}/a-file", "file") in candidates(resolve(data, files=True))
        assert (f"{data}/a-file", "file") not in candidates(resolve(data, dirs=True))

    def test_a_link_to_the_directory_above_is_one_candidate_and_no_loop(self, data: Path) -> None:
        (data / "up").symlink_to("..")
        assert (f"{data}/up", "directory") in candidates(resolve(data, dirs=True))

    def test_a_child_that_points_to_nothing_is_passed_over(self, data: Path) -> None:
        (data / "broken").symlink_to("nowhere")
        (data / "loop").symlink_to("loop")
        found = passed_over(resolve(data, dirs=True))
        assert found == {f"{data}/broken": BrokenLink("nowhere"), f"{data}/loop": BrokenLink("loop")}
        assert not any(reason.needs_attention for reason in found.values())

    @pytest.mark.parametrize("target", ["nowhere", "section"])
    def test_a_section_that_points_to_nothing_needs_attention(self, tmp_path: Path, target: str) -> None:
        (tmp_path / "section").symlink_to(target)
        (found,) = resolve(tmp_path / "section", single_dir=True)
        assert isinstance(found, PassedOver)
        assert found.reason == BrokenSection(target)
        assert found.reason.needs_attention

    def test_a_loop_above_the_section_is_unreadable(self, tmp_path: Path) -> None:
        (tmp_path / "loop").symlink_to("loop")
        path = str(tmp_path / "loop" / "section")
        assert passed_over(resolve(path)) == {path: Unreadable("Too many levels of symbolic links")}


class TestSpecialFiles:
    def test_a_section_that_is_none_is_passed_over(self, tmp_path: Path) -> None:
        os.mkfifo(tmp_path / "fifo")
        assert passed_over(resolve(tmp_path / "fifo")) == {f"{tmp_path}/fifo": NotAFile("FIFO")}
        assert passed_over(resolve("/dev/null")) == {"/dev/null": NotAFile("character device")}

    def test_children_are_passed_over_where_files_are_sent(self, tmp_path: Path) -> None:
        os.mkfifo(tmp_path / "fifo")
        (tmp_path / "null").symlink_to("/dev/null")
        with socket.socket(socket.AF_UNIX) as listener:
            listener.bind(str(tmp_path / "socket"))
            assert passed_over(resolve(tmp_path, files=True)) == {
                f"{tmp_path}/fifo": NotAFile("FIFO"),
                f"{tmp_path}/null": NotAFile("character device"),
                f"{tmp_path}/socket": NotAFile("socket"),
            }
            assert resolve(tmp_path, dirs=True) == []


RESOLVE = """
import sys
from glacier_backup.resolve.local import LocalSource
from glacier_backup.resolve.source import Selection
print(*LocalSource().resolve(Selection(sys.argv[1], single_dir=sys.argv[2] == "single", dirs=True)), sep="\\n")
"""


class TestPermissions:
    @pytest.mark.parametrize("how", ["single", "dirs"])
    def test_an_unreadable_section_is_said(self, data: Path, how: str) -> None:
        expected = PassedOver(str(data), str(data), Unreadable("Permission denied"))
        with with_mode(data):
            assert as_ordinary_user(RESOLVE, data, how) == str(expected)

    def test_a_section_below_an_unreadable_directory_is_said(self, data: Path) -> None:
        path = str(data / "photos")
        expected = PassedOver(path, path, Unreadable("Permission denied"))
        with with_mode(data):
            assert as_ordinary_user(RESOLVE, path, "dirs") == str(expected)

    def test_a_child_that_points_to_an_unreadable_place_is_said(self, data: Path, tmp_path: Path) -> None:
        write(tmp_path / "closed" / "inside")
        (data / "link").symlink_to(tmp_path / "closed" / "inside")
        expected = PassedOver(f"{data}/link", str(data), Unreadable("Permission denied"))
        with with_mode(tmp_path / "closed"):
            assert str(expected) in as_ordinary_user(RESOLVE, data, "dirs").splitlines()

    def test_an_unreadable_child_stays_a_candidate(self, data: Path) -> None:
        expected = Candidate(f"{data}/mail", "directory", str(data), compare=False)
        with with_mode(data / "mail"):
            assert str(expected) in as_ordinary_user(RESOLVE, data, "dirs").splitlines()
