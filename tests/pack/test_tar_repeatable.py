"""Same content, same bytes: an interrupted upload can go on from a second packing."""

from __future__ import annotations

import os
import random
from pathlib import Path

import pytest

from glacier_backup.pack.tar import TarPacker
from tests.pack.packing import grow, packed, regrow


@pytest.mark.parametrize("seed", range(6))
def test_a_copy_made_in_another_order_gives_the_same_bytes(tar: TarPacker, tmp_path: Path, seed: int) -> None:
    grow(tmp_path / "tree", seed)
    regrow(tmp_path / "tree", tmp_path / "copy")
    assert packed(tar, tmp_path / "copy", "tree").data == packed(tar, tmp_path / "tree", "tree").data


def test_a_copy_on_another_file_system_gives_the_same_bytes(tar: TarPacker, tmp_path: Path, small_disk: Path) -> None:
    grow(tmp_path / "tree", 1)
    for entry in (tmp_path / "tree").rglob("*"):
        if entry.is_file() and not entry.is_symlink():  # one file system's least hole may be another's block
            entry.write_bytes(random.Random(1).randbytes(entry.stat().st_size))
    regrow(tmp_path / "tree", small_disk / "copy")
    assert packed(tar, small_disk / "copy", "x").data == packed(tar, tmp_path / "tree", "x").data


def test_reading_the_tree_leaves_no_trace_in_the_bytes(tar: TarPacker, tmp_path: Path) -> None:
    grow(tmp_path / "tree", 3)
    first = packed(tar, tmp_path / "tree", "tree").data
    for path in (tmp_path / "tree").rglob("*"):
        os.utime(path, ns=(10**18, path.lstat().st_mtime_ns), follow_symlinks=False)
    assert packed(tar, tmp_path / "tree", "tree").data == first


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("TAR_OPTIONS", "--exclude=* --mtime=2001-01-01"),
        ("POSIXLY_CORRECT", "1"),
        ("TAPE", "/nonexistent"),
        ("TZ", "Asia/Tokyo"),
        ("LC_ALL", "en_US.UTF-8"),
        ("LANGUAGE", "de"),
    ],
)
def test_the_environment_of_the_user_changes_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str, value: str
) -> None:
    grow(tmp_path / "tree", 4)
    first = packed(TarPacker(), tmp_path / "tree", "tree")
    monkeypatch.setenv(name, value)
    assert packed(TarPacker(), tmp_path / "tree", "tree") == first
