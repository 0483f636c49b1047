"""A walk that can't be led astray."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from glacier_backup.descent import KEPT_OPEN, OPEN_DIRECTORY, Descent


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
