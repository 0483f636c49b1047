"""What is in a ZIP of ours, as we and others read it."""

from __future__ import annotations

import io
import os
import shutil
import stat
import struct
import subprocess
import sys
import zipfile
from collections.abc import Callable, Sequence
from dataclasses import replace
from functools import partial
from hashlib import sha256
from pathlib import Path
from zlib import crc32

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from glacier_backup.errors import SourceGone
from glacier_backup.model.contents import Held, contents_of
from glacier_backup.model.recipe import Step
from glacier_backup.pack.doubts import EARLIER, Doubts
from glacier_backup.pack.registry import GROUPS
from glacier_backup.pack.tar_writer import LARGE
from glacier_backup.pack.tree import Entry, Piece, Range
from glacier_backup.pack.unpacker import UnpackOrder
from glacier_backup.pack.unzip import ZipUnpacker
from glacier_backup.pack.unzip_members import members_of_zip
from glacier_backup.pack.zip import ZipPacker
from glacier_backup.pack.zip_files import Batch, FilesOf, whole
from glacier_backup.pack.zip_header import central, described, descriptor, end_of, local_streamed
from glacier_backup.pack.zip_writer import ZipWriter
from tests.lacking import lacking
from tests.pack.gathered import contents_below
from tests.pack.packing import ODD_NAMES, Packed, packed
from tests.pack.unpacking import folder_in_memory, opened, unpack
from tests.pack.zips import FILES, Batches, InMemory, Made, zipped
from tests.roundtrip.trees import look
from tests.streams import BytesStream, noise

GIB = 1 << 30
MOMENTS = (0, -1, 999_999_999, -1_500_000_000_123_456_789, 5_000_000_000_999_999_999, 2**31 * 10**9, -(10**19))


def _looks(folder: Path) -> dict[str, tuple[object, ...]]:
    found = look(folder)
    return {
        name: (one.type, one.mode, one.mtime_ns, one.size, one.content, one.target)
        for name, one in found.items()
        if one.type != "d"
    }


def _expected(made: Made) -> tuple[object, ...]:
    if made.is_link:
        return ("l", 0, made.mtime_ns, 0, "", os.fsdecode(made.content))
    return ("-", made.mode, made.mtime_ns, len(made.content), sha256(made.content).hexdigest(), "")


NAMES = st.text(st.characters(exclude_characters="/\0"), min_size=1, max_size=30).filter(
    lambda name: name not in (".", "..") and len(name.encode("utf-8", "surrogatepass")) < 200
)
MADE = st.builds(
    Made,
    NAMES.map(lambda name: name.encode("utf-8", "replace").decode()),
    st.binary(max_size=300),
    st.integers(-(2**62), 2**62),
    st.integers(0, 0o777),
    st.just(False),
)


@settings(max_examples=30, deadline=None, suppress_health_check=list(HealthCheck))
@given(st.lists(MADE, unique_by=lambda one: one.name, min_size=1, max_size=6), st.sampled_from(["", "nas/top"]))
@example([Made(name[:200], b"x") for name in ODD_NAMES], "")
@example([Made("link", b"../\xff nowhere", 7, 0o777, is_link=True), Made("a/b/c"), Made("a/b.c")], "top")
@example([Made(f"{size}", noise(size, size)) for size in (0, 1, LARGE - 1, LARGE, LARGE + 1, 2 * LARGE)], "")
def test_what_was_packed_comes_back_as_it_was(made: list[Made], top: str) -> None:
    result = zipped(*made, top=top)
    with folder_in_memory() as folder:
        unpacked = unpack(result.data, folder / "to", FILES, ZipUnpacker())
        assert _looks(folder / "to" / top) == {one.name: _expected(one) for one in made}
    assert [one._replace(sha256=None) for one in result.members] == unpacked.members
    assert [one.sha256 for one in result.members] == [sha256(one.content).digest() for one in made]
    assert [*members_of_zip(BytesStream(result.data), "x")] == result.members


@pytest.mark.parametrize("moment", MOMENTS)
def test_any_time_is_kept(moment: int) -> None:
    result = zipped(Made("a", b"", moment), Made("b", bytes(LARGE + 1), moment))
    assert [one.mtime_ns for one in members_of_zip(BytesStream(result.data), "x")] == [moment, moment]
    infos = zipfile.ZipFile(io.BytesIO(result.data)).infolist()
    assert all((1980, 1, 1, 0, 0, 0) <= info.date_time <= (2107, 12, 31, 23, 59, 58) for info in infos)


def test_times_are_utc_for_others_too() -> None:
    moment = 1_709_210_096
    (info,) = zipfile.ZipFile(io.BytesIO(zipped(Made("a", b"", moment * 10**9 + 5)).data)).infolist()
    assert info.date_time == (2024, 2, 29, 12, 34, 56)
    assert struct.pack("<HHBl", 0x5455, 5, 1, moment) in info.extra


@pytest.mark.parametrize("name", ["plain", "über", "日本語", "half \udcc3", "\udcff\udcfe not UTF-8"])
def test_names_are_utf_8_or_the_bytes_that_they_are(name: str) -> None:
    (info,) = zipfile.ZipFile(io.BytesIO(zipped(Made(name)).data)).infolist()
    if name.isprintable() and not name.isascii():
        assert (info.flag_bits & 1 << 11, info.filename) == (1 << 11, name)
    else:
        assert not info.flag_bits & 1 << 11
        assert os.fsdecode(info.filename.encode("cp437")) == name


def test_types_and_permissions_stand_where_info_zip_has_them() -> None:
    data = zipped(Made("a", b"", 0, 0o4751), Made("l", b"to", 0, 0o777, is_link=True)).data
    infos = zipfile.ZipFile(io.BytesIO(data)).infolist()
    assert [info.create_system for info in infos] == [3, 3]
    assert [info.external_attr >> 16 for info in infos] == [stat.S_IFREG | 0o4751, stat.S_IFLNK | 0o777]


def test_small_files_have_their_checksum_in_front_and_large_ones_behind() -> None:
    data = zipped(Made("small", bytes(LARGE)), Made("large", bytes(LARGE + 1))).data
    infos = zipfile.ZipFile(io.BytesIO(data)).infolist()
    assert [info.flag_bits & 8 for info in infos] == [0, 8]
    assert {info.compress_type for info in infos} == {zipfile.ZIP_STORED}


def _many(first: int, count: int) -> Batch:
    numbers, mode = range(first, first + count), stat.S_IFREG | 0o644
    return Batch([whole(Entry("/x", f"{one:06}", mode, 0, 10**9, 0, 0), b"%d" % one) for one in numbers], [])


def test_there_may_be_more_members_than_a_zip_had_once() -> None:
    batches = Batches(*(partial(_many, first, 1000) for first in range(0, 70_000, 1000)))
    writer = ZipWriter("/x", "", batches, 1, Doubts("/x", ""))
    data = b"".join(writer.blocks())
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        names = archive.namelist()
        assert (len(names), names[0], names[-1]) == (70_000, "000000", "069999")
        assert archive.read("069999") == b"69999"
    assert sum(1 for _ in members_of_zip(BytesStream(data), "x")) == 70_000


class Sparse:
    """A stream of bytes and of zeros, of which there may be very many."""

    def __init__(self, *pieces: bytes | int) -> None:
        self._pieces = list(pieces)

    def readinto(self, buffer: memoryview) -> int:
        filled = 0
        while self._pieces and filled < len(buffer):
            piece, left = self._pieces[0], len(buffer) - filled
            if isinstance(piece, int):
                count = min(piece, left)
                buffer[filled : filled + count] = bytes(count)
                self._pieces[0] = piece - count or b""
            else:
                count = min(len(piece), left)
                buffer[filled : filled + count] = piece[:count]
                self._pieces[0] = piece[count:]
            if not self._pieces[0]:
                self._pieces.pop(0)
            filled += count
        return filled


def test_a_member_and_the_archive_may_have_more_than_4_gib(tmp_path: Path) -> None:
    size, crc = 4 * GIB + 7, 0x1234_5678  # nobody reads the content
    large, small = described("large", stat.S_IFREG | 0o600, 5), described("small", stat.S_IFREG | 0o600, 6)
    head, behind = local_streamed(large, size), descriptor(size, crc)
    at = len(head) + size + len(behind)
    last = local_streamed(small, 3)
    entries = central(large, size, crc, 0, streamed=True) + central(small, 3, crc32(b"abc"), at, streamed=True)
    tail = last + b"abc" + descriptor(3, crc32(b"abc")) + entries
    tail += end_of(2, at + len(tail) - len(entries), len(entries))
    with (tmp_path / "x.zip").open("wb") as file:
        file.write(head)
        file.seek(at - len(behind))
        file.write(behind + tail)
    with zipfile.ZipFile(tmp_path / "x.zip") as archive:
        assert [(one.filename, one.file_size) for one in archive.infolist()] == [("large", size), ("small", 3)]
        assert archive.read("small") == b"abc"
    with opened(tmp_path / "to") as folder:
        stream = Sparse(head, size, behind, tail)
        steps = [*ZipUnpacker().unpack(stream, folder, UnpackOrder("x", "group", wanted="small"))]
    assert [step.path for step in steps if step] == ["small"]
    assert steps.count(None) > 100
    assert os.listdir(tmp_path / "to") == ["small"]


PYTHON = (sys.executable, "-m", "zipfile")


@pytest.mark.parametrize("tool", [("unzip", "-tqq"), (*PYTHON, "-t")])
def test_stock_tools_find_nothing_wrong(tmp_path: Path, tool: Sequence[str]) -> None:
    if shutil.which(tool[0]) is None:
        lacking(f"{tool[0]} is missing")
    link = Made("l", b"a/b", 5, 0o777, is_link=True)
    data = zipped(Made("a/b", b"1" * 1000, 10**18 + 1), link, Made("m", bytes(LARGE + 5)), top="nas/srv").data
    (tmp_path / "x.zip").write_bytes(data)
    subprocess.run([*tool, "x.zip"], cwd=tmp_path, check=True, capture_output=True)


@pytest.mark.parametrize("tool", [("unzip", "-q"), (*PYTHON, "-e")])
def test_stock_tools_give_the_same_files(tmp_path: Path, tool: Sequence[str]) -> None:
    if shutil.which(tool[0]) is None:
        lacking(f"{tool[0]} is missing")
    made = {"über/a": b"1" * 1000, "über/empty": b"", "l": bytes(LARGE + 5)}
    (tmp_path / "x.zip").write_bytes(zipped(*(Made(name, content) for name, content in made.items())).data)
    to = (".",) if "-m" in tool else ()
    subprocess.run([*tool, "x.zip", *to], cwd=tmp_path, check=True, capture_output=True)
    assert {name: (tmp_path / name).read_bytes() for name in made} == made


def _held(name: str, stored: str = "") -> Held:
    return Held(name, False, 1, 0, 0o644, stored=stored)


@pytest.mark.parametrize("top", ["", "nas/srv/x"])
def test_members_are_called_as_the_filters_say(tmp_path: Path, top: str) -> None:
    for name in "ab":
        (tmp_path / name).write_text(name)
    contents = contents_of([_held("b", "1/x"), _held("a", "a")], prefix="", top=top)
    result = packed(GROUPS(contents), tmp_path, top)
    above = f"{top}/" if top else ""
    assert [(one.path, one.source) for one in result.members] == [(f"{above}1/x", "b"), (f"{above}a", None)]
    assert [(one.name, one.content) for one in result.stored()] == [(f"{above}1/x", b"b"), (f"{above}a", b"a")]


def test_the_recipe_tells_how_names_became_members() -> None:
    contents = contents_of([], prefix="2020/IMG_0", top="nas/srv/photos")
    assert GROUPS(contents).step() == Step("zip", {"top": "nas/srv/photos", "depth": 2})
    assert GROUPS(contents_of([], prefix="", top="")).step() == Step("zip", {"top": "", "depth": 1})
    assert GROUPS(contents_of([])).container == "tar"


@pytest.mark.parametrize("top", ["", "nas/srv"])
def test_a_file_in_doubt_is_listed_with_a_time_that_it_does_not_have(top: str) -> None:
    moment = 10**18
    made = (Made("a", b"a", moment), Made("b", b"b", moment), Made("c", bytes(LARGE + 1), moment))

    class Changing(InMemory):
        def read(self, ranges: Sequence[Range]) -> Sequence[Piece | OSError]:
            found = super().read(ranges)
            return [
                one._replace(mtime_ns=moment + 5) if isinstance(one, Piece) and part.entry.name in "bc" else one
                for part, one in zip(ranges, found, strict=True)
            ]

    doubts = Doubts("/top", top)
    writer = ZipWriter("/top", top, FilesOf(Changing(made)), 1, doubts)
    list(writer.blocks())
    times = [one.mtime_ns for one in doubts.listed(writer.members())]
    assert times == [moment, moment + 5 - EARLIER, moment - EARLIER]


def _removed(path: Path) -> None:
    path.unlink()


def _linked(path: Path) -> None:
    path.unlink()
    path.symlink_to("elsewhere")


@pytest.mark.parametrize(
    ("change", "as_planned"),
    [
        (lambda path: None, True),
        (lambda path: path.write_bytes(b"longer"), False),
        (lambda path: os.utime(path, (1, 1)), False),
        (_removed, False),
        (_linked, False),
    ],
)
@pytest.mark.parametrize("size", [1, LARGE + 1])
def test_the_outcome_tells_whether_all_was_as_it_was_planned(
    tmp_path: Path, change: Callable[[Path], object], as_planned: bool, size: int
) -> None:
    (tmp_path / "a").write_bytes(b"a")
    (tmp_path / "b").write_bytes(bytes(size))
    contents = replace(contents_below(tmp_path), prefix="", top="")
    change(tmp_path / "b")

    outcome = packed(GROUPS(contents), tmp_path, "").outcome

    assert (outcome.as_planned, outcome.changed, outcome.problems) == (as_planned, False, ())


def test_what_can_be_read_only_in_part_has_zeros_and_is_a_problem() -> None:
    class Torn(InMemory):
        def read(self, ranges: Sequence[Range]) -> Sequence[Piece | OSError]:
            return [OSError(5, "Input/output error")] if ranges[0].offset else super().read(ranges)

    doubts = Doubts("/top", "")
    writer = ZipWriter("/top", "", FilesOf(Torn([Made("a", b"x" * (LARGE + 7))])), 1, doubts)
    data = b"".join(writer.blocks())
    assert zipfile.ZipFile(io.BytesIO(data)).read("a") == b"x" * LARGE + bytes(7)
    (problem,) = writer.outcome().problems
    assert problem.cause == f"Input/output error at byte {LARGE}: zeros stand for the rest of the file"
    assert [one.mtime_ns for one in doubts.listed(writer.members())] == [-EARLIER]


def test_a_file_that_grew_beyond_what_is_read_in_one_go_is_packed_as_it_is(tmp_path: Path) -> None:
    for name in "abc":
        (tmp_path / name).write_text(name)
    contents = contents_below(tmp_path)
    (tmp_path / "b").write_bytes(noise(2 * LARGE + 3))
    result = packed(ZipPacker(contents), tmp_path, "x")
    assert [(one.name, one.content) for one in result.stored()] == [
        ("x/a", b"a"),
        ("x/b", noise(2 * LARGE + 3)),
        ("x/c", b"c"),
    ]
    assert [one.sha256 for one in result.members][1] == sha256(noise(2 * LARGE + 3)).digest()


def test_what_cannot_be_read_is_a_problem_and_the_others_are_packed(tmp_path: Path) -> None:
    contents = contents_of([_held("a"), _held("x" * 300), _held("b")])
    for name in "ab":
        (tmp_path / name).write_text(name)
    result = packed(ZipPacker(contents), tmp_path, "")
    assert [one.path for one in result.members] == ["a", "b"]
    assert [one.cause for one in result.outcome.problems] == ["File name too long"]


def test_of_a_name_that_no_zip_can_hold_that_is_said(tmp_path: Path) -> None:
    for name in "ab":
        (tmp_path / name).write_text(name)
    result = packed(ZipPacker(contents_of([_held("a", "n" * 65_536), _held("b", "m" * 65_535)])), tmp_path, "")
    assert [one.source for one in result.members] == ["b"]
    assert [one.cause for one in result.outcome.problems] == [
        "its name in the archive has more than 65,535 bytes, which no ZIP can hold"
    ]


def test_where_nothing_is_left_that_is_an_error_of_the_source(tmp_path: Path) -> None:
    with pytest.raises(SourceGone):
        packed(ZipPacker(contents_of([_held("a")])), tmp_path, "")


def test_the_same_files_give_the_same_bytes_whatever_the_umask(tmp_path: Path) -> None:
    (tmp_path / "a").write_text("a")
    before = _packed(tmp_path)
    old = os.umask(0o077)
    try:
        assert _packed(tmp_path) == before
    finally:
        os.umask(old)


def _packed(top: Path) -> Packed:
    return packed(ZipPacker(contents_below(top)), top, "x")
