"""What the kernel shows of itself is no part of a directory that holds it: packed, looked at, or walked through."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from glacier_backup.model.candidate import Candidate
from glacier_backup.pack.tar import TarPacker
from glacier_backup.resolve.fingerprint import fingerprint_directory
from glacier_backup.resolve.local import LocalSource
from glacier_backup.resolve.source import Selection, TreeRules
from tests.pack.packing import packed


@pytest.fixture
def root(tmp_path: Path) -> Iterator[Path]:
    """A directory with a /proc, whose name is hard on patterns."""
    root = tmp_path / "ro[o]t*"
    point = root / "[p]roc \\?"
    for folder in (point, root / "p", root / "[p]roc x"):
        folder.mkdir(parents=True)
        (folder / "file").write_text("content")
    if subprocess.run(["mount", "-t", "proc", "proc", point], capture_output=True).returncode != 0:
        pytest.skip("mounting takes root")
    try:
        yield root
    finally:
        subprocess.run(["umount", "-l", point], check=True)


def test_it_is_packed_as_an_empty_directory(tar: TarPacker, root: Path) -> None:
    result = packed(tar, root, "r")
    assert [one.path for one in result.members] == [
        "r",
        "r/[p]roc \\?",
        "r/[p]roc x",
        "r/[p]roc x/file",
        "r/p",
        "r/p/file",
    ]
    assert (result.outcome.problems, result.outcome.changed) == ((), False)


def test_so_it_is_by_way_of_a_link(tar: TarPacker, root: Path) -> None:
    (root.parent / "link").symlink_to(root)
    assert len(packed(tar, root.parent / "link", "r").members) == 6


def test_it_is_no_part_of_a_fingerprint(root: Path) -> None:
    first = fingerprint_directory(str(root))
    assert first.entries == 6
    with subprocess.Popen(["sleep", "10"]) as other:  # one more in /proc
        assert fingerprint_directory(str(root)) == first
        other.kill()


def test_it_is_no_part_of_a_whole_tree(root: Path) -> None:
    selection = Selection(str(root), tree=TreeRules())
    found = [one.path for one in LocalSource().resolve(selection) if isinstance(one, Candidate)]
    assert found == [f"{root}/[p]roc x/file", f"{root}/p/file"]


def test_who_asks_for_it_by_name_gets_it(root: Path) -> None:
    point = root / "[p]roc \\?" / "sys" / "kernel"
    assert fingerprint_directory(str(point)).entries > 10
    assert os.listdir(point)
