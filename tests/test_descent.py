"""A walk that can't be led astray."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from glacier_backup.descent import KEPT_OPEN, OPEN_DIRECTORY, Descent, above


@pytest.fixture
def chain(tmp_path: Path) -> Path:
    """Directories one in the other, three times as many as are kept open, each with a sibling."""
    for _ in range(3 * KEPT_OPEN):
        tmp_path = tmp_path / "down"
        (tmp_path.parent / "beside").mkdir()
        tmp_path.mkdir()
    return tmp_path


def test_a_directory_above_the_open_ones_can_be_entered_again(tmp_path: Path, chain: Path) -> None:
    with Descent(os.open(tmp_path, OPEN_DIRECTORY)) as here:
        for _ in range(3 * KEPT_OPEN):
            here.enter(b"down")
        for depth in reversed(range(3 * KEPT_OPEN)):
            here.leave()
            beside = os.fstat(here.enter(b"beside"))
            assert os.path.samestat(beside, os.stat(tmp_path.joinpath(*["down"] * depth, "beside")))
            here.leave()


def test_no_more_than_a_few_are_open(tmp_path: Path, chain: Path) -> None:
    before = len(os.listdir("/proc/self/fd"))
    with Descent(os.open(tmp_path, OPEN_DIRECTORY)) as here:
        for _ in range(3 * KEPT_OPEN):
            here.enter(b"down")
            assert len(os.listdir("/proc/self/fd")) <= before + KEPT_OPEN + 2
    assert len(os.listdir("/proc/self/fd")) == before


def test_a_directory_that_became_a_link_is_not_entered(tmp_path: Path) -> None:
    (tmp_path / "link").symlink_to("/etc")
    with Descent(os.open(tmp_path, OPEN_DIRECTORY)) as here:
        with pytest.raises(NotADirectoryError):
            here.enter(b"link")
        (tmp_path / "directory").mkdir()
        here.enter(b"directory")


def test_what_was_moved_away_meanwhile_ends_only_its_own_branch(tmp_path: Path, chain: Path) -> None:
    with Descent(os.open(tmp_path, OPEN_DIRECTORY)) as here:
        for _ in range(3 * KEPT_OPEN):
            here.enter(b"down")
        (tmp_path / "down" / "down").rename(tmp_path / "away")
        for _ in range(2 * KEPT_OPEN):
            here.leave()
        with pytest.raises(FileNotFoundError):
            here.enter(b"beside")
        for _ in range(KEPT_OPEN - 1):
            here.leave()
        here.enter(b"beside")


def test_going_to_a_directory_goes_up_and_down_as_far_as_need_be(tmp_path: Path) -> None:
    for name in ("a/b/c", "a/bb", "d"):
        (tmp_path / name).mkdir(parents=True)
    with Descent(os.open(tmp_path, OPEN_DIRECTORY)) as here:
        for name in ("a/b/c", "a/b/c", "a/b", "a/bb", "", "d", "a/b/c", "a"):
            assert os.path.samestat(os.fstat(here.go(os.fsencode(name))), os.stat(tmp_path / name))
            assert os.path.samestat(os.fstat(here.present()), os.stat(tmp_path / name))


def test_going_where_nothing_is_ends_on_the_way_and_can_go_on_from_there(tmp_path: Path) -> None:
    (tmp_path / "a/b").mkdir(parents=True)
    with Descent(os.open(tmp_path, OPEN_DIRECTORY)) as here:
        for name in (b"a/gone/c", b"gone", b"a/b/gone"):
            with pytest.raises(FileNotFoundError):
                here.go(name)
            assert os.path.samestat(os.fstat(here.go(b"a/b")), os.stat(tmp_path / "a/b"))


def test_going_follows_links_only_where_that_is_said(tmp_path: Path) -> None:
    (tmp_path / "a/b").mkdir(parents=True)
    (tmp_path / "link").symlink_to("a")
    with Descent(os.open(tmp_path, OPEN_DIRECTORY)) as here:
        with pytest.raises(NotADirectoryError):
            here.go(b"link/b")
        assert os.path.samestat(os.fstat(here.go(b"link/b", follow=True)), os.stat(tmp_path / "a/b"))


@pytest.mark.parametrize(("path", "expected"), [(b"a", []), (b"a/b", [b"a"]), (b"a/b/c.d", [b"a", b"a/b"]), (b"", [])])
def test_above_a_path_are_its_directories_the_topmost_first(path: bytes, expected: list[bytes]) -> None:
    assert list(above(path)) == expected
