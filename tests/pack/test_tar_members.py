"""What is in a tar is told as unpacking it tells it."""

from __future__ import annotations

import io
import os
import tarfile
from tempfile import TemporaryDirectory

import pytest
from hypothesis import given
from hypothesis import strategies as st

from glacier_backup.errors import DamageFound
from glacier_backup.model.archive import Member
from glacier_backup.pack.tar_members import tar_members
from glacier_backup.pack.unpacker import UnpackOrder
from glacier_backup.pack.untar import TarUnpacker
from tests.streams import BytesStream

names = st.lists(st.sampled_from(["a", "b", "ä ", "c" * 120, ".", ""]), min_size=1, max_size=4).map("/".join)
members = st.lists(
    st.tuples(names.filter(lambda name: name.strip("./")), st.sampled_from([b"", b"x", b"y" * 700]), st.booleans()),
    max_size=6,
)


def tar(*found: tuple[str, bytes, bool], form: int = tarfile.PAX_FORMAT) -> bytes:
    """Name, content and whether it is a directory of each member."""
    packed = io.BytesIO()
    with tarfile.open(fileobj=packed, mode="w", format=form) as archive:
        for number, (name, data, is_directory) in enumerate(found):
            info = tarfile.TarInfo(name.removeprefix("/"))
            info.mtime = 1_600_000_000.25 + number
            if is_directory:
                info.type = tarfile.DIRTYPE
            else:
                info.size = len(data)
            archive.addfile(info, io.BytesIO(data))
    return packed.getvalue()


def told(data: bytes) -> list[Member]:
    return [*tar_members(BytesStream(data), "x.tar")]


@given(members, st.sampled_from([tarfile.PAX_FORMAT, tarfile.GNU_FORMAT]))
def test_the_same_members_are_told_as_by_unpacking(found: list[tuple[str, bytes, bool]], form: int) -> None:
    unique = {f"{number}/{name}": (data, is_directory) for number, (name, data, is_directory) in enumerate(found)}
    data = tar(*((name, *rest) for name, rest in unique.items()), form=form)
    with TemporaryDirectory() as folder:
        descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
        try:
            unpacked = [*TarUnpacker().unpack(BytesStream(data), descriptor, UnpackOrder("x", "directory"))]
        finally:
            os.close(descriptor)
    assert told(data) == [one for one in unpacked if one is not None]


def test_names_that_can_not_be_unpacked_are_told_as_they_are() -> None:
    packed = io.BytesIO()
    with tarfile.open(fileobj=packed, mode="w") as archive:
        for name in ("/etc/passwd", "../up", "./here//there"):
            archive.addfile(tarfile.TarInfo(name))
    assert [one.path for one in told(packed.getvalue())] == ["/etc/passwd", "../up", "here/there"]


@pytest.mark.parametrize("length", [0, 100, 512, 1_536, 3_000, 4_096])
def test_one_that_was_cut_short_is_damaged(length: int) -> None:
    with pytest.raises(DamageFound, match=r"x\.tar"):
        told(tar(("a", b"x" * 2_000, False))[:length])


def test_what_follows_its_end_is_damage_too() -> None:
    with pytest.raises(DamageFound, match="something follows the end"):
        told(tar(("a", b"x", False)) + b"more")


def test_no_tar_at_all_is_said_to_be_none() -> None:
    with pytest.raises(DamageFound, match="it is no tar archive"):
        told(b"x" * 2_000)
