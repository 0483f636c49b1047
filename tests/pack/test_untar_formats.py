"""Other tars' formats: all that GNU tar writes, and Python's tarfile, come back."""

from __future__ import annotations

import io
import os
import subprocess
import tarfile
from pathlib import Path

import pytest

from glacier_backup.units import MIB
from tests.pack.packing import grow
from tests.pack.unpacking import made_by_hand, unpack
from tests.roundtrip.trees import look, room_taken


def tar(folder: Path, *options: str, name: str = "tree") -> bytes:
    return subprocess.run(["tar", "-C", folder, "-c", *options, name], stdout=subprocess.PIPE, check=True).stdout


def without_fractions(top: Path) -> None:
    """Times that any format can hold."""
    for path in [*top.rglob("*"), top]:
        os.utime(path, ns=(0, abs(path.lstat().st_mtime_ns) // 10**9 * 10**9), follow_symlinks=False)


@pytest.mark.parametrize("form", ["gnu", "oldgnu", "posix"])
@pytest.mark.parametrize("sparse", [(), ("--sparse",), ("--sparse", "--sparse-version=0.1"), ("--hole-detection=raw",)])
def test_trees_of_gnu_tar_come_back(tmp_path: Path, form: str, sparse: tuple[str, ...]) -> None:
    grow(tmp_path / "tree", 11)
    with (tmp_path / "tree/holes").open("wb") as file:
        for number in range(60):  # more than a header of the old format has room for
            file.seek(number * 100_000)
            file.write(b"%d" % number)
        file.truncate(9 * MIB)
    without_fractions(tmp_path / "tree")
    data = tar(tmp_path, f"--format={form}", *sparse)
    unpack(data, tmp_path / "to")
    assert look(tmp_path / "to/tree") == look(tmp_path / "tree")
    if sparse:
        assert room_taken(tmp_path / "to/tree/holes") < MIB


@pytest.mark.parametrize("form", ["ustar", "v7"])
def test_plain_archives_come_back(tmp_path: Path, form: str) -> None:
    top = tmp_path / "tree"
    (top / "folder").mkdir(parents=True)
    (top / "folder/file").write_text("content")
    (top / "link").symlink_to("folder/file")
    (top / "other").hardlink_to(top / "folder/file")
    if form == "ustar":
        (top / ("long" * 20) / ("name" * 20)).mkdir(parents=True)
    without_fractions(top)
    unpack(tar(tmp_path, f"--format={form}"), tmp_path / "to")
    assert look(tmp_path / "to/tree") == look(top)


def test_directories_of_the_oldest_tars_are_files_with_a_slash(tmp_path: Path) -> None:
    unpack(
        made_by_hand(("folder/", b"\0", b""), ("folder/file", b"\0", b"1"), format=tarfile.USTAR_FORMAT),
        tmp_path / "to",
    )
    assert (tmp_path / "to/folder").is_dir()


@pytest.mark.parametrize("form", [tarfile.USTAR_FORMAT, tarfile.GNU_FORMAT, tarfile.PAX_FORMAT])
def test_archives_of_python_come_back(tmp_path: Path, form: int) -> None:
    top = tmp_path / "tree"
    (top / "folder").mkdir(parents=True)
    (top / "folder/über\udcff").write_text("content")
    (top / "folder/link").symlink_to("../somewhere")
    without_fractions(top)
    data = io.BytesIO()
    with tarfile.open(fileobj=data, mode="w", format=form, errors="surrogateescape") as archive:
        archive.add(top, "tree")
    unpack(data.getvalue(), tmp_path / "to")
    assert look(tmp_path / "to/tree") == look(top)


def test_names_that_begin_with_a_dot_are_below_the_folder(tmp_path: Path) -> None:
    (tmp_path / "tree/.hidden").mkdir(parents=True)
    (tmp_path / "tree/.hidden/..file").write_text("content")
    (tmp_path / "tree/other").hardlink_to(tmp_path / "tree/.hidden/..file")
    unpacked = unpack(tar(tmp_path / "tree", "--format=posix", name="."), tmp_path / "to")
    assert sorted(member.path for member in unpacked.members) == [".hidden", ".hidden/..file", "other"]
    assert (tmp_path / "to/other").samefile(tmp_path / "to/.hidden/..file")


def test_volume_labels_are_no_members(tmp_path: Path) -> None:
    (tmp_path / "tree").mkdir()
    unpacked = unpack(tar(tmp_path, "--label=a tape"), tmp_path / "to")
    assert [member.path for member in unpacked.members] == ["tree"]
    assert unpacked.left_out == ()


def test_headers_for_all_members_hold_for_all(tmp_path: Path) -> None:
    data = io.BytesIO()
    with tarfile.open(fileobj=data, mode="w", format=tarfile.PAX_FORMAT, pax_headers={"mtime": "1234.5"}) as archive:
        for name in ("a", "b"):
            archive.addfile(tarfile.TarInfo(name))
    unpack(data.getvalue(), tmp_path / "to")
    assert {path.stat().st_mtime_ns for path in (tmp_path / "to").iterdir()} == {1_234_500_000_000}


def test_a_file_of_more_than_8_gib_comes_back(tmp_path: Path) -> None:
    """Nearly all of it holes, so that it takes no time."""
    (tmp_path / "tree").mkdir()
    with (tmp_path / "tree/large").open("wb") as file:
        file.truncate(2**33 + 1)
        file.seek(2**33)
        file.write(b"x")
    if room_taken(tmp_path / "tree/large") > MIB:
        pytest.skip("this file system has no holes")
    for form in ("gnu", "posix"):
        unpack(tar(tmp_path, "--sparse", f"--format={form}"), tmp_path / form)
        assert (tmp_path / form / "tree/large").stat().st_size == 2**33 + 1
        assert room_taken(tmp_path / form / "tree/large") < MIB


def test_an_archive_to_which_something_was_appended_comes_back(tmp_path: Path) -> None:
    (tmp_path / "tree/folder").mkdir(parents=True)
    (tmp_path / "tree/file").write_text("first")
    subprocess.run(["tar", "-C", tmp_path, "-cf", tmp_path / "tar", "--format=posix", "tree"], check=True)
    before = (tmp_path / "tree/folder").stat().st_mtime_ns
    (tmp_path / "tree/folder/late").write_text("late")
    (tmp_path / "tree/file").write_text("second")
    names = ("tree/folder/late", "tree/file")
    subprocess.run(["tar", "-C", tmp_path, "-rf", tmp_path / "tar", "--format=posix", *names], check=True)
    unpack((tmp_path / "tar").read_bytes(), tmp_path / "to")
    assert (tmp_path / "to/tree/file").read_text() == "second"
    assert (tmp_path / "to/tree/folder/late").read_text() == "late"
    assert (tmp_path / "to/tree/folder").stat().st_mtime_ns == before
