"""What is left out of directories: found before GNU tar packs, and told to it."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from glacier_backup.errors import SourceError
from glacier_backup.exclusion import Exclusion
from glacier_backup.pack import gnu_tar
from glacier_backup.pack import tar as tar_module
from glacier_backup.pack.excluded import excluded_below
from glacier_backup.pack.tar import TarPacker
from tests.pack.conftest import InFrontOfTar
from tests.pack.here import TarPackerHere
from tests.pack.packing import packed
from tests.permissions import with_mode

RULES = Exclusion(("*.tmp", "cache/"))


def made(top: Path, *paths: str) -> Path:
    for path in paths:
        (top / path).parent.mkdir(parents=True, exist_ok=True)
        (top / path).write_text("content")
    return top


def found(top: Path, rules: Exclusion = RULES) -> list[bytes]:
    left_out = rules.compiled()
    assert left_out is not None
    return sorted(excluded_below(str(top), left_out))


def names(packer: TarPacker, top: Path) -> list[str]:
    return [member.path for member in packed(packer, top, "top").members]


def test_only_the_topmost_is_found(tmp_path: Path) -> None:
    top = made(tmp_path / "top", "cache/x.tmp", "a/x.tmp", "a/cache/cache/x", "a/keep")
    assert found(top) == [b"a/cache", b"a/x.tmp", b"cache"]


def test_links_are_not_followed(tmp_path: Path) -> None:
    top = made(tmp_path / "top", "a/x.tmp")
    (top / "cache").symlink_to("a")
    (top / "b").symlink_to("a")
    assert found(top) == [b"a/x.tmp"]
    (tmp_path / "link").symlink_to("top")
    assert found(tmp_path / "link") == [b"a/x.tmp"]


def test_a_directory_that_cannot_be_read_hides_nothing_else(tmp_path: Path, unprivileged: TarPacker) -> None:
    top = made(tmp_path / "top", "a/x.tmp", "b/x.tmp", "c/x.tmp")
    with with_mode(top / "b", 0):
        result = packed(unprivileged.leaving_out(RULES), top, "top")
    assert [member.path for member in result.members] == ["top", "top/a", "top/c"]
    assert [problem.path for problem in result.outcome.problems] == [str(top / "b")]


@pytest.fixture
def deep(tmp_path: Path) -> Iterator[Path]:
    """1,500 directories, a path that the system takes in one piece."""
    top = tmp_path / "top"
    bottom = top / "/".join("d" * 1500)
    # Python's and pytest's own ways go up and down by recursion.
    subprocess.run(["mkdir", "-p", bottom], check=True)
    made(bottom, "x.tmp", "keep")
    yield top
    subprocess.run(["rm", "-rf", top], check=True)


def test_a_deep_tree_is_gone_through(deep: Path, tar: TarPacker) -> None:
    assert found(deep) == [b"d/" * 1500 + b"x.tmp"]
    members = names(tar.leaving_out(RULES), deep)
    assert (len(members), members[-1][-8:]) == (1502, "d/d/keep")


def test_what_is_gone_is_an_error(tmp_path: Path, tar: TarPacker) -> None:
    with pytest.raises(SourceError, match=r"gone: .*No such file or directory"):
        packed(tar.leaving_out(RULES), tmp_path / "gone", "gone")


def test_what_comes_while_it_is_packed_spoils_nothing(tmp_path: Path, in_front_of_tar: InFrontOfTar) -> None:
    top = made(tmp_path / "top", "a/x.tmp", "keep")
    in_front_of_tar(f"case $1 in --create) touch '{top}/late.tmp';; esac")
    result = packed(TarPacker(RULES), top, "top")
    assert sorted(result.tarfile().getnames()) == ["top", "top/a", "top/keep", "top/late.tmp"]
    assert result.outcome.problems == ()


def test_where_tar_cannot_be_told_of_all_the_tar_is_made_here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    top = made(tmp_path / "top", "keep", *(f"a\nb{number}.tmp" for number in range(10)))
    assert names(TarPacker(RULES), top) == ["top", "top/keep"]
    monkeypatch.setattr(gnu_tar, "_MOST_TOLD", 100)
    assert packed(TarPacker(RULES), top, "top") == packed(TarPackerHere(RULES), top, "top")
    assert names(TarPacker(RULES), top) == ["top", "top/keep"]


def test_what_the_kernel_shows_of_itself_is_left_out_beside(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    top = made(tmp_path / "top", "v*/x", "v*/y.tmp", "vx/z", "v*x/[a].tmp", "va/a.tmp")

    def virtual(path: str, table: object) -> dict[bytes, int]:
        return {os.fsencode(os.path.realpath(top / "v*")): -1}

    monkeypatch.setattr(tar_module, "virtual_below", virtual)
    assert names(TarPacker(RULES), top) == ["top", "top/v*", "top/v*x", "top/va", "top/vx", "top/vx/z"]


def test_the_same_is_left_out_here_and_by_gnu_tar(tmp_path: Path, tar: TarPacker) -> None:
    top = made(tmp_path / "top", "a/x.tmp", "b", "cache/y", "a/cache/z")
    (top / "cache.link").symlink_to("cache")
    (top / "hard").hardlink_to(top / "a/x.tmp")
    assert names(tar.leaving_out(RULES), top) == ["top", "top/a", "top/b", "top/cache.link", "top/hard"]
