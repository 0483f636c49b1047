"""Trees of every kind of file, packed and unpacked, come back equal: bytes and attributes."""

from __future__ import annotations

import os
import subprocess
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from glacier_backup.model.archive import Member
from glacier_backup.pack.tar import TarPacker
from glacier_backup.pack.unpacker import UnpackOrder
from glacier_backup.pack.unraw import RawUnpacker
from glacier_backup.pack.untar import TarUnpacker
from glacier_backup.units import MIB
from tests.lacking import lacking
from tests.pack.here import written
from tests.pack.packing import ODD_NAMES, grow, packed
from tests.pack.unpacking import TREE, folder_in_memory, opened, stopped, unpack, without_privilege
from tests.roundtrip.attributes import ACCESS, DEFAULT, NOBODY, acl, with_attributes
from tests.roundtrip.trees import look, room_taken
from tests.streams import BytesStream, noise

NAMES = st.one_of(
    st.sampled_from(ODD_NAMES),
    st.binary(min_size=1, max_size=255)
    .map(lambda name: os.fsdecode(name.replace(b"/", b"-").replace(b"\0", b"0")))
    .filter(lambda name: name not in (".", "..")),
)
MOMENTS = st.integers(-(2**33) * 10**9, 2**34 * 10**9)


@st.composite
def trees(draw: st.DrawFn) -> list[tuple[str, ...]]:
    """Steps that make a tree: what, where below (by number of a directory), name, and more."""
    kinds = st.sampled_from(("directory", "file", "file", "sparse", "symlink", "hardlink", "fifo", "attributes"))
    return draw(
        st.lists(st.tuples(kinds, st.integers(0, 9).map(str), NAMES, st.integers(0, 10**6).map(str)), max_size=25)
    )


def build(top: Path, steps: list[tuple[str, ...]], moments: list[int]) -> None:
    """The tree that the steps say."""
    top.mkdir()
    folders, files = [top], list[Path]()
    for kind, where, name, number in steps:
        path = folders[int(where) % len(folders)] / name
        if len(os.fsencode(path)) > 3000 or os.path.lexists(path):
            continue
        _make(kind, path, int(number), folders, files)
    for turn, path in enumerate([*sorted(top.rglob("*"), reverse=True), top]):
        if not path.is_symlink():
            path.chmod((0o700, 0o755, 0o1777, 0o2750, 0o4711, 0o744)[turn % 6])
        moment = moments[turn % len(moments)]
        os.utime(path, ns=(0, moment), follow_symlinks=False)


def _make(kind: str, path: Path, number: int, folders: list[Path], files: list[Path]) -> None:
    if kind == "directory":
        path.mkdir()
        folders.append(path)
    elif kind == "symlink":
        path.symlink_to(ODD_NAMES[number % len(ODD_NAMES)])
    elif kind == "fifo":
        os.mkfifo(path)
    elif kind == "hardlink" and files:
        path.hardlink_to(files[number % len(files)])
    else:
        path.write_bytes(noise(number % 3000))
        files.append(path)
        if kind == "sparse":
            os.truncate(path, number)
            with path.open("r+b") as file:
                file.seek(number * 2)
                file.write(b"behind a hole")
        elif kind == "attributes":
            with_attributes(path)


def _as_listed(member: Member) -> Member:
    """GNU tar's list doesn't tell the last second before 1970 from the first one after it; its archives do."""
    return member._replace(mtime_ns=-member.mtime_ns) if -(10**9) < member.mtime_ns < 0 else member


@settings(max_examples=40, suppress_health_check=list(HealthCheck))
@given(trees(), st.lists(MOMENTS, min_size=1, max_size=5))
@example([("sparse", "0", "sparse", "1000000")], [-1])
def test_any_tree_comes_back_from_tar(steps: list[tuple[str, ...]], moments: list[int]) -> None:
    with folder_in_memory() as folder:
        build(folder / "tree", steps, moments)
        result = packed(TarPacker(), folder / "tree", "tree")
        unpacked = unpack(result.data, folder / "to")
        assert look(folder / "to/tree") == look(folder / "tree")
        assert [_as_listed(member) for member in unpacked.members] == result.members
        assert unpacked.left_out == ()


@settings(max_examples=25, suppress_health_check=list(HealthCheck))
@given(trees(), st.lists(MOMENTS, min_size=1, max_size=5))
def test_any_tree_comes_back_from_our_own_writer(steps: list[tuple[str, ...]], moments: list[int]) -> None:
    with folder_in_memory() as folder:
        plain = [step for step in steps if step[0] not in ("hardlink", "attributes")]
        build(folder / "tree", plain, moments)
        result = written(folder / "tree", "tree")
        unpacked = unpack(result.data, folder / "to")
        assert look(folder / "to/tree") == look(folder / "tree")
        assert unpacked.members == result.members


@pytest.mark.parametrize("seed", range(3))
def test_a_tree_comes_back_when_it_is_resumed_after_every_step(tmp_path: Path, seed: int) -> None:
    """Killed there, or some steps later."""
    grow(tmp_path / "tree", seed)
    result = packed(TarPacker(), tmp_path / "tree", "tree")
    wanted = look(tmp_path / "tree")
    members, position, checkpoint = 0, 0, None
    with opened(tmp_path / "to") as folder:
        while members <= len(result.members):
            order = replace(TREE, start=position, resume=checkpoint)
            unpacking = TarUnpacker().unpack(BytesStream(result.data[position:]), folder, order)
            taken = 1 + members % 4
            checkpoint = stopped(unpacking, taken, taken + (members * 7 + seed) % 12) or checkpoint
            members += taken
            position = TarUnpacker().position(checkpoint or "")
        order = replace(TREE, start=position, resume=checkpoint)
        list(TarUnpacker().unpack(BytesStream(result.data[position:]), folder, order))
    assert look(tmp_path / "to/tree") == wanted


def test_a_tree_whose_directories_may_not_be_written_comes_back_when_killed_and_resumed(tmp_path: Path) -> None:
    """As an ordinary user would see it; root's power to do so all the same is taken away."""
    top = tmp_path / "tree"
    for name in ("a/b/c", "a/d", "e"):
        (top / name).mkdir(parents=True)
        (top / name / "file").write_text(name)
        (top / name / "file").chmod(0o000)
    (top / "e/linked").hardlink_to(top / "a/b/c/file")
    for name, mode in (("a/b/c", 0o000), ("a/b", 0o555), ("a/d", 0o100), ("a", 0o600), ("e", 0o500), (".", 0o555)):
        (top / name).chmod(mode)
        os.utime(top / name, ns=(0, 10**18 + mode))
    data = packed(TarPacker(), top, "tree").data
    (tmp_path / "tar").write_bytes(data)
    (tmp_path / "to").mkdir()
    script = tmp_path / "script.py"
    script.write_text(_RESUMING)
    subprocess.run([*without_privilege(), script, tmp_path / "tar", tmp_path / "to"], check=True, cwd=Path.cwd())
    assert look(tmp_path / "to/tree") == look(top)


_RESUMING = """
import os, sys
sys.path.insert(0, os.getcwd())
from glacier_backup.pack.unpacker import UnpackOrder
from glacier_backup.pack.untar import TarUnpacker
from tests.pack.unpacking import stopped
from tests.streams import BytesStream
data = open(sys.argv[1], "rb").read()
folder = os.open(sys.argv[2], os.O_RDONLY)
def unpacking(checkpoint):
    position = TarUnpacker().position(checkpoint) if checkpoint else 0
    order = UnpackOrder("tree", "directory", start=position, resume=checkpoint)
    return TarUnpacker().unpack(BytesStream(data[position:]), folder, order)
for steps in range(12):
    checkpoint = stopped(unpacking(None), steps, steps)
    list(unpacking(checkpoint))  # done to the end, and once more from there
    list(unpacking(checkpoint))
"""


def test_acls_come_back(tmp_path: Path) -> None:
    top = tmp_path / "tree"
    (top / "folder").mkdir(parents=True)
    (top / "file").write_text("content")
    access = acl((1, 6, NOBODY), (2, 4, 1), (2, 6, 54321), (4, 0, NOBODY), (16, 6, NOBODY), (32, 0, NOBODY))
    default = acl((1, 7, NOBODY), (4, 5, NOBODY), (8, 5, 54321), (16, 5, NOBODY), (32, 0, NOBODY))
    try:
        os.setxattr(top / "file", ACCESS, access)
    except OSError:
        lacking("this file system has no ACLs")
    os.setxattr(top / "folder", DEFAULT, default)
    os.setxattr(top / "folder", ACCESS, default)
    (top / "folder/plain").mkdir()
    (top / "folder/plain/inherits").write_text("content")
    data = packed(TarPacker(), top, "tree").data
    unpack(data, tmp_path / "to")
    assert look(tmp_path / "to/tree") == look(top)
    # and where the target would give everything ACLs of its own
    (tmp_path / "other").mkdir()
    os.setxattr(tmp_path / "other", DEFAULT, default)
    unpack(data, tmp_path / "other")
    assert look(tmp_path / "other/tree") == look(top)
    # a single file, of which only the permissions are known, included
    unpack(b"content", tmp_path / "other", UnpackOrder("raw", "file", 0, 0o640), RawUnpacker())
    assert os.listxattr(tmp_path / "other/raw") == []


def test_owners_come_back_for_root_with_what_a_change_of_owner_takes_away(tmp_path: Path) -> None:
    if os.geteuid() != 0:
        pytest.skip("only root gives files away")
    top = tmp_path / "tree"
    (top / "folder").mkdir(parents=True)
    (top / "program").write_text("#!/bin/sh")
    (top / "link").symlink_to("nowhere")
    os.mkfifo(top / "fifo")
    for number, name in enumerate(("folder", "program", "link", "fifo", ".")):
        os.chown(top / name, 12345 + number, 54321 + number, follow_symlinks=False)
    (top / "program").chmod(0o6755)
    (top / "folder").chmod(0o3777)
    os.setxattr(top / "program", "security.capability", bytes.fromhex("0100000200040000000000000000000000000000"))
    os.setxattr(top / "link", "trusted.odd", b"x", follow_symlinks=False)
    unpack(packed(TarPacker(), top, "tree").data, tmp_path / "to")
    assert look(tmp_path / "to/tree") == look(top)


def test_more_pieces_than_a_header_may_have_bytes_come_back(tmp_path: Path) -> None:
    """A file with 20,000 holes; its map is longer than anything else that a header may hold."""
    (tmp_path / "tree").mkdir()
    with (tmp_path / "tree/sparse").open("wb") as file:
        for number in range(20_000):
            file.seek(number * 8192)
            file.write(b"%d" % number)
        file.truncate(20_000 * 8192)
    if room_taken(tmp_path / "tree/sparse") > 100 * MIB:
        pytest.skip("this file system has no small holes")
    result = packed(TarPacker(), tmp_path / "tree", "tree")
    with opened(tmp_path / "to") as folder:
        checkpoint = stopped(TarUnpacker().unpack(BytesStream(result.data), folder, TREE), 3, 4)
        position = TarUnpacker().position(checkpoint)
        assert position == result.members[1].offset  # so long a map is in no checkpoint: the file is begun again
        assert len(checkpoint) < 1000
        order = replace(TREE, start=position, resume=checkpoint)
        list(TarUnpacker().unpack(BytesStream(result.data[position:]), folder, order))
    assert look(tmp_path / "to/tree") == look(tmp_path / "tree")
    assert room_taken(tmp_path / "to/tree/sparse") <= 100 * MIB


def test_a_large_sparse_file_goes_on_after_each_checkpoint(tmp_path: Path) -> None:
    (tmp_path / "tree").mkdir()
    with (tmp_path / "tree/sparse").open("wb") as file:
        for number in range(4):
            file.seek(number * 30 * MIB + 12345)
            file.write(noise(9 * MIB))
    result = packed(TarPacker(), tmp_path / "tree", "tree")
    for steps in (2, 3):
        with opened(tmp_path / f"to{steps}") as folder:
            checkpoint = stopped(TarUnpacker().unpack(BytesStream(result.data), folder, TREE), steps, steps)
            position = TarUnpacker().position(checkpoint)
            assert position >= (steps - 1) * 16 * MIB
            order = replace(TREE, start=position, resume=checkpoint)
            list(TarUnpacker().unpack(BytesStream(result.data[position:]), folder, order))
        assert look(tmp_path / f"to{steps}/tree") == look(tmp_path / "tree")


def test_a_tree_deeper_than_a_path_may_be_long_comes_back(tmp_path: Path) -> None:
    """GNU tar packs it; it can be made and looked at only step by step."""
    (tmp_path / "tree").mkdir()
    here = os.open(tmp_path / "tree", os.O_RDONLY)
    for _ in range(300):
        os.mkdir("a" * 20, dir_fd=here)
        above, here = here, os.open("a" * 20, os.O_RDONLY, dir_fd=here)
        os.close(above)
    os.close(os.open("file", os.O_CREAT | os.O_WRONLY, dir_fd=here))
    os.utime(here, ns=(0, 123_456_789))
    os.close(here)
    result = packed(TarPacker(), tmp_path / "tree", "tree")
    assert len(result.members) == 302
    assert unpack(result.data, tmp_path / "to").members == result.members
    again = packed(TarPacker(), tmp_path / "to/tree", "tree")
    assert again.data == result.data
