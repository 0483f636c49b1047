"""Tars that are made here, of trees of this machine: what stock tar makes of them is the tree."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Callable, Sequence
from contextlib import closing
from pathlib import Path

import pytest

from glacier_backup.errors import SourceError
from glacier_backup.model.archive import Member, ReadProblem
from glacier_backup.pack import tar_writer
from glacier_backup.pack.local_tree import LocalTree
from glacier_backup.pack.tar import TarPacker
from glacier_backup.pack.tar_writer import LARGE, SMALL, TarWriter
from glacier_backup.pack.tree import Piece, Range
from tests.pack.here import written
from tests.pack.packing import Packed, grow, packed, seen
from tests.streams import noise


def unpacked(data: bytes, folder: Path) -> Path:
    folder.mkdir()
    subprocess.run(["tar", "-xp", "-C", folder], input=data, check=True)
    return folder


@pytest.fixture(params=[*range(4), "sizes"])
def tree(request: pytest.FixtureRequest, tmp_path: Path) -> Path:
    top = tmp_path / "tree"
    if request.param != "sizes":
        grow(top, request.param)
        return top
    top.mkdir()
    for size in (0, 1, 512, SMALL - 1, SMALL, SMALL + 1, LARGE - 1, LARGE, LARGE + 1, 3 * LARGE + 512):
        (top / f"{size}").write_bytes(noise(size, size))
    return top


def test_stock_tar_makes_the_same_tree_of_it(tree: Path, tmp_path: Path) -> None:
    result = written(tree, "tree")
    out = unpacked(result.data, tmp_path / "out") / "tree"
    assert seen(out) == seen(tree)
    assert (result.outcome.problems, result.outcome.changed) == ((), False)
    assert len(result.data) % 10_240 == 0


def test_stock_tar_finds_no_difference_between_it_and_the_disk(tree: Path, tmp_path: Path) -> None:
    (tmp_path / "tar").write_bytes(written(tree, "tree").data)
    done = subprocess.run(["tar", "--compare", "-f", "tar"], cwd=tmp_path, capture_output=True, text=True)
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")


def test_it_has_the_members_that_gnu_tar_packs_in_the_same_order(tree: Path) -> None:
    def kept(result: Packed) -> list[Member]:
        """Where a member begins differs: there are no maps of holes."""
        return [one._replace(offset=0) for one in result.members]

    assert kept(written(tree, "top")) == kept(packed(TarPacker(), tree, "top"))


def test_the_list_of_members_is_what_python_finds_in_the_stream(tree: Path) -> None:
    result = written(tree, "tree")
    found = [(info.name, info.size, info.mode, info.offset) for info in result.tarfile()]
    assert [(one.path, one.size, one.mode, one.offset) for one in result.members] == found


def test_the_same_tree_gives_the_same_bytes(tree: Path, tmp_path: Path) -> None:
    first = written(tree, "tree").data
    tree.rename(tmp_path / "elsewhere")
    assert written(tmp_path / "elsewhere", "tree").data == first


class Meddled(LocalTree):
    """A tree in which something happens before a range is read."""

    def __init__(self, top: Path, meddle: Callable[[Range], OSError | None]) -> None:
        super().__init__(str(top))
        self._meddle = meddle

    def read(self, ranges: Sequence[Range]) -> Sequence[Piece | OSError]:
        return [self._meddle(one) or super(Meddled, self).read([one])[0] for one in ranges]


def meddled(top: Path, meddle: Callable[[Range], OSError | None]) -> Packed:
    with closing(Meddled(top, meddle)) as tree:
        writer = TarWriter(str(top), "tree", tree, threads=1)
        data = b"".join(writer.blocks())
    return Packed(data, writer.outcome(), list(writer.members()))


@pytest.fixture
def three(tmp_path: Path) -> Path:
    """A tree of three files, the one in the middle large."""
    top = tmp_path / "tree"
    top.mkdir()
    for name, size in (("a", 1000), ("b", 3 * LARGE), ("c", 1000)):
        (top / name).write_bytes(noise(size))
        os.utime(top / name, ns=(0, 10**18))
    return top


@pytest.mark.parametrize("name", ["a", "b"])
def test_a_file_that_can_not_be_read_is_left_out_and_a_problem(three: Path, name: str) -> None:
    result = meddled(three, lambda one: OSError(13, "not you") if one.entry.name == name else None)
    assert [one.path for one in result.members] == ["tree", *(f"tree/{one}" for one in "abc" if one != name)]
    assert result.outcome.problems == (ReadProblem(f"{three}/{name}", "not you"),)
    assert [info.name for info in result.tarfile()] == [one.path for one in result.members]


@pytest.mark.parametrize("name", ["a", "b"])
def test_a_file_that_vanishes_is_left_out_and_a_change(three: Path, name: str) -> None:
    result = meddled(three, lambda one: FileNotFoundError(2, "gone") if one.entry.name == name else None)
    assert f"tree/{name}" not in [one.path for one in result.members]
    assert (result.outcome.problems, result.outcome.changed) == ((), True)


def test_a_file_that_can_only_be_read_in_part_ends_in_zeros(three: Path) -> None:
    def broken(one: Range) -> OSError | None:
        return OSError(5, "bad disk") if one.entry.name == "b" and one.offset == LARGE else None

    result = meddled(three, broken)
    (content,) = [result.tarfile().extractfile(info) for info in result.tarfile() if info.name == "tree/b"]
    assert content is not None
    assert content.read() == noise(3 * LARGE)[:LARGE] + bytes(2 * LARGE)
    cause = f"bad disk at byte {LARGE}: zeros stand for the rest of the file"
    assert result.outcome.problems == (ReadProblem(f"{three}/b", cause),)
    assert [one.path for one in result.members][-1] == "tree/c"


def test_a_large_file_that_shrinks_is_filled_up_and_a_change(three: Path) -> None:
    result = meddled(three, lambda one: os.truncate(f"{three}/b", LARGE + 7) if one.entry.name == "b" else None)
    (info,) = [info for info in result.tarfile() if info.name == "tree/b"]
    content = result.tarfile().extractfile(info)
    assert content is not None
    assert content.read() == noise(3 * LARGE)[: LARGE + 7] + bytes(2 * LARGE - 7)
    assert result.outcome.changed


def test_a_large_file_that_grows_is_cut_and_a_change(three: Path) -> None:
    def grown(one: Range) -> None:
        if one.entry.name == "b":
            with open(one.entry.path, "ab") as file:
                file.write(b"more")

    result = meddled(three, grown)
    (info,) = [info for info in result.tarfile() if info.name == "tree/b"]
    assert info.size == 3 * LARGE
    assert result.outcome.changed


def test_a_small_file_that_shrinks_is_stored_as_it_has_become(three: Path) -> None:
    result = meddled(three, lambda one: os.truncate(f"{three}/a", 10) if one.entry.name == "a" else None)
    assert [one.size for one in result.members] == [0, 10, 3 * LARGE, 1000]
    assert result.outcome.changed


def test_problems_beyond_the_first_thousand_are_counted(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tar_writer, "MOST_PROBLEMS", 3)
    for number in range(10):
        (tmp_path / f"{number}").write_text("x")
    problems = meddled(tmp_path, lambda one: OSError(13, "not you")).outcome.problems
    assert [one.path for one in problems] == [f"{tmp_path}/{number}" for number in range(3)] + [str(tmp_path)]
    assert problems[-1].cause == "7 more below it could not be read"


def test_a_single_file_that_can_not_be_read_is_an_error(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("x")
    with pytest.raises(SourceError, match="not you"):
        meddled(tmp_path / "file", lambda one: OSError(13, "not you"))


@pytest.mark.parametrize("size", [1000, 3 * LARGE])
@pytest.mark.parametrize("refused", ["a", "ab"])
def test_a_file_that_can_not_be_read_under_its_first_name_is_stored_under_the_next(
    tmp_path: Path, size: int, refused: str
) -> None:
    top = tmp_path / "tree"
    top.mkdir()
    (top / "a").write_bytes(noise(size))
    for name in "bcd":
        (top / name).hardlink_to(top / "a")
    result = meddled(top, lambda one: FileNotFoundError(2, "gone") if one.entry.name in refused else None)
    first, *others = (f"tree/{name}" for name in "abcd" if name not in refused)
    assert [(one.path, one.type, one.target) for one in result.members[1:]] == [
        (first, "file", None),
        *((other, "hardlink", first) for other in others),
    ]
    content = result.tarfile().extractfile(first)
    assert content is not None
    assert content.read() == noise(size)
    assert result.outcome.changed


def test_of_a_file_that_can_not_be_read_no_name_is_left_over(tmp_path: Path) -> None:
    (tmp_path / "a").write_text("x")
    (tmp_path / "b").hardlink_to(tmp_path / "a")
    result = meddled(tmp_path, lambda one: OSError(13, "not you"))
    assert [one.path for one in result.members] == ["tree"]
    assert [one.path for one in result.outcome.problems] == [f"{tmp_path}/a", f"{tmp_path}/b"]
