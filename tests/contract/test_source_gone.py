"""What every source promises of telling which files are gone: nothing that isn't certain."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from glacier_backup.resolve.local import LocalSource
from glacier_backup.resolve.source import Source
from tests.contract.over_sftp import source_of
from tests.permissions import with_mode, without_privilege


@pytest.fixture(params=["local", "sftp"])
def source(request: pytest.FixtureRequest) -> Iterator[Source]:
    with source_of(request) as one:
        yield one


@pytest.fixture
def tree(tmp_path: Path) -> Path:
    section = tmp_path / "tree"
    (section / "folder").mkdir(parents=True)
    (section / "folder" / "there").write_text("x")
    return section


def gone(source: Source, tree: Path, *names: str) -> list[bool]:
    return list(source.gone(str(tree), [f"{tree}/{name}" for name in names]))


def test_only_what_isn_t_there_is_gone(source: Source, tree: Path) -> None:
    names = ["folder/there", "folder/no", "no", "none/of/it", "folder/there/below a file", "n" * 255]
    assert gone(source, tree, *names) == [False, True, True, True, True, True]


def test_a_directory_in_its_place_is_no_file(source: Source, tree: Path) -> None:
    assert gone(source, tree, "folder") == [True]


def test_a_broken_link_is_there(source: Source, tree: Path) -> None:
    (tree / "link").symlink_to("nowhere")
    assert gone(source, tree, "link") == [False]


@pytest.mark.parametrize("section", ["empty", "missing", "file"])
def test_nothing_is_gone_below_a_section_that_holds_nothing(source: Source, tmp_path: Path, section: str) -> None:
    (tmp_path / "empty").mkdir()
    (tmp_path / "file").write_text("x")
    assert gone(source, tmp_path / section, "a", "b/c") == [False, False]


def test_nothing_is_gone_behind_a_link_to_a_disk_that_isn_t_mounted(source: Source, tree: Path, tmp_path: Path) -> None:
    (tmp_path / "mount point").mkdir()
    (tree / "empty").symlink_to(tmp_path / "mount point")
    (tree / "broken").symlink_to(tmp_path / "no mount point")
    (tree / "whole").symlink_to(tree / "folder")
    assert gone(source, tree, "empty/a", "broken/a", "broken/b/c", "whole/a", "whole/there") == [
        False,
        False,
        False,
        True,
        False,
    ]


def test_what_was_below_is_gone_where_a_link_to_a_file_has_come_in_place_of_a_directory(
    source: Source, tree: Path
) -> None:
    (tree / "link").symlink_to(tree / "folder/there")
    assert gone(source, tree, "link/a", "link/b/c", "link") == [True, True, False]


def test_nothing_is_gone_in_a_directory_that_can_t_be_searched(tree: Path) -> None:
    with with_mode(tree / "folder"), without_privilege():
        assert gone(LocalSource(), tree, "folder/there", "folder/no", "folder/deep/no") == [False] * 3


def test_names_that_are_no_text_are_names(source: Source, tree: Path) -> None:
    name = os.fsdecode(b"\xff\xfe")
    (tree / name).write_text("x")
    assert gone(source, tree, name, f"{name}2") == [False, True]


def test_nobody_is_asked_for_nothing(source: Source, tree: Path) -> None:
    assert gone(source, tree) == []
