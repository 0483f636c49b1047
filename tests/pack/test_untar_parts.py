"""Only some of a tar: ranges of whole members, and one member with all below it."""

from __future__ import annotations

import os
import tarfile
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from glacier_backup.errors import DamageFound
from glacier_backup.model.candidate import Kind
from glacier_backup.pack.tar import TarPacker
from glacier_backup.pack.unpacker import LeadsOut, UnpackOrder
from glacier_backup.pack.untar import TarUnpacker
from glacier_backup.units import MIB
from tests.pack.packing import Packed, packed
from tests.pack.unpacking import TREE, made_by_hand, opened, stopped, unpack
from tests.roundtrip.trees import look
from tests.streams import BytesStream, noise

LARGE = 40 * MIB


@pytest.fixture(scope="module")
def source(tmp_path_factory: pytest.TempPathFactory) -> Path:
    top = tmp_path_factory.mktemp("parts") / "tree"
    for name in ("a/b", "a.b", "c"):
        (top / name).mkdir(parents=True)
        (top / name / "file").write_text(name)
        (top / name / "file").chmod(0o640)
    (top / "c/linked").hardlink_to(top / "a/b/file")
    (top / "d").write_bytes(noise(5) + bytes(LARGE))
    for number, path in enumerate([*top.rglob("*"), top]):
        os.utime(path, ns=(0, number * 10**15 + 7))
    return top


@pytest.fixture(scope="module")
def result(source: Path) -> Packed:
    return packed(TarPacker(), source, "tree", MIB)


def span(result: Packed, wanted: Callable[[str], bool]) -> tuple[int, int]:
    """Where the members begin that are wanted, and where what follows them does."""
    offsets = [member.offset for member in result.members] + [len(result.data)]
    numbers = [number for number, member in enumerate(result.members) if wanted(member.path)]
    return offsets[numbers[0]], offsets[numbers[-1] + 1]


def below(path: str) -> Callable[[str], bool]:
    return lambda other: other == path or other.startswith(f"{path}/")


@pytest.mark.parametrize("path", ["tree/a", "tree/a/b", "tree/a/b/file", "tree/a.b", "tree/d"])
def test_a_member_comes_back_from_its_range_alone(source: Path, result: Packed, tmp_path: Path, path: str) -> None:
    start, end = span(result, below(path))
    order = replace(TREE, start=start, whole=end == len(result.data), wanted=path)
    unpacked = unpack(result.data[start:end], tmp_path / "to", order)
    assert unpacked.members == [member for member in result.members if below(path)(member.path)]
    assert look(tmp_path / "to" / path) == look(source.parent / path)


@pytest.mark.parametrize("path", ["tree/a", "tree/a.b/file"])
def test_a_member_is_picked_out_of_the_whole(source: Path, result: Packed, tmp_path: Path, path: str) -> None:
    with opened(tmp_path / "to") as folder:
        steps = list(TarUnpacker().unpack(BytesStream(result.data), folder, replace(TREE, wanted=path)))
    assert look(tmp_path / "to" / path) == look(source.parent / path)
    assert steps.count(None) == LARGE // (16 * MIB)  # a moment for a checkpoint now and then
    assert [step for step in steps if step] == [member for member in result.members if below(path)(member.path)]


def test_directories_above_are_for_their_owner_alone(result: Packed, tmp_path: Path) -> None:
    unpack(result.data, tmp_path / "to", replace(TREE, wanted="tree/a/b/file"))
    assert [path.stat().st_mode & 0o7777 for path in (tmp_path / "to/tree", tmp_path / "to/tree/a")] == [0o700, 0o700]
    assert [path.name for path in (tmp_path / "to").rglob("*")] == ["tree", "a", "b", "file"]


def test_it_goes_on_in_the_middle_of_what_nobody_wants(source: Path, result: Packed, tmp_path: Path) -> None:
    order = replace(TREE, wanted="tree/a")
    with opened(tmp_path / "to") as folder:
        checkpoint = stopped(TarUnpacker().unpack(BytesStream(result.data), folder, order), 4, 4)
        position = TarUnpacker().position(checkpoint)
        assert position >= 16 * MIB
        rest = BytesStream(result.data[position:])
        assert set(TarUnpacker().unpack(rest, folder, replace(order, start=position, resume=checkpoint))) == {None}
    assert look(tmp_path / "to/tree/a") == look(source / "a")


def test_a_hard_link_out_of_the_part_takes_its_target_first(source: Path, result: Packed, tmp_path: Path) -> None:
    order = replace(TREE, wanted="tree/c")
    with pytest.raises(DamageFound, match=r"tree/c/linked.*it is a link to tree/a/b/file, which is not there"):
        unpack(result.data, tmp_path / "to", order)
    unpack(result.data, tmp_path / "to", replace(TREE, wanted="tree/a/b/file"))
    unpack(result.data, tmp_path / "to", order)
    assert (tmp_path / "to/tree/c/linked").samefile(tmp_path / "to/tree/a/b/file")
    assert look(tmp_path / "to/tree/c") == look(source / "c")


def test_a_range_that_ends_inside_of_a_member_is_damage(result: Packed, tmp_path: Path) -> None:
    start, end = span(result, below("tree/a"))
    for short in (1, 511, 512, 600):
        with pytest.raises(DamageFound, match="ends too early"):
            unpack(result.data[start : end - short], tmp_path / "to", replace(TREE, start=start, whole=False))


def test_only_a_whole_archive_has_to_end_as_one(result: Packed, tmp_path: Path) -> None:
    start, end = span(result, below("tree/a"))
    unpack(result.data[start:end], tmp_path / "to", replace(TREE, start=start, whole=False))
    with pytest.raises(DamageFound, match="ends too early"):
        unpack(result.data[start:end], tmp_path / "to", replace(TREE, start=start))
    unpack(result.data[start:], tmp_path / "to", replace(TREE, start=start, whole=False, wanted="tree/a"))


def among(result: Packed, *paths: str) -> UnpackOrder:
    offsets = {member.offset for member in result.members if member.path in paths}
    return replace(TREE, among=offsets.__contains__)


def test_only_some_members_are_unpacked_each_asked_for_once_and_in_order(result: Packed, tmp_path: Path) -> None:
    asked: list[int] = []
    wanted = among(result, "tree/a/b/file", "tree/c/file").among

    def ask(offset: int) -> bool:
        asked.append(offset)
        return wanted is not None and wanted(offset)

    unpacked = unpack(result.data, tmp_path / "to", replace(TREE, among=ask))

    assert [member.path for member in unpacked.members] == ["tree/a/b/file", "tree/c/file"]
    assert sorted(str(one.relative_to(tmp_path / "to")) for one in (tmp_path / "to").rglob("*") if one.is_file()) == [
        "tree/a/b/file",
        "tree/c/file",
    ]
    assert asked == [member.offset for member in result.members]


def test_a_hard_link_among_them_takes_what_it_leads_to(result: Packed, tmp_path: Path) -> None:
    with pytest.raises(LeadsOut):
        unpack(result.data, tmp_path / "alone", among(result, "tree/c/linked"))

    unpack(result.data, tmp_path / "both", among(result, "tree/c/linked", "tree/a/b/file"))

    assert (tmp_path / "both" / "tree/c/linked").read_text() == "a/b"


@pytest.mark.parametrize("stop_after", range(1, 8))
def test_some_members_go_on_from_any_checkpoint(source: Path, result: Packed, tmp_path: Path, stop_after: int) -> None:
    order = among(result, "tree/a/b/file", "tree/d")
    with opened(tmp_path / "to") as folder:
        line = stopped(TarUnpacker().unpack(BytesStream(result.data), folder, order), stop_after, stop_after + 1)
        position = TarUnpacker().position(line)
        rest = TarUnpacker().unpack(BytesStream(result.data[position:]), folder, replace(order, resume=line))
        assert {member.path for member in rest if member is not None} <= {"tree/a/b/file", "tree/d"}

    for name in ("a/b/file", "d"):
        assert (tmp_path / "to" / "tree" / name).read_bytes() == (source / name).read_bytes()


@pytest.mark.parametrize(("kind", "mode"), [("group", 0o755), ("directory", 0o700)])
def test_directories_that_no_member_is_about_are_open_to_others_in_a_group(
    tmp_path: Path, kind: Kind, mode: int
) -> None:
    data = made_by_hand(("photos/2020/a.jpg", tarfile.REGTYPE, b"a"))
    before = os.umask(0o022)
    try:
        unpack(data, tmp_path / "to", UnpackOrder("photos", kind))
    finally:
        os.umask(before)
    assert (tmp_path / "to" / "photos" / "2020").stat().st_mode & 0o777 == mode
