"""Owners, extended attributes, ACLs and devices: in the streams of both packers, where stock tar finds them."""

from __future__ import annotations

import os
import random
import struct
import tarfile
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from glacier_backup.pack.acl import acl_attribute
from glacier_backup.pack.tar import TarPacker
from glacier_backup.pack.tar_attributes import acl_text
from tests.lacking import lacking
from tests.pack.here import TarPackerHere
from tests.pack.packing import Packed, grow, packed
from tests.pack.test_tar_round_trip import unpacked

NOBODY = 2**32 - 1
ACL = struct.pack("<I", 2) + b"".join(
    struct.pack("<HHI", *entry)
    for entry in [(1, 6, NOBODY), (2, 4, 12_345), (4, 4, NOBODY), (8, 7, 54_321), (0x10, 5, NOBODY), (0x20, 0, NOBODY)]
)
ACL_TEXT = b"user::rw-\nuser:12345:r--\ngroup::r--\ngroup:54321:rwx\nmask::r-x\nother::---\n"


def set_attribute(path: Path, name: str, value: bytes) -> None:
    try:
        os.setxattr(path, name, value, follow_symlinks=False)
    except OSError as error:
        lacking(f"this file system takes no {name}: {error}")


@pytest.fixture
def tree(tmp_path: Path) -> Path:
    top = tmp_path / "tree"
    (top / "folder").mkdir(parents=True)
    (top / "file").write_text("content")
    (top / "link").symlink_to("file")
    return top


def headers(result: Packed, name: str) -> dict[str, bytes]:
    found = result.tarfile().getmember(name).pax_headers
    return {key: value.encode("utf-8", "surrogateescape") for key, value in found.items() if key.startswith("SCHILY")}


def test_extended_attributes_are_in_the_stream(tar: TarPacker, tree: Path) -> None:
    for name, value in (("user.colour", b"green\n=\xff\0"), ("user.empty", b""), ("user.a", b"1"), ("user.%=", b"odd")):
        set_attribute(tree / "file", name, value)
    set_attribute(tree / "folder", "user.of", b"a folder")
    set_attribute(tree, "user.of", b"the topmost")
    result = packed(tar, tree, "t")
    assert headers(result, "t/file") == {
        "SCHILY.xattr.user.%25%3D": b"odd",
        "SCHILY.xattr.user.a": b"1",
        "SCHILY.xattr.user.colour": b"green\n=\xff\0",
        "SCHILY.xattr.user.empty": b"",
    }
    assert headers(result, "t/folder") == {"SCHILY.xattr.user.of": b"a folder"}
    assert headers(result, "t") == {"SCHILY.xattr.user.of": b"the topmost"}
    assert headers(result, "t/link") == {}
    assert not result.outcome.problems


def test_acls_are_in_the_stream_as_text_and_as_they_are(tar: TarPacker, tree: Path) -> None:
    set_attribute(tree / "file", "system.posix_acl_access", ACL)
    set_attribute(tree / "folder", "system.posix_acl_default", ACL)
    result = packed(tar, tree, "t")
    assert headers(result, "t/file") == {
        "SCHILY.acl.access": ACL_TEXT,
        "SCHILY.xattr.system.posix_acl_access": ACL,
    }
    found = headers(result, "t/folder")
    found.pop("SCHILY.acl.access", None)  # GNU tar makes one of the mode
    assert found == {"SCHILY.acl.default": ACL_TEXT, "SCHILY.xattr.system.posix_acl_default": ACL}


def test_stock_tar_gives_attributes_acls_and_owners_back(tar: TarPacker, tree: Path, tmp_path: Path) -> None:
    if os.geteuid() != 0:
        pytest.skip("giving files away takes root")
    set_attribute(tree / "file", "user.colour", b"green")
    set_attribute(tree / "file", "system.posix_acl_access", ACL)
    for name, owner in (("file", 12_345), ("folder", 3_000_000_000), ("link", 54_321)):
        os.chown(tree / name, owner, owner + 1, follow_symlinks=False)
    out = unpacked(packed(tar, tree, "t").data, tmp_path / "out", "--xattrs", "--acls", "--same-owner") / "t"
    assert os.getxattr(out / "file", "user.colour") == b"green"
    assert os.getxattr(out / "file", "system.posix_acl_access") == ACL
    for name in ("file", "folder", "link"):
        before, after = (tree / name).lstat(), (out / name).lstat()
        assert (after.st_uid, after.st_gid) == (before.st_uid, before.st_gid)


def test_devices_are_in_the_stream_with_their_numbers(tar: TarPacker, tree: Path) -> None:
    if os.geteuid() != 0:
        pytest.skip("making a device takes root")
    os.mknod(tree / "null", 0o20644, os.makedev(1, 3))
    os.mknod(tree / "disk", 0o60600, os.makedev(259, 70_000))
    result = packed(tar, tree, "t")
    found = {name: result.tarfile().getmember(f"t/{name}") for name in ("null", "disk")}
    assert [(one.type, one.devmajor, one.devminor) for one in found.values()] == [
        (tarfile.CHRTYPE, 1, 3),
        (tarfile.BLKTYPE, 259, 70_000),
    ]
    assert {one.type for one in result.members if one.path in ("t/null", "t/disk")} == {"device"}


@pytest.mark.parametrize("seed", range(6))
def test_both_packers_say_the_same_of_every_member(tmp_path: Path, seed: int) -> None:
    tree, choice = tmp_path / "tree", random.Random(seed)
    grow(tree, seed)
    for path in sorted(tree.rglob("*")):
        before = path.lstat()
        if choice.random() < 0.3 and (path.is_dir() or path.is_file()) and not path.is_symlink():
            set_attribute(path, f"user.{seed}", choice.randbytes(20))
        if choice.random() < 0.3 and os.geteuid() == 0:
            os.chown(path, choice.randrange(2**31), choice.randrange(2**31), follow_symlinks=False)
        os.utime(path, ns=(0, before.st_mtime_ns), follow_symlinks=False)

    by_gnu, here = packed(TarPacker(), tree, "top"), packed(TarPackerHere(), tree, "top")

    assert facts(here) == facts(by_gnu)
    assert [one._replace(offset=0) for one in here.members] == [one._replace(offset=0) for one in by_gnu.members]
    assert here.outcome == by_gnu.outcome


def facts(result: Packed) -> list[tuple[object, ...]]:
    """All that Python's reader finds, but for what a sparse file's map is; in order."""
    return [
        (
            *(info.name, info.type, info.size, info.mode, info.pax_headers.get("mtime", info.mtime)),
            *(info.uid, info.gid, info.uname, info.gname, info.linkname, info.devmajor, info.devminor),
            sorted((key, value) for key, value in info.pax_headers.items() if key.startswith("SCHILY")),
            _content(result, info),
        )
        for info in result.tarfile()
    ]


def _content(result: Packed, info: tarfile.TarInfo) -> bytes:
    if not info.isreg():
        return b""
    file = result.tarfile().extractfile(info)
    assert file is not None
    return file.read()


@pytest.mark.parametrize("value", [b"", b"\0" * 4, struct.pack("<I", 1), ACL[:-1], ACL[:4] + b"\x03" + ACL[5:]])
def test_what_is_no_acl_has_no_text(value: bytes) -> None:
    assert acl_text(value) in (None, b"")


BITS = st.integers(0, 7)


@given(st.dictionaries(st.tuples(st.sampled_from([2, 8]), st.integers(0, 2**32 - 2)), BITS), st.tuples(*[BITS] * 4))
def test_an_acl_becomes_text_and_an_attribute_again(named: dict[tuple[int, int], int], own: tuple[int, ...]) -> None:
    entries = {(tag, NOBODY): bits for tag, bits in zip((1, 4, 0x10, 0x20), own, strict=True)} | named
    value = struct.pack("<I", 2) + b"".join(
        struct.pack("<HHI", tag, bits, who) for (tag, who), bits in sorted(entries.items())
    )
    text = acl_text(value)
    assert text is not None
    assert acl_attribute(text) == value
