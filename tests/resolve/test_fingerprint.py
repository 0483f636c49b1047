"""What a fingerprint sees, what it doesn't, and the bytes that it is made of."""

from __future__ import annotations

import hashlib
import os
import stat
import struct
import subprocess
import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from glacier_backup.resolve.fingerprint import fingerprint_directory, fingerprint_file
from tests.permissions import with_mode
from tests.resolve.trees import as_ordinary_user, write

T0 = 1_700_000_000_123_456_789


@pytest.fixture
def tree(tmp_path: Path) -> Path:
    """A directory with every type of entry but devices, all with one mtime."""
    tree = tmp_path / "tree"
    write(tree / "a.txt", "abc").chmod(0o640)
    write(tree / "sub" / "deep" / "b.txt", "0123456789").chmod(0o600)
    (tree / "sub" / "empty").mkdir()
    (tree / "link").symlink_to("a.txt")
    (tree / "out").symlink_to("/etc")
    os.mkfifo(tree / "fifo", 0o600)
    for above, names, files in os.walk(tree):
        for name in [".", *names, *files]:
            os.utime(os.path.join(above, name), ns=(T0, T0), follow_symlinks=False)
    for directory in (tree, tree / "sub", tree / "sub" / "deep", tree / "sub" / "empty"):
        directory.chmod(0o750)
    return tree


def digest(tree: Path) -> str:
    return fingerprint_directory(str(tree)).digest


def test_the_bytes_of_the_format_are_these(tree: Path) -> None:
    def entry(name: bytes, mode: int, size: int, mtime: int, target: bytes | None = None) -> bytes:
        link = b"" if target is None else struct.pack(">I", len(target)) + target
        return name + b"\0" + struct.pack(">IQQ", mode, size, mtime) + link

    directory = stat.S_IFDIR | 0o750
    expected = [
        b"glacier-backup fingerprint 1\n",
        entry(b"", directory, 0, 0),
        entry(b"a.txt", stat.S_IFREG | 0o640, 3, T0),
        entry(b"fifo", stat.S_IFIFO | 0o600, 0, T0),
        entry(b"link", stat.S_IFLNK | 0o777, 0, T0, b"a.txt"),
        entry(b"out", stat.S_IFLNK | 0o777, 0, T0, b"/etc"),
        entry(b"sub", directory, 0, 0),
        b"\0r",
        entry(b"deep", directory, 0, 0),
        entry(b"empty", directory, 0, 0),
        b"\0r",
        entry(b"b.txt", stat.S_IFREG | 0o600, 10, T0),
        b"\0r",
        b"\0r",
    ]
    assert digest(tree) == hashlib.sha256(b"".join(expected)).hexdigest()


def test_the_digest_never_changes_for_catalogs_keep_it(tree: Path) -> None:
    file = fingerprint_file(str(tree / "a.txt"))
    assert digest(tree) == "5f1859d460918fa0a3ddb24326b1ad6d952dba5f2b2b39c62146edfbb8f76b93"
    assert file.digest == "46fe612157642c623d419fe4401245b6568e20668fb4e1794f9a517a2e2054f4"


def test_bytes_entries_and_newest_time_are_added_up(tree: Path) -> None:
    os.utime(tree / "sub" / "deep" / "b.txt", ns=(T0 + 5, T0 + 5))
    found = fingerprint_directory(str(tree))
    assert (found.bytes, found.entries, found.newest_mtime_ns) == (13, 9, T0 + 5)


def _add(tree: Path) -> None:
    write(tree / "sub" / "deep" / "c.txt")


def _delete(tree: Path) -> None:
    (tree / "sub" / "deep" / "b.txt").unlink()


def _delete_empty_directory(tree: Path) -> None:
    (tree / "sub" / "empty").rmdir()


def _rename(tree: Path) -> None:
    (tree / "sub" / "deep" / "b.txt").rename(tree / "sub" / "deep" / "c.txt")


def _move(tree: Path) -> None:
    (tree / "sub" / "deep" / "b.txt").rename(tree / "sub" / "empty" / "b.txt")


def _move_up(tree: Path) -> None:
    (tree / "sub" / "deep" / "b.txt").rename(tree / "sub" / "b.txt")


def _edit(tree: Path) -> None:
    (tree / "sub" / "deep" / "b.txt").write_text("9876543210")


def _set_time_back(tree: Path) -> None:
    os.utime(tree / "sub" / "deep" / "b.txt", ns=(0, 1))


def _grow(tree: Path) -> None:
    with (tree / "sub" / "deep" / "b.txt").open("a") as file:
        file.write("x")
    os.utime(tree / "sub" / "deep" / "b.txt", ns=(T0, T0))


def _change_mode(tree: Path) -> None:
    (tree / "sub" / "deep" / "b.txt").chmod(0o644)


def _change_mode_of_directory(tree: Path) -> None:
    (tree / "sub" / "deep").chmod(0o700)


def _change_own_mode(tree: Path) -> None:
    tree.chmod(0o700)


def _point_elsewhere(tree: Path) -> None:
    (tree / "link").unlink()
    (tree / "link").symlink_to("b.txt")
    os.utime(tree / "link", ns=(T0, T0), follow_symlinks=False)


def _file_for_link(tree: Path) -> None:
    (tree / "link").unlink()
    write(tree / "link", "abc")
    os.utime(tree / "link", ns=(T0, T0))


CHANGES = [
    _add,
    _delete,
    _delete_empty_directory,
    _rename,
    _move,
    _move_up,
    _edit,
    _set_time_back,
    _grow,
    _change_mode,
    _change_mode_of_directory,
    _change_own_mode,
    _point_elsewhere,
    _file_for_link,
]


@pytest.mark.parametrize("change", CHANGES)
def test_a_change_deep_down_is_seen(tree: Path, change: Callable[[Path], None]) -> None:
    before = digest(tree)
    change(tree)
    assert digest(tree) != before


def test_packing_by_tar_changes_nothing(tree: Path, tmp_path: Path) -> None:
    before = fingerprint_directory(str(tree))
    with (tmp_path / "packed.tar").open("wb") as file:
        subprocess.run(["tar", "-cf", "-", "-C", tmp_path, "tree"], stdout=file, check=True)
    assert fingerprint_directory(str(tree)) == before


def test_what_came_and_went_is_unchanged_but_leaves_a_newer_time(tree: Path) -> None:
    before = fingerprint_directory(str(tree))
    write(tree / "sub" / ".lock").unlink()
    after = fingerprint_directory(str(tree))
    assert after.digest == before.digest
    assert after.newest_mtime_ns > before.newest_mtime_ns


def test_an_old_file_moved_in_leaves_a_newer_time(tree: Path, tmp_path: Path) -> None:
    os.utime(write(tmp_path / "old"), ns=(1, 1))
    before = fingerprint_directory(str(tree))
    (tmp_path / "old").rename(tree / "sub" / "old")
    assert fingerprint_directory(str(tree)).newest_mtime_ns > before.newest_mtime_ns


def test_where_the_candidate_lies_and_its_own_name_do_not_count(tree: Path, tmp_path: Path) -> None:
    before = digest(tree)
    assert digest(tree.rename(tmp_path / "elsewhere")) == before


def test_links_below_are_not_followed(tree: Path, tmp_path: Path) -> None:
    (tree / "up").symlink_to("..")
    before = fingerprint_directory(str(tree))
    write(tmp_path / "beside", "more")
    assert fingerprint_directory(str(tree)) == before


def test_a_link_is_looked_at_as_what_it_points_to(tree: Path, tmp_path: Path) -> None:
    (tmp_path / "dir").symlink_to(tree)
    (tmp_path / "file").symlink_to(tree / "a.txt")
    assert fingerprint_directory(str(tmp_path / "dir")) == fingerprint_directory(str(tree))
    assert fingerprint_file(str(tmp_path / "file")) == fingerprint_file(str(tree / "a.txt"))


def test_a_file_has_its_size_time_and_mode(tree: Path) -> None:
    path = tree / "a.txt"
    before = fingerprint_file(str(path))
    assert (before.bytes, before.entries, before.newest_mtime_ns) == (3, 1, T0)
    path.chmod(0o600)
    changed_mode = fingerprint_file(str(path))
    os.utime(path, ns=(T0, T0 + 1))
    assert len({before.digest, changed_mode.digest, fingerprint_file(str(path)).digest}) == 3


@pytest.mark.parametrize("seconds", [-(10**9), 0, 10**10])
def test_times_before_1970_and_after_2262_have_a_fingerprint(tree: Path, seconds: int) -> None:
    os.utime(tree / "a.txt", ns=(0, seconds * 10**9 + 1))
    found = fingerprint_file(str(tree / "a.txt"))
    assert -(2**63) <= found.newest_mtime_ns < 2**63
    os.utime(tree / "a.txt", ns=(0, seconds * 10**9 + 2))
    assert fingerprint_file(str(tree / "a.txt")).digest != found.digest


def test_names_of_any_bytes_are_told_apart(tmp_path: Path) -> None:
    seen = set()
    for name in [b"\xff", b"\xfe", b"new\nline", b"-dash", b" ", b"x" * 255, "ä".encode(), "a\u0308".encode()]:
        path = os.path.join(os.fsencode(tmp_path), name)
        os.close(os.open(path, os.O_CREAT))
        os.utime(path, ns=(T0, T0))
        seen.add(digest(tmp_path))
        os.unlink(path)
    assert len(seen) == 8


LOOK = """
import sys
from glacier_backup.resolve.fingerprint import fingerprint_directory
print(fingerprint_directory(sys.argv[1]))
"""


class TestPermissions:
    def test_a_file_without_permission_is_looked_at(self, tree: Path) -> None:
        (tree / "a.txt").chmod(0)
        assert as_ordinary_user(LOOK, tree) == str(fingerprint_directory(str(tree)))

    @pytest.mark.parametrize(("name", "entries"), [("sub/empty", 9), ("sub/deep", 8), ("sub", 6), (".", 1)])
    def test_an_unreadable_directory_counts_as_empty_and_is_told_from_an_empty_one(
        self, tree: Path, name: str, entries: int
    ) -> None:
        readable = digest(tree)
        with with_mode(tree / name):
            unreadable = as_ordinary_user(LOOK, tree)
            if os.geteuid() == 0:
                readable = digest(tree)  # told apart by more than the mode
        assert readable not in unreadable
        assert f"entries={entries}," in unreadable

    def test_the_bytes_of_a_directory_that_cannot_be_read_are_these(self, tree: Path) -> None:
        own_entry = b"\0" + struct.pack(">IQQ", stat.S_IFDIR, 0, 0)
        expected = hashlib.sha256(b"glacier-backup fingerprint 1\n" + own_entry + b"\0u").hexdigest()
        with with_mode(tree):
            assert expected in as_ordinary_user(LOOK, tree)

    def test_entries_that_may_be_listed_but_not_examined_count(self, tree: Path) -> None:
        with with_mode(tree / "sub" / "deep", 0o400):
            assert "entries=9," in as_ordinary_user(LOOK, tree)


@pytest.fixture
def deep_tree(tmp_path: Path) -> Iterator[Path]:
    """5,000 directories in each other, with a file at the bottom and one beside every hundredth."""
    deep = tmp_path / "deep"
    deep.mkdir()
    above = os.open(deep, os.O_RDONLY)
    for level in range(5000):
        os.mkdir("directory", dir_fd=above)
        if level % 100 == 0:
            os.mkdir("later", dir_fd=above)
        below = os.open("directory", os.O_RDONLY, dir_fd=above)
        os.close(above)
        above = below
    os.close(os.open("file", os.O_CREAT, dir_fd=above))
    os.close(above)
    yield deep
    subprocess.run(["rm", "-rf", deep], check=True)


def test_a_tree_deeper_than_any_path_is_read_with_few_open_files(deep_tree: Path) -> None:
    few = "import resource; resource.setrlimit(resource.RLIMIT_NOFILE, (64, 64))"
    found = as_ordinary_user(f"{few}\n{LOOK}", deep_tree)
    assert found == str(fingerprint_directory(str(deep_tree)))
    assert f"entries={1 + 5000 + 50 + 1}," in found


def test_no_descriptor_is_left_open(tree: Path, deep_tree: Path) -> None:
    before = len(os.listdir("/proc/self/fd"))
    fingerprint_directory(str(tree))
    fingerprint_directory(str(deep_tree))
    with pytest.raises(NotADirectoryError):
        fingerprint_directory(str(tree / "a.txt"))
    assert len(os.listdir("/proc/self/fd")) == before


def test_what_vanishes_during_the_scan_is_left_out(tmp_path: Path) -> None:
    root = tmp_path / "root"
    files = [write(root / f"{directory}" / "sub" / f"{number}") for directory in range(20) for number in range(50)]

    def delete() -> None:
        for file in files:
            file.unlink()
        subprocess.run(["rm", "-rf", *root.iterdir()], check=True)

    deleting = threading.Thread(target=delete)
    deleting.start()
    looks = []
    while deleting.is_alive():
        looks.append(fingerprint_directory(str(root)))
    deleting.join()
    assert all(look.entries <= 1041 for look in looks)
    assert fingerprint_directory(str(root)).entries == 1
