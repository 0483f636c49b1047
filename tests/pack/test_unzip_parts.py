"""Only some of a ZIP: ranges of whole members, one member with all below it, and going on after any checkpoint."""

from __future__ import annotations

import os
import zipfile
from dataclasses import replace
from pathlib import Path

import pytest

from glacier_backup.errors import DamageFound
from glacier_backup.model.archive import Member
from glacier_backup.pack import untar_members, unzip
from glacier_backup.pack.tar_writer import LARGE
from glacier_backup.pack.unpacker import UnpackOrder
from glacier_backup.pack.unzip import ZipUnpacker
from tests.pack.unpacking import opened, stopped, unpack
from tests.pack.zips import FILES, Made, by_python, zipped
from tests.roundtrip.trees import look
from tests.streams import BytesStream, noise

MADE = (
    Made("top/a", b"a", 5),
    Made("top/b/c", noise(2 * LARGE + 5), 10**18),
    Made("top/b/d", b"d" * 70_000, 7, 0o444),
    Made("top/b/l", b"d", 8, 0o777, is_link=True),
    Made("top/b.c", b"", 9),
    Made("top/e", noise(LARGE + 1), 11),
)
RESULT = zipped(*MADE)
DATA, MEMBERS = RESULT.data, [one._replace(sha256=None) for one in RESULT.members]
ENDS = [one.offset for one in MEMBERS[1:]] + [len(DATA)]


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("whole") / "to"
    unpack(DATA, folder, FILES, ZipUnpacker())
    return folder


def _same(found: Path, expected: Path) -> bool:
    """But for directories, which nothing in it is about."""
    looks = [{name: one for name, one in look(top).items() if one.type != "d"} for top in (found, expected)]
    return looks[0] == looks[1]


@pytest.mark.parametrize("number", range(len(MADE)))
def test_a_member_comes_back_from_its_range_alone(whole: Path, tmp_path: Path, number: int) -> None:
    member, end = MEMBERS[number], ENDS[number]
    order = replace(FILES, start=member.offset, whole=end == len(DATA))
    unpacked = unpack(DATA[member.offset : end], tmp_path / "to", order, ZipUnpacker())
    assert unpacked.members == [member]
    assert _same(tmp_path / "to" / member.path, whole / member.path)


def test_a_range_to_the_end_of_the_archive_has_to_end_as_one(tmp_path: Path) -> None:
    member = MEMBERS[-1]
    order = replace(FILES, start=member.offset)
    for length in (-1, -22, -200):
        with pytest.raises(DamageFound, match="ends too early"):
            unpack(DATA[member.offset : length], tmp_path / "to", order, ZipUnpacker())


@pytest.mark.parametrize("wanted", ["top/b", "top/b/c", "top/a", "top/b/l", "top", "nothing"])
def test_a_member_is_picked_out_of_the_whole(whole: Path, tmp_path: Path, wanted: str) -> None:
    unpacked = unpack(DATA, tmp_path / "to", replace(FILES, wanted=wanted), ZipUnpacker())
    expected = [one for one in MEMBERS if one.path == wanted or one.path.startswith(f"{wanted}/")]
    assert unpacked.members == expected
    assert not expected or _same(tmp_path / "to" / wanted, whole / wanted)
    assert len([one for one in (tmp_path / "to").rglob("*") if not one.is_dir() or one.is_symlink()]) == len(expected)


def test_members_are_picked_by_where_they_begin(tmp_path: Path) -> None:
    asked: list[int] = []

    def among(offset: int) -> bool:
        asked.append(offset)
        return offset in (MEMBERS[1].offset, MEMBERS[4].offset)

    unpacked = unpack(DATA, tmp_path / "to", replace(FILES, among=among), ZipUnpacker())
    assert unpacked.members == [MEMBERS[1], MEMBERS[4]]
    assert asked == [one.offset for one in MEMBERS]


def test_one_that_nothing_can_be_called_keeps_no_other_from_its_name(tmp_path: Path) -> None:
    made = (Made("a", b"a"), Made("n" * 300, b"b"), Made("o" * 300, b"a", is_link=True), Made("z", b"z"))
    data = zipped(*made).data
    unpacked = unpack(data, tmp_path / "to", replace(FILES, among=lambda offset: True), ZipUnpacker())
    assert sorted(os.listdir(tmp_path / "to")) == ["a", "z"]
    assert [one.path for one in unpacked.members] == [one.name for one in made]
    assert len(unpacked.left_out) == 2


def test_of_two_of_one_name_the_later_one_counts(tmp_path: Path) -> None:
    with pytest.warns(UserWarning, match="Duplicate"):
        data = by_python(Made("a", b"first"), Made("a", b"second"))
    assert len(unpack(data, tmp_path / "to", FILES, ZipUnpacker()).members) == 2
    assert (tmp_path / "to/a").read_bytes() == b"second"


FOREIGN = (
    Made("d/", mode=0o750),
    Made("d/a", noise(100_000), mode=0o400),
    Made("d/link", b"a", mode=0o777, is_link=True),
    Made("e", noise(300_000, 2), mode=0o640),
)


@pytest.mark.parametrize(
    "data",
    [DATA, by_python(*FOREIGN), by_python(*FOREIGN, method=zipfile.ZIP_DEFLATED), by_python(*FOREIGN, streamed=True)],
    ids=["ours", "stored", "deflated", "streamed"],
)
@pytest.mark.parametrize("wanted", [None, "d", "top/b"])
def test_it_goes_on_after_any_checkpoint(
    tmp_path: Path, data: bytes, wanted: str | None, monkeypatch: pytest.MonkeyPatch
) -> None:
    """In a folder that an earlier process left at any later moment; what comes of both is what comes at once."""
    for module in (unzip, untar_members):
        monkeypatch.setattr(module, "STEP", 30_000)
    monkeypatch.setattr(unzip, "_ENTRIES", 2)
    order = replace(FILES, wanted=wanted)
    expected = [*_steps(data, tmp_path / "expected", order)]
    for number in range(len(expected) + 2):
        folder = tmp_path / f"{number}"
        with opened(folder) as descriptor:
            line = stopped(ZipUnpacker().unpack(BytesStream(data), descriptor, order), number, number + 2)
        position = ZipUnpacker().position(line)
        rest = _steps(data[position:], folder, replace(order, resume=line))
        told = [one for one in (*expected[:number], *rest) if one is not None]
        assert told == [one for one in expected if one is not None]
        assert _same(folder, tmp_path / "expected")


def _steps(data: bytes, folder: Path, order: UnpackOrder) -> list[Member | None]:
    with opened(folder) as descriptor:
        return [*ZipUnpacker().unpack(BytesStream(data), descriptor, order)]
