"""Trees of this machine as they are read where GNU tar is missing, whatever happens to them meanwhile."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable, Iterator
from contextlib import closing
from itertools import islice
from pathlib import Path

import pytest

from glacier_backup.descent import KEPT_OPEN
from glacier_backup.errors import SourceError
from glacier_backup.pack import local_tree
from glacier_backup.pack.local_tree import LocalTree
from glacier_backup.pack.tar_writer import LARGE
from glacier_backup.pack.tree import Entry, Lost, Piece, Range
from tests.pack.here import TarPackerHere, written
from tests.pack.packing import packed, read_all
from tests.streams import noise


@pytest.fixture
def top(tmp_path: Path) -> Path:
    """A tree with a folder that has a file, beside something that is none of its business."""
    (tmp_path / "top" / "folder").mkdir(parents=True)
    (tmp_path / "top" / "folder" / "file").write_text("content")
    (tmp_path / "outside").mkdir()
    (tmp_path / "outside" / "file").write_text("secrets")
    return tmp_path / "top"


@pytest.fixture
def tree(top: Path) -> Iterator[LocalTree]:
    with closing(LocalTree(str(top))) as tree:
        yield tree


def file_of(found: list[Entry | Lost], name: str) -> Range:
    (entry,) = (one for one in found if isinstance(one, Entry) and one.name == name)
    return Range(entry, 0, entry.size)


def test_a_file_is_read_as_it_is(tree: LocalTree) -> None:
    (piece,) = tree.read([file_of(list(tree.entries()), "folder/file")])
    assert isinstance(piece, Piece)
    assert piece.data == b"content"


def _folder_to_link(top: Path) -> None:
    (top / "folder").rename(top / "moved")
    (top / "folder").symlink_to("../outside")


def _file_to_link(top: Path) -> None:
    (top / "folder" / "file").unlink()
    (top / "folder" / "file").symlink_to("../../outside/file")


def _file_to_fifo(top: Path) -> None:
    (top / "folder" / "file").unlink()
    os.mkfifo(top / "folder" / "file")


def _folder_to_file(top: Path) -> None:
    shutil.rmtree(top / "folder")
    (top / "folder").write_text("secrets")


@pytest.mark.parametrize("swap", [_folder_to_link, _file_to_link, _file_to_fifo, _folder_to_file])
@pytest.mark.parametrize("size", [7, LARGE])
def test_what_is_swapped_between_listing_and_reading_has_vanished(
    top: Path, swap: Callable[[Path], None], size: int
) -> None:
    (top / "folder" / "file").write_bytes(noise(size))
    with closing(LocalTree(str(top))) as tree:
        wanted = file_of(list(tree.entries()), "folder/file")
        swap(top)
        (piece,) = tree.read([wanted])
    assert isinstance(piece, FileNotFoundError)


def test_a_folder_that_becomes_a_link_while_the_tree_is_walked_leads_nowhere(top: Path, tree: LocalTree) -> None:
    entries = tree.entries()
    assert isinstance(next(entries), Entry)
    _folder_to_link(top)
    names = [one.name for one in entries if isinstance(one, Entry)]
    assert "folder/file" not in names


def test_a_large_file_that_is_replaced_while_it_is_read_is_read_to_its_end(top: Path) -> None:
    old, new = noise(3 * LARGE, 1), noise(3 * LARGE, 2)
    (top / "large").write_bytes(old)
    with closing(LocalTree(str(top))) as tree:
        entry = file_of(list(tree.entries()), "large").entry
        pieces = [tree.read([Range(entry, 0, LARGE)])[0]]
        (top / "new").write_bytes(new)
        (top / "new").replace(top / "large")
        pieces += [tree.read([Range(entry, offset, LARGE)])[0] for offset in (LARGE, 2 * LARGE)]
    assert b"".join(piece.data for piece in pieces if isinstance(piece, Piece)) == old


def test_an_entry_that_comes_or_goes_while_a_directory_is_walked_is_a_change(top: Path, tree: LocalTree) -> None:
    os.utime(top / "folder", ns=(0, 10**18))
    entries = tree.entries()
    assert [one.path for one in islice(entries, 3)] == [str(top), f"{top}/folder", f"{top}/folder/file"]
    (top / "folder" / "new").touch()
    assert list(entries) == [Lost(f"{top}/folder", None)]


def test_a_tree_that_holds_still_has_not_changed(top: Path, tree: LocalTree) -> None:
    assert all(isinstance(one, Entry) for one in tree.entries())
    assert tree.is_as_before()
    (top / "more").touch()
    assert not tree.is_as_before()


def test_a_tree_may_be_deeper_than_a_path_may_be_long(tmp_path: Path) -> None:
    depth, name = 3 * KEPT_OPEN, "n" * 100
    here = os.open(tmp_path, os.O_RDONLY)
    for _ in range(depth):
        os.mkdir(name, dir_fd=here)
        below = os.open(name, os.O_RDONLY, dir_fd=here)
        os.close(here)
        here = below
    with open("file", "wb", opener=lambda path, flags: os.open(path, flags, dir_fd=here)) as file:
        file.write(b"content")
    os.close(here)
    result = written(tmp_path, "t")
    assert len(result.members) == depth + 2
    assert result.members[-1].path == "/".join(["t", *[name] * depth, "file"])
    assert b"content" in result.data
    assert (result.outcome.problems, result.outcome.changed) == ((), False)
    _remove_deep(tmp_path, name, depth)


def _remove_deep(top: Path, name: str, depth: int) -> None:
    """What :func:`shutil.rmtree` of some Pythons can't."""
    middle = top.joinpath(*[name] * 20)
    for _ in range(depth // 20):
        if not os.path.lexists(middle):
            break
        middle.rename(top / "lower")
        shutil.rmtree(top / name)
        (top / "lower").rename(top / name)


def test_files_that_lie_about_their_size_are_stored_as_they_are_read(tmp_path: Path) -> None:
    """A file of /sys says 4,096 bytes, and has a few."""
    found = next((file for file in Path("/sys/kernel/mm/transparent_hugepage").glob("enabled")), None)
    if found is None or found.stat().st_size == len(found.read_bytes()):
        pytest.skip("no such file here")
    result = written(found, "it")
    assert result.members[0].size == len(found.read_bytes())
    assert result.outcome.changed


def test_hard_links_are_told_by_more_than_their_numbers(tmp_path: Path) -> None:
    """Some file systems number nothing, or all alike."""
    files = local_tree.Files()
    (tmp_path / "a").write_text("a")
    (tmp_path / "b").hardlink_to(tmp_path / "a")
    before = (tmp_path / "a").stat()
    assert files.first_name(before, "a") == ""
    os.utime(tmp_path / "b", ns=(0, 0))
    assert files.first_name((tmp_path / "b").stat(), "b") == ""


def test_no_more_is_kept_of_hard_links_once_all_were_met(tmp_path: Path) -> None:
    files = local_tree.Files()
    (tmp_path / "a").write_text("a")
    for name in "bc":
        (tmp_path / name).hardlink_to(tmp_path / "a")
    assert [files.first_name((tmp_path / name).stat(), name) for name in "abc"] == ["", "a", "a"]
    assert not files._met


def test_a_name_that_lies_elsewhere_is_not_missed(tmp_path: Path) -> None:
    (tmp_path / "top").mkdir()
    (tmp_path / "elsewhere").write_text("content")
    (tmp_path / "top" / "file").hardlink_to(tmp_path / "elsewhere")
    assert [(one.path, one.type) for one in written(tmp_path / "top", "t").members[1:]] == [("t/file", "file")]


def test_a_stream_that_is_left_early_lets_go_of_large_files(tmp_path: Path) -> None:
    (tmp_path / "large").write_bytes(noise(20 * LARGE))
    before = sorted(os.listdir("/proc/self/fd"))
    with TarPackerHere().pack(str(tmp_path), "t") as stream:
        stream.readinto(memoryview(bytearray(1000)))
    assert sorted(os.listdir("/proc/self/fd")) == before


def test_a_file_that_grows_far_while_it_waits_is_cut(top: Path) -> None:
    with closing(LocalTree(str(top))) as tree:
        wanted = file_of(list(tree.entries()), "folder/file")
        (top / "folder" / "file").write_bytes(noise(3_000_000))
        (piece,) = tree.read([wanted])
    assert isinstance(piece, Piece)
    assert piece.size == 3_000_000
    assert len(piece.data) < 1_200_000


def test_what_can_not_be_opened_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(SourceError, match="gone: nothing of it could be read: No such file"):
        LocalTree(str(tmp_path / "gone"))


def test_the_same_bytes_come_however_they_are_read(tmp_path: Path) -> None:
    for number in range(300):
        (tmp_path / f"{number}").write_bytes(noise(number * 97, number))
    whole = packed(TarPackerHere(), tmp_path, "t").data
    for size in (1000, 10_240, 1_000_000):
        with TarPackerHere().pack(str(tmp_path), "t") as stream:
            assert read_all(stream, size) == whole
