"""Streams that hash the files in them while they are read."""

from __future__ import annotations

import hashlib
import io
import os
import tarfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from glacier_backup.model.archive import Member
from glacier_backup.pack import tar_hashes
from glacier_backup.pack.block_counts import blocks_are_counted
from glacier_backup.pack.gnu_tar import find_gnu_tar
from glacier_backup.pack.group import GroupPacker
from glacier_backup.pack.hashed import HashedFile, HashedTar, hashed
from glacier_backup.pack.link import LinkPacker
from glacier_backup.pack.packer import PackedStream, Packer
from glacier_backup.pack.raw import RawPacker
from glacier_backup.pack.tar import TarPacker
from glacier_backup.pack.tar_hashes import TarHashes
from glacier_backup.units import MIB
from tests.pack.gathered import GroupPackerHere, contents_below
from tests.pack.packing import grow, packed, read_all
from tests.streams import noise


@pytest.fixture(params=[GroupPacker, GroupPackerHere], ids=["GNU tar", "here"])
def groups(request: pytest.FixtureRequest) -> type[GroupPacker]:
    found: type[GroupPacker] = request.param
    return found


@contextmanager
def opened(packer: Packer, path: Path) -> Iterator[HashedFile | HashedTar]:
    with hashed(packer.pack(str(path), path.name), packer.container) as stream:
        yield stream


def hashes(groups: type[GroupPacker], top: Path, size: int = MIB) -> dict[str, bytes | None]:
    """By path, of the files of a group that is read ``size`` bytes at a time."""
    with opened(groups(contents_below(top)), top) as stream:
        read_all(stream, size)
        return {one.path: one.sha256 for one in stream.members()}


def expected(top: Path) -> dict[str, bytes]:
    """By the path of the member, of all files and links below ``top``."""
    return {
        f"{top.name}/{path.relative_to(top)}": hashlib.sha256(
            os.fsencode(os.readlink(path)) if path.is_symlink() else path.read_bytes()
        ).digest()
        for path in top.rglob("*")
        if path.is_symlink() or path.is_file()
    }


@pytest.mark.parametrize("seed", range(3))
@pytest.mark.parametrize("size", [509, 64 * 1024, 16 * MIB])
def test_the_files_and_links_of_a_group_are_hashed(
    groups: type[GroupPacker], tmp_path: Path, seed: int, size: int
) -> None:
    grow(tmp_path / "top", seed)
    assert hashes(groups, tmp_path / "top", size) == expected(tmp_path / "top")


@pytest.mark.skipif(find_gnu_tar() is None, reason="holes are told by GNU tar")
def test_holes_are_hashed_as_the_zeros_that_they_are(tmp_path: Path) -> None:
    top = tmp_path / "top"
    top.mkdir()
    if not blocks_are_counted(str(top)):
        pytest.skip("this file system counts no blocks")
    for name, pieces in {"begin": [0], "middle": [MIB], "several": [0, MIB, 2 * MIB], "none": []}.items():
        with open(top / name, "wb") as file:
            for offset in pieces:
                file.seek(offset)
                file.write(noise(10_000))
            file.truncate(3 * MIB + 1)
    (top / "z").write_bytes(b"behind them")
    data = packed(GroupPacker(contents_below(top)), top, "top").data

    assert b"GNU.sparse" in data
    assert len(data) < MIB
    assert hashes(GroupPacker, top) == expected(top)


@pytest.mark.skipif(find_gnu_tar() is None, reason="holes are told by GNU tar")
def test_a_file_of_too_many_holes_has_no_hash_and_those_behind_it_have(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    top = tmp_path / "top"
    top.mkdir()
    if not blocks_are_counted(str(top)):
        pytest.skip("this file system counts no blocks")
    with open(top / "a", "wb") as file:
        for offset in range(0, 100 * MIB, MIB):
            file.seek(offset)
            file.write(b"x" * 5000)
    (top / "b").write_bytes(b"behind it")
    monkeypatch.setattr(tar_hashes, "MOST_SAID", 2000)

    assert hashes(GroupPacker, top) == {"top/a": None, "top/b": hashlib.sha256(b"behind it").digest()}


def test_a_file_alone_is_hashed(tmp_path: Path) -> None:
    path = tmp_path / "file"
    path.write_bytes(noise(3 * MIB + 1))
    with opened(RawPacker(), path) as stream:
        assert read_all(stream) == path.read_bytes()
        assert stream.sha256 == hashlib.sha256(path.read_bytes()).hexdigest()
        assert [one.size for one in stream.members()] == [3 * MIB + 1]
        assert not hasattr(stream, "read_at")


def test_of_a_link_its_target_is_hashed(tmp_path: Path) -> None:
    path = tmp_path / "link"
    path.symlink_to("\udcff nowhere")
    with opened(LinkPacker(), path) as stream:
        read_all(stream)
        assert stream.sha256 == hashlib.sha256(b"\xff nowhere").hexdigest()


def test_the_only_file_of_a_tar_tells_its_hash(tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(b"")
    (tmp_path / "more").mkdir()
    for name in ("a", "b"):
        (tmp_path / "more" / name).write_bytes(b"1")
    told = []
    for path in (tmp_path / "file", tmp_path / "more"):
        with opened(TarPacker(), path) as stream:
            read_all(stream)
            told.append(stream.sha256)
    assert told == [hashlib.sha256().hexdigest(), None]


def taken(data: bytes, cuts: int | None = None) -> TarHashes:
    found = TarHashes()
    for begin in range(0, len(data), cuts or len(data)):
        found.take(memoryview(data)[begin : begin + (cuts or len(data))])
    return found


def a_tar(*files: tuple[str, bytes], format: int = tarfile.PAX_FORMAT, **pax: str) -> bytes:
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w", format=format) as tar:
        for name, content in files:
            info = tarfile.TarInfo(name)
            info.size, info.pax_headers = len(content), dict(pax)
            tar.addfile(info, io.BytesIO(content))
    return out.getvalue()


def told(found: TarHashes, data: bytes) -> list[bytes | None]:
    """The hashes of the files of that tar, of which Python's reader says where they are."""
    with tarfile.open(fileobj=io.BytesIO(data)) as tar:
        members = [Member(one.name, "file", one.size, 0, 0, one.offset, None) for one in tar]
    return [one.sha256 for one in found.told(iter(members))]


@pytest.mark.parametrize("written", [b"0" * 11 + b"\0", b"7" * 11 + b"\0"])
def test_a_size_beyond_the_header_is_that_of_the_extended_one(written: bytes) -> None:
    content = noise(1000)
    data = bytearray(a_tar(("a", content), ("b", b"b"), size="1000", path="size=7 is no size"))
    data[1024 + 124 : 1024 + 136] = written
    at = 2 * 512 + 512 + 1024
    data[at : at + 5 * 512] = a_tar(("b", b"b"))[: 5 * 512]

    found = taken(bytes(data))

    members = [Member("a", "file", 1000, 0, 0, 0, None), Member("b", "file", 1, 0, 0, at, None)]
    assert [one.sha256 for one in found.told(iter(members))] == [
        hashlib.sha256(content).digest(),
        hashlib.sha256(b"b").digest(),
    ]


def test_a_size_in_base_256_is_read() -> None:
    data = bytearray(a_tar(("a", b"x" * 600)))
    data[124:136] = b"\x80" + (600).to_bytes(11, "big")
    assert taken(bytes(data)).only == hashlib.sha256(b"x" * 600).digest()


def test_behind_what_is_not_as_ours_nothing_is_hashed() -> None:
    data = a_tar(("a", b"1"), ("n" * 200, b"2"), ("c", b"3"), format=tarfile.GNU_FORMAT)
    assert told(taken(data), data) == [hashlib.sha256(b"1").digest(), None, None]


def test_a_member_of_another_size_has_no_hash() -> None:
    found = taken(a_tar(("a", b"1")))
    members = [Member("a", "file", 2, 0, 0, 0, None), Member("b", "file", 1, 0, 0, 512, None)]
    assert [one.sha256 for one in found.told(iter(members))] == [None, None]


@given(
    st.lists(st.binary(max_size=1100), max_size=5),
    st.integers(1, 3000),
    st.sampled_from([tarfile.PAX_FORMAT, tarfile.USTAR_FORMAT]),
)
@settings(deadline=None)
def test_however_it_is_cut_the_hashes_are_the_same(contents: list[bytes], cuts: int, format: int) -> None:
    data = a_tar(*((f"{'é' * number}", content) for number, content in enumerate(contents, 1)), format=format)
    assert told(taken(data, cuts), data) == [hashlib.sha256(one).digest() for one in contents]


@given(st.binary(max_size=2000), st.integers(0, 2000), st.integers(1, 700))
@settings(deadline=None)
def test_whatever_bytes_there_are_nothing_is_raised(noise: bytes, at: int, cuts: int) -> None:
    data = bytearray(a_tar(("a", b"1" * 600), ("é", b"2"), size="1"))
    data[at : at + len(noise)] = noise
    taken(bytes(data), cuts)


def test_what_the_stream_beneath_raises_is_raised(tmp_path: Path) -> None:
    class Broken:
        def readinto(self, buffer: memoryview) -> int:
            raise OSError("gone")

    @contextmanager
    def opening() -> Iterator[PackedStream]:
        yield Broken()  # type: ignore[misc]  # nothing else of it is asked for

    with hashed(opening(), "tar") as stream, pytest.raises(OSError, match="gone"):
        stream.readinto(memoryview(bytearray(10)))
