"""ZIPs that nobody of good will makes: nothing is written outside of the folder, and all of it is called damage."""

from __future__ import annotations

import os
import random
import re
import struct
import tracemalloc
import zlib
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from glacier_backup.errors import DamageFound, TargetError
from glacier_backup.pack.tar_writer import LARGE
from glacier_backup.pack.unzip import ZipUnpacker
from glacier_backup.pack.unzip_members import members_of_zip
from glacier_backup.pack.zip_header import CENTRAL, CENTRAL_SIGN, LOCAL
from glacier_backup.units import MIB
from tests.pack.unpacking import Unpacked, folder_in_memory, opened, unpack
from tests.pack.zips import FILES, Made, by_python, zipped
from tests.roundtrip.trees import look
from tests.streams import BytesStream


@pytest.fixture
def folder(tmp_path: Path) -> Iterator[Path]:
    """Where to unpack; what is beside it must stay as it is."""
    (tmp_path / "outside").mkdir()
    (tmp_path / "outside/precious").write_text("precious")
    before = look(tmp_path / "outside")
    (tmp_path / "to").mkdir()
    yield tmp_path / "to"
    assert look(tmp_path / "outside") == before
    assert sorted(os.listdir(tmp_path)) == ["outside", "to"]


def unzip(data: bytes, folder: Path) -> Unpacked:
    return unpack(data, folder, FILES, ZipUnpacker())


def link(name: str, target: str) -> Made:
    return Made(name, os.fsencode(target), mode=0o777, is_link=True)


@pytest.mark.parametrize(
    "name", ["/etc/glacier", "../outside/new", "a/../../outside/new", "..", "a/..", "/", "//a", "nul\0nul", "a/nul\0/b"]
)
def test_names_that_lead_out_or_are_none_are_damage(folder: Path, name: str) -> None:
    for data in (zipped(Made("first", b"1"), Made(name)).data, _named(by_python(Made("first"), Made("?")), name)):
        with pytest.raises(DamageFound, match="byte"):
            unzip(data, folder)
        assert os.listdir(folder) in (["first"], [])


def _named(data: bytes, name: str) -> bytes:
    """With a member of that name; Python cuts them at a NUL."""
    return _edited(data, b"?", name.encode())


def _edited(data: bytes, old: bytes, new: bytes) -> bytes:
    """With another name in place of the last one, in both of its places, and all else right."""
    start = data.index(CENTRAL_SIGN)
    local, directory, end = data[:start], data[start : data.rindex(b"PK\5\6")], data[data.rindex(b"PK\5\6") :]
    at = local.rindex(old) - LOCAL.size
    local = local[:at] + local[at : at + 26] + struct.pack("<H", len(new)) + local[at + 28 :].replace(old, new, 1)
    at = directory.rindex(old) - CENTRAL.size
    directory = directory[: at + 28] + struct.pack("<H", len(new)) + directory[at + 30 :].replace(old, new, 1)
    return local + directory + end[:12] + struct.pack("<LL", len(directory), len(local)) + end[20:]


@pytest.mark.parametrize("target", ["../outside", "/tmp"])
def test_nothing_is_made_below_a_symlink(folder: Path, target: str) -> None:
    for below in ("link/new", "link/deeper/new"):
        with pytest.raises(DamageFound, match=f"{below}, at byte .* link would have to be a directory"):
            unzip(zipped(link("link", target), Made(below, b"gone astray")).data, folder)


def test_a_file_is_not_written_through_a_symlink_of_its_name(folder: Path) -> None:
    both = (link("precious", "../outside/precious"), Made("precious ", b"new"))
    unzip(_edited(zipped(*both).data, b"precious ", b"precious"), folder)
    assert not (folder / "precious").is_symlink()
    assert (folder / "precious").read_bytes() == b"new"


def test_a_file_in_place_of_a_directory_is_damage_and_so_is_the_other(folder: Path) -> None:
    with pytest.raises(DamageFound, match="a would have to be a directory"):
        unzip(zipped(Made("a"), Made("a/b")).data, folder)
    with pytest.raises(DamageFound, match="a directory has its name already"):
        unzip(zipped(Made("c/b"), Made("c")).data, folder)


def test_a_link_to_nothing_that_could_have_a_name_is_damage(folder: Path) -> None:
    for target in ("", "a\0b", "x" * 70_000):
        with pytest.raises(DamageFound, match="a link to nothing"):
            unzip(zipped(link("l", target)).data, folder)
        if target:
            with suppress(DamageFound):
                list(members_of_zip(BytesStream(zipped(link("l", target)).data), "x"))


def test_set_user_id_is_not_given_to_whoever_restores(folder: Path) -> None:
    unpacked = unzip(zipped(Made("a", b"", 0, 0o6755)).data, folder)
    assert (folder / "a").stat().st_mode & 0o7777 == 0o755
    assert "a: not set-user-ID" in unpacked.left_out[0]


CONTENT = b"content, " * 50
GOOD = zipped(Made("a", b"first"), Made("b", CONTENT), Made("c", b"last")).data
FOREIGN = by_python(Made("a", b"first"), Made("b", CONTENT), Made("c", b"last"))
DEFLATED = by_python(Made("a", b"first"), Made("b", CONTENT), method=8)
PIPED = by_python(Made("a", b"first"), Made("b", CONTENT), streamed=True)


@pytest.mark.parametrize("data", [GOOD, FOREIGN, DEFLATED, PIPED], ids=["ours", "stored", "deflated", "streamed"])
def test_a_wrong_byte_of_a_content_is_damage(folder: Path, data: bytes) -> None:
    at = data.index(b"first") + 2 if data is not DEFLATED else data.index(b"b", 40) + 20
    wrong = data[:at] + bytes([data[at] ^ 1]) + data[at + 1 :]
    with pytest.raises(DamageFound):
        unzip(wrong, folder)
    with pytest.raises(DamageFound, match=r"^x: "):
        list(members_of_zip(BytesStream(wrong), "x"))


def _sized(data: bytes, stored: int, size: int) -> bytes:
    """With other sizes of the second member, in front of it and in the directory."""
    start = data.index(CENTRAL_SIGN)
    at, entry = data.rindex(b"PK\3\4", 0, start), data.index(CENTRAL_SIGN, start + 1)
    sizes = struct.pack("<LL", stored, size)
    data = data[: at + 18] + sizes + data[at + 26 :]
    return data[: entry + 20] + sizes + data[entry + 28 :]


@pytest.mark.parametrize(("stored", "size"), [(0, 0), (10, 10), (10, 450), (451, 451), (2**32 - 2, 2**32 - 2)])
def test_sizes_that_lie_are_damage(folder: Path, stored: int, size: int) -> None:
    for data in (_sized(GOOD.replace(b"last", CONTENT), stored, size), _sized(DEFLATED, stored, size)):
        with pytest.raises(DamageFound):
            unzip(data, folder)


def test_what_inflates_to_more_than_it_says_is_stopped(folder: Path) -> None:
    bomb = _sized(by_python(Made("a"), Made("b", bytes(200 * MIB)), method=8), 203_546, 1000)
    with pytest.raises(DamageFound, match="there is more in it than it says"):
        unzip(bomb, folder)
    assert (folder / "b").stat().st_size <= MIB


def test_what_inflates_is_never_in_memory(folder: Path) -> None:
    bomb = by_python(Made("b", bytes(50 * MIB)), method=8, streamed=True)
    tracemalloc.start()
    try:
        unzip(bomb, folder)
        assert tracemalloc.get_traced_memory()[1] < 8 * MIB
    finally:
        tracemalloc.stop()


def _other_directory(of: bytes, data: bytes) -> bytes:
    """The members of ``data``, with the directory ``of`` another archive behind them."""
    directory = of[of.index(CENTRAL_SIGN) :]
    members = data[: data.index(CENTRAL_SIGN)]
    return members + directory[:-6] + struct.pack("<L", len(members)) + directory[-2:]


@pytest.mark.parametrize(
    "other",
    [
        (Made("a", b"first"), Made("X", CONTENT), Made("c", b"last")),
        (Made("a", b"first"), Made("b", CONTENT)),
        (Made("a", b"first"), Made("b", CONTENT), Made("c", b"last"), Made("d")),
        (Made("a", b"FIRST"), Made("b", CONTENT), Made("c", b"last")),
        (Made("aa", b"irst"), Made("b", CONTENT), Made("c", b"last")),
        (),
    ],
    ids=["another name", "one less", "one more", "another content", "another place", "none"],
)
def test_a_directory_that_contradicts_its_members_is_damage(folder: Path, other: tuple[Made, ...]) -> None:
    of = zipped(*other).data if other else by_python()
    data = _other_directory(of, GOOD) if other else GOOD[: GOOD.index(CENTRAL_SIGN)] + of
    with pytest.raises(DamageFound):
        unzip(data, folder)
    with pytest.raises(DamageFound):
        list(members_of_zip(BytesStream(data), "x"))


@pytest.mark.parametrize("data", [GOOD, FOREIGN, PIPED], ids=["ours", "stored", "streamed"])
def test_an_archive_that_was_cut_short_is_damage_wherever_it_was(tmp_path: Path, data: bytes) -> None:
    for length in {*range(0, len(data), 7), len(data) - 1}:
        with pytest.raises(DamageFound):
            unzip(data[:length], tmp_path / "to")
        with pytest.raises(DamageFound):
            list(members_of_zip(BytesStream(data[:length]), "x"))


def test_what_follows_the_end_and_what_comes_before_the_beginning_is_damage(folder: Path) -> None:
    for data in (GOOD + b"x", b"x" + GOOD, GOOD + GOOD, b"\0" * 600):
        with pytest.raises(DamageFound):
            unzip(data, folder)


def test_a_checkpoint_of_somebody_else_leads_nowhere(folder: Path) -> None:
    data = zipped(Made("a/b", b""), Made("a/c", b"")).data
    with opened(folder) as descriptor:
        unpacking = ZipUnpacker().unpack(BytesStream(data), descriptor, FILES)
        next(iter(unpacking))
        checkpoint, position = unpacking.checkpoint(), ZipUnpacker().position(unpacking.checkpoint())
    for name in ("..", "/tmp", "x/y", "link"):
        (folder / "link").unlink(missing_ok=True)
        (folder / "link").symlink_to("../outside")
        order = replace(FILES, resume=checkpoint.replace('[\\"a\\"', f'[\\"{name}\\"'))
        assert order.resume != checkpoint
        with pytest.raises((DamageFound, TargetError)):
            unpack(data[position:], folder, order, ZipUnpacker())


WHOLE = (
    zipped(Made("a/b", b"1"), link("l", "a/b"), Made("m", bytes(LARGE + 9)), Made("z/z", b"2" * 999)).data,
    by_python(Made("a/b", b"1" * 50), link("l", "a/b"), Made("d/"), Made("z", b"3" * 500), method=8),
    by_python(Made("a/b", b"1" * 50), link("l", "a/b"), Made("z", b"3" * 500), streamed=True),
)


@settings(max_examples=100, deadline=None, suppress_health_check=list(HealthCheck))
@given(seed=st.integers(0, 10**9), data=st.sampled_from(WHOLE))
def test_whatever_is_wrong_with_an_archive_it_is_an_error_of_ours(seed: int, data: bytes) -> None:
    choice = random.Random(seed)
    wrong = bytearray(data)
    places = [found.start() for found in re.finditer(b"PK", data)]
    for _ in range(choice.randrange(1, 6)):
        at = min(choice.choice(places) + choice.randrange(60), len(wrong) - 1)
        wrong[at] = choice.choice((0, 1, ord("/"), ord("."), 0x80, 0xFF, choice.randrange(256)))
    cut = bytes(wrong[: choice.choice((len(data), choice.randrange(len(data))))])
    with folder_in_memory() as folder:
        with suppress(DamageFound, TargetError):
            unzip(cut, folder / "to")
        assert os.listdir(folder) == ["to"]
    with suppress(DamageFound):
        list(members_of_zip(BytesStream(cut), "x"))


def test_a_checksum_is_that_of_zlib() -> None:
    assert struct.pack("<L", zlib.crc32(b"first")) in GOOD
