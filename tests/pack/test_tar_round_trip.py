"""What tar packs, stock tar unpacks; and the list of members is what is in the stream."""

from __future__ import annotations

import io
import os
import socket
import subprocess
import tarfile
from pathlib import Path

import pytest

from glacier_backup.model.archive import Member, MemberType
from glacier_backup.pack.tar import TarPacker
from tests.pack.packing import ODD_NAMES, Packed, grow, packed, seen
from tests.streams import noise

TYPES: dict[bytes, MemberType] = {
    tarfile.REGTYPE: "file",
    tarfile.DIRTYPE: "directory",
    tarfile.SYMTYPE: "symlink",
    tarfile.LNKTYPE: "hardlink",
    tarfile.FIFOTYPE: "fifo",
    tarfile.CHRTYPE: "device",
    tarfile.BLKTYPE: "device",
}


@pytest.fixture
def tree(tmp_path: Path) -> Path:
    top = tmp_path / "data" / "tree"
    top.mkdir(parents=True)
    return top


def unpacked(data: bytes, folder: Path, *options: str) -> Path:
    """The folder into which stock tar has unpacked ``data``."""
    folder.mkdir()
    subprocess.run(["tar", "-xp", *options, "-C", folder], input=data, check=True)
    return folder


def as_member(info: tarfile.TarInfo) -> Member:
    """What Python's reader says of a member, in our words; its times are too coarse."""
    target = info.linkname if info.islnk() or info.issym() else None
    return Member(info.name, TYPES[info.type], info.size, 0, info.mode, info.offset, target)


def listed(result: Packed) -> list[Member]:
    return [member._replace(mtime_ns=0) for member in result.members]


@pytest.mark.parametrize("seed", range(6))
def test_a_tree_of_every_kind_comes_back_as_it_was(tar: TarPacker, tmp_path: Path, seed: int) -> None:
    tree = tmp_path / "tree"
    grow(tree, seed)
    result = packed(tar, tree, "tree")
    assert seen(unpacked(result.data, tmp_path / "out") / "tree") == seen(tree)
    assert not result.outcome.problems
    assert not result.outcome.changed


@pytest.mark.parametrize("seed", range(6))
def test_the_list_of_members_is_what_python_finds_in_the_stream(tar: TarPacker, tmp_path: Path, seed: int) -> None:
    grow(tmp_path / "tree", seed)
    result = packed(tar, tmp_path / "tree", "tree")
    assert listed(result) == [as_member(info) for info in result.tarfile()]


def test_the_list_of_members_has_the_times_of_the_disk(tar: TarPacker, tmp_path: Path) -> None:
    grow(tmp_path / "tree", 99)
    for member in packed(tar, tmp_path / "tree", "tree").members:
        assert member.mtime_ns == (tmp_path / member.path).lstat().st_mtime_ns, member.path


@pytest.mark.parametrize("seed", [7, 8, 9])
def test_every_member_can_be_read_from_its_offset_alone(tar: TarPacker, tmp_path: Path, seed: int) -> None:
    grow(tmp_path / "tree", seed)
    result = packed(tar, tmp_path / "tree", "tree")
    for member in result.members:
        found = Packed(result.data[member.offset :], result.outcome, []).tarfile().next()
        assert found is not None
        assert as_member(found) == member._replace(mtime_ns=0, offset=0)


def test_odd_names_and_link_targets_come_back_byte_for_byte(tar: TarPacker, tree: Path, tmp_path: Path) -> None:
    for name in ODD_NAMES:
        (tree / name).mkdir()
        (tree / name / name).write_text(name, errors="surrogateescape")
        (tree / name / "link").symlink_to(name)
    result = packed(tar, tree, "tree")
    assert seen(unpacked(result.data, tmp_path / "out") / "tree") == seen(tree)
    assert listed(result) == [as_member(info) for info in result.tarfile()]


@pytest.mark.parametrize("name", ODD_NAMES)
def test_the_candidate_may_have_any_name(tar: TarPacker, tmp_path: Path, name: str) -> None:
    tree = tmp_path / name
    tree.mkdir()
    (tree / name).write_text("content")
    os.link(tree / name, tree / "linked")
    result = packed(tar, tree, name)
    assert seen(unpacked(result.data, tmp_path / "out") / name) == seen(tree)
    assert {member.path.partition("/")[0] for member in result.members} == {name}
    assert {member.target for member in result.members} <= {None, f"{name}/{name}", f"{name}/linked"}


def test_a_symlink_to_a_directory_is_packed_as_the_directory_under_its_own_name(
    tar: TarPacker, tree: Path, tmp_path: Path
) -> None:
    (tree / "file").write_text("content")
    (tree / "points to itself").symlink_to(tree)
    link = tmp_path / "li&nk\\1"
    link.symlink_to(tree)
    result = packed(tar, link, link.name)
    assert seen(unpacked(result.data, tmp_path / "out") / link.name) == seen(tree)
    assert result.data == packed(tar, tree, link.name).data


def test_the_root_directory_is_packed_under_its_stored_name(tar: TarPacker) -> None:
    start = memoryview(bytearray(20_480))
    with tar.pack("/", "root") as stream:
        assert stream.readinto(start) == len(start)
    with tarfile.open(fileobj=io.BytesIO(start)) as found:
        first, second = found.next(), found.next()
    assert first is not None
    assert second is not None
    assert first.name == "root"
    assert os.path.lexists("/" + second.name.removeprefix("root/"))


def test_links_inside_stay_as_they_are(tar: TarPacker, tree: Path) -> None:
    for name, target in (("up", "../.."), ("away", "/etc/passwd"), ("dots", "./.x"), ("nowhere", "no/where")):
        (tree / name).symlink_to(target)
    found = {member.path: member.target for member in packed(tar, tree, "t").members}
    assert found == {"t": None, "t/up": "../..", "t/away": "/etc/passwd", "t/dots": "./.x", "t/nowhere": "no/where"}


def test_a_hard_link_is_a_link_to_the_first_of_its_names(tar: TarPacker, tree: Path) -> None:
    (tree / "b").write_text("content")
    os.link(tree / "b", tree / "a")
    first, second = packed(tar, tree, "tree").members[1:]
    assert (first.path, first.type, first.size) == ("tree/a", "file", 7)
    assert (second.path, second.type, second.size, second.target) == ("tree/b", "hardlink", 0, "tree/a")


def test_an_empty_directory_is_one_member(tar: TarPacker, tree: Path) -> None:
    (member,) = packed(tar, tree, "tree").members
    assert (member.path, member.type, member.offset) == ("tree", "directory", 0)


@pytest.mark.parametrize("length", [0, 1, 10_240])
def test_a_file_is_packed_as_one_member(tar: TarPacker, tmp_path: Path, length: int) -> None:
    (tmp_path / "file").write_bytes(noise(length))
    result = packed(tar, tmp_path / "file", "file")
    assert listed(result) == [as_member(info) for info in result.tarfile()]
    assert (unpacked(result.data, tmp_path / "out") / "file").read_bytes() == noise(length)


def test_a_sparse_file_takes_only_the_room_of_its_data(tree: Path, tmp_path: Path) -> None:
    with (tree / "sparse").open("wb") as file:
        file.seek(50_000_000)
        file.write(b"data")
        file.truncate(90_000_000)
    if (tree / "sparse").stat().st_blocks > 1000:
        pytest.skip("this file system has no holes")
    result = packed(TarPacker(), tree, "tree")
    assert len(result.data) < 100_000
    assert [member.size for member in result.members] == [0, 90_000_000]
    assert seen(unpacked(result.data, tmp_path / "out") / "tree") == seen(tree)


def test_a_file_of_more_than_8_gib_is_listed_with_its_size(tree: Path) -> None:
    with (tree / "large").open("wb") as file:
        file.truncate(2**33 + 1)
    assert packed(TarPacker(), tree, "tree").members[1].size == 2**33 + 1


def test_extended_attributes_come_back(tar: TarPacker, tree: Path, tmp_path: Path) -> None:
    (tree / "file").touch()
    try:
        os.setxattr(tree / "file", "user.colour", b"green\n\xff")
    except OSError:
        pytest.skip("this file system has no extended attributes")
    result = packed(tar, tree, "tree")
    out = unpacked(result.data, tmp_path / "out", "--xattrs")
    assert os.getxattr(out / "tree/file", "user.colour") == b"green\n\xff"
    assert listed(result) == [as_member(info) for info in result.tarfile()]


def test_sockets_are_left_out_silently(tar: TarPacker, tree: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tree)
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind("socket")
        result = packed(tar, tree, "tree")
    assert [member.path for member in result.members] == ["tree"]
    assert result.outcome.problems == ()


def test_devices_are_members_without_content(tar: TarPacker, tree: Path) -> None:
    try:
        os.mknod(tree / "null", 0o20644, os.makedev(1, 3))
    except PermissionError:
        pytest.skip("making a device takes root")
    member = packed(tar, tree, "tree").members[1]
    assert (member.type, member.size, member.mode) == ("device", 0, 0o644)


@pytest.mark.parametrize(
    "moment",
    [0, 1, -1_000_000_000, -1_500_000_000, -86_400_000_000_001, 253_402_300_800_000_000_001, 2**33 * 10**9],
)
def test_times_far_from_now_are_listed(tar: TarPacker, tree: Path, moment: int) -> None:
    (tree / "file").touch()
    os.utime(tree / "file", ns=(moment, moment))
    kept = (tree / "file").stat().st_mtime_ns  # a file system may have bounds of its own
    assert packed(tar, tree, "tree").members[1].mtime_ns == kept


def test_20_000_small_files_are_packed_and_listed(tar: TarPacker, memory: Path) -> None:
    for folder in range(20):
        (memory / str(folder)).mkdir()
        for number in range(1000):
            (memory / str(folder) / f"{number}").write_text(str(number))
    result = packed(tar, memory, "tree", 16 * 1024 * 1024)
    content = 20 * sum(len(str(number)) for number in range(1000))
    assert len(result.members) == 20_021
    assert sum(member.size for member in result.members) == content
    assert len(result.data) <= tar.estimate(content, 20_021)


def test_members_cannot_be_stored_outside_of_where_they_are_unpacked(tree: Path) -> None:
    for name in ("", "/tree"):
        with pytest.raises(ValueError, match="can't be stored"), TarPacker().pack(str(tree), name):
            pass
