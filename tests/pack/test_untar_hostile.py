"""Archives that nobody of good will makes: nothing is written outside of the folder, and all of it is called damage."""

from __future__ import annotations

import os
import random
import tarfile
import tracemalloc
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from glacier_backup.errors import DamageFound, TargetError
from glacier_backup.pack.tar import TarPacker
from glacier_backup.pack.tar_header import BLOCK
from glacier_backup.pack.unpacker import UnpackOrder
from glacier_backup.pack.unpackers import LINK_UNPACKER
from glacier_backup.pack.untar import TarUnpacker
from tests.pack.packing import grow, packed
from tests.pack.unpacking import TREE, folder_in_memory, made_by_hand, opened, unpack
from tests.roundtrip.trees import look
from tests.streams import BytesStream

FILE, DIRECTORY, LINK, HARD = tarfile.REGTYPE, tarfile.DIRTYPE, tarfile.SYMTYPE, tarfile.LNKTYPE


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


@pytest.mark.parametrize(
    "name",
    ["/etc/glacier", "../outside/new", "a/../../outside/new", "..", "a/..", "/", "//a", "nul\0nul", "a/nul\0/b", "a/"],
)
def test_names_that_lead_out_or_are_none_are_damage(folder: Path, name: str) -> None:
    data = made_by_hand(("first", FILE, b"1"), (name, b"6" if name == "a/" else FILE, b""))
    if "\0" in name:  # only an extended header can say it
        data = with_record(b"path", name.encode())
    with pytest.raises(DamageFound, match="byte"):
        unpack(data, folder)
    assert os.listdir(folder) in (["first"], [])


def test_an_empty_name_is_damage(folder: Path) -> None:
    with pytest.raises(DamageFound, match="byte 0 of the archive: its name"):
        unpack(made_by_hand(("", FILE, b"")), folder)


@pytest.mark.parametrize("target", ["../outside", "/tmp"])
def test_nothing_is_made_below_a_symlink(folder: Path, target: str) -> None:
    for below in ("link/new", "link/deeper/new"):
        data = made_by_hand(("link", LINK, target), (below, FILE, b"gone astray"))
        with pytest.raises(
            DamageFound, match=f"{below}, at byte 512 of the archive: link would have to be a directory"
        ):
            unpack(data, folder)
    data = made_by_hand(("link", LINK, target), ("link", DIRECTORY, b""), ("link/new", FILE, b"gone astray"))
    with pytest.raises(DamageFound):
        unpack(data, folder)


def test_a_file_is_not_written_through_a_symlink_of_its_name(folder: Path) -> None:
    unpack(made_by_hand(("precious", LINK, "../outside/precious"), ("precious", FILE, b"new")), folder)
    assert not (folder / "precious").is_symlink()
    assert (folder / "precious").read_bytes() == b"new"


def test_attributes_are_not_given_through_a_symlink(folder: Path) -> None:
    unpack(made_by_hand(("precious", LINK, "../outside/precious"), ("other", HARD, "precious")), folder)
    assert os.readlink(folder / "other") == "../outside/precious"


@pytest.mark.parametrize("target", ["/etc/passwd", "../outside/precious", "link/precious", "nothing", "self", "a", ""])
def test_hard_links_to_what_is_not_there_are_damage(folder: Path, target: str) -> None:
    data = made_by_hand(("link", LINK, "../outside"), ("a", DIRECTORY, b""), ("self", HARD, target))
    with pytest.raises(DamageFound, match="self, at byte 1,024 of the archive"):
        unpack(data, folder)


def test_devices_are_left_out_and_told(folder: Path) -> None:
    data = made_by_hand(("null", tarfile.CHRTYPE, ""), ("disk", tarfile.BLKTYPE, ""), ("file", FILE, b"1"))
    unpacked = unpack(data, folder)
    assert os.listdir(folder) == ["file"]
    assert [member.type for member in unpacked.members] == ["device", "device", "file"]
    assert unpacked.left_out == ("null: left out, for it is a device", "disk: left out, for it is a device")


def test_types_that_nobody_knows_are_left_out_with_their_content(folder: Path) -> None:
    unpacked = unpack(made_by_hand(("odd", b"Z", bytes(1000)), ("file", FILE, b"1")), folder)
    assert os.listdir(folder) == ["file"]
    assert "odd: left out" in unpacked.left_out[0]


def test_the_later_of_two_members_of_one_name_counts(folder: Path) -> None:
    data = made_by_hand(("a", FILE, b"first"), ("b", HARD, "a"), ("a", FILE, b"second"), ("b", LINK, "a"))
    unpack(data, folder)
    assert (folder / "a").read_bytes() == b"second"
    assert os.readlink(folder / "b") == "a"


def test_a_directory_and_a_file_of_one_name_are_damage(folder: Path) -> None:
    with pytest.raises(DamageFound, match="a, at byte 512 of the archive: a directory has its name"):
        unpack(made_by_hand(("a", DIRECTORY, b""), ("a", FILE, b"")), folder)
    with pytest.raises(DamageFound, match="b would have to be a directory"):
        unpack(made_by_hand(("b", FILE, b""), ("b", DIRECTORY, b"")), folder)
    with pytest.raises(DamageFound, match="c would have to be a directory"):
        unpack(made_by_hand(("c", FILE, b""), ("c/d", FILE, b"")), folder)


def test_directories_that_are_entered_again_keep_their_times(folder: Path) -> None:
    """And their permissions, which are taken back while something is made in them."""
    members = [("a", DIRECTORY, b""), ("b", DIRECTORY, b""), ("a/late", FILE, b""), ("b/c/late", FILE, b"")]
    data = bytearray(made_by_hand(*members))
    unpack(bytes(data), folder)
    assert (folder / "a").stat().st_mtime_ns == 0
    assert (folder / "b").stat().st_mtime_ns == 0
    assert (folder / "a").stat().st_mode & 0o7777 == 0o755


def test_a_wrong_checksum_is_damage(folder: Path) -> None:
    data = bytearray(made_by_hand(("first", FILE, b"1"), ("second", FILE, b"2")))
    data[1024] ^= 1
    with pytest.raises(DamageFound, match=r"byte 1,024 of the archive: the checksum of its header is wrong"):
        unpack(bytes(data), folder)


@pytest.mark.parametrize("cut", [0, 1, 511, 512, 700, 1023, 1024, 1025, 1536, 2047, 2048, 2049, 2560])
def test_an_archive_that_ends_too_early_is_damage(folder: Path, cut: int) -> None:
    data = made_by_hand(("first", FILE, b"1" * 100), ("second", FILE, b"2" * 512))
    with pytest.raises(DamageFound, match="ends too early"):
        unpack(data[:cut], folder)


def test_something_behind_the_end_is_damage(folder: Path) -> None:
    data = made_by_hand(("file", FILE, b""))
    for odd in (data + b"x", data[:512] + bytes(512) + data):
        with pytest.raises(DamageFound, match="end"):
            unpack(odd, folder)


def test_an_archive_without_members_is_empty(folder: Path) -> None:
    assert unpack(bytes(1024), folder).members == []
    # As git archives a tree with nothing in it.
    assert unpack(tarfile.TarInfo.create_pax_global_header({"comment": "0"}) + bytes(1024), folder).members == []


@pytest.mark.parametrize(
    "size", [b"99999999999 ", b"\x80" + b"\xff" * 11, b"\xff" * 12, b"-0000000001 ", b"7777777777_ "]
)
def test_sizes_that_cannot_be_allocate_nothing(folder: Path, size: bytes) -> None:
    data = bytearray(made_by_hand(("file", FILE, b"content")))
    data[124:136] = size
    tracemalloc.start()
    with pytest.raises(DamageFound):
        unpack(with_checksum(data), folder)
    assert tracemalloc.get_traced_memory()[1] < 8 * 2**20
    tracemalloc.stop()


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"5",
        b"x path=a\n",
        b"0 path=a\n",
        b"99 path=a\n",
        b"9 path=ab",
        b"8 path\n\n",
        b"1" * 600,
        b"30 mtime=1_0\n",
    ],
)
def test_extended_headers_that_say_nothing_are_damage(folder: Path, content: bytes) -> None:
    if not content:
        content = b"17 mtime=1e1000\n\n"
    with pytest.raises(DamageFound, match="byte 0 of the archive"):
        unpack(with_header(b"x", content), folder)


@pytest.mark.parametrize("kind", [b"x", b"g", b"L", b"K"])
def test_headers_of_more_than_a_mebibyte_are_damage(folder: Path, kind: bytes) -> None:
    long = b"a" * (2 * 2**20)
    content = long if kind in b"LK" else b"%d comment=%b\n" % (len(long) + 17, long)
    with pytest.raises(DamageFound, match="1 MiB"):
        unpack(with_header(kind, content), folder)


def test_headers_without_end_are_damage(folder: Path) -> None:
    one = with_header(b"x", b"1018 comment=" + b"a" * 1004 + b"\n")[:1536]
    with pytest.raises(DamageFound, match="longer than 1 MiB"):
        unpack(b"".join(one.replace(b"comment", b"c%06d" % number) for number in range(2000)), folder)


def test_names_of_ten_thousand_directories_are_damage(folder: Path) -> None:
    with pytest.raises(DamageFound, match="more than 4,096 directories"):
        unpack(with_record(b"path", b"a/" * 10_000 + b"b"), folder)


@pytest.mark.parametrize(
    "sparse",
    [
        [(b"size", b"5"), (b"offset", b"3"), (b"numbytes", b"7")],
        [(b"size", b"100"), (b"offset", b"50"), (b"numbytes", b"4"), (b"offset", b"10"), (b"numbytes", b"3")],
        [(b"size", b"100"), (b"offset", b"50"), (b"numbytes", b"6")],
        [(b"size", b"100"), (b"numbytes", b"7")],
        [(b"size", b"-1"), (b"offset", b"0"), (b"numbytes", b"7")],
        [(b"size", b"100"), (b"map", b"0,7,x")],
        [(b"major", b"1"), (b"minor", b"0"), (b"realsize", b"100")],
        [(b"major", b"3"), (b"minor", b"0"), (b"realsize", b"100")],
    ],
)
def test_maps_that_are_none_are_damage(folder: Path, sparse: list[tuple[bytes, bytes]]) -> None:
    content = b"".join(record(b"GNU.sparse." + key, value) for key, value in sparse)
    with pytest.raises(DamageFound, match="byte 0 of the archive"):
        unpack(with_header(b"x", content), folder)


def test_a_map_that_is_one_number_without_end_is_not_read_on(folder: Path) -> None:
    sparse = ((b"major", b"1"), (b"minor", b"0"), (b"realsize", b"1"))
    header = b"".join(record(b"GNU.sparse." + key, value) for key, value in sparse)
    data = with_header(b"x", header, b"1" * (4 << 20))
    tracemalloc.start()
    try:
        with pytest.raises(DamageFound, match="the map of a sparse file"):
            unpack(data, folder)
        assert tracemalloc.get_traced_memory()[1] < 4 << 20
    finally:
        tracemalloc.stop()


def test_a_sparse_file_of_any_size_takes_no_room(folder: Path) -> None:
    """Nor does it have to be possible: that is an error of the target."""
    content = b"".join(
        record(b"GNU.sparse." + key, value)
        for key, value in ((b"size", b"%d" % (2**63 - 1)), (b"offset", b"0"), (b"numbytes", b"7"))
    )
    with suppress(TargetError):
        unpack(with_header(b"x", content), folder)
    assert (folder / "file").stat().st_blocks < 100


def test_a_time_that_cannot_be_is_left_out(folder: Path) -> None:
    unpacked = unpack(with_record(b"mtime", b"9" * 25), folder)
    assert (folder / "file").read_bytes() == b"content"
    assert "another time" in unpacked.left_out[0]


@settings(max_examples=60, suppress_health_check=list(HealthCheck))
@given(seed=st.integers(0, 10**9))
def test_whatever_is_wrong_with_an_archive_it_is_an_error_of_ours(grown: bytes, seed: int) -> None:
    choice = random.Random(seed)
    data = bytearray(grown)
    for _ in range(choice.randrange(1, 6)):
        begin = choice.randrange(len(data) // BLOCK) * BLOCK
        at = begin + choice.choice((0, 100, 108, 124, 136, 156, 157, 257, 345, 400)) + choice.randrange(8)
        data[at] = choice.choice((0, ord("0"), ord("7"), ord("/"), ord("."), 0x80, 0xFF, choice.randrange(256)))
        if choice.random() < 0.8:
            data[begin : begin + BLOCK] = with_checksum(data[begin : begin + BLOCK])
    with folder_in_memory() as folder:
        with suppress(DamageFound, TargetError):
            unpack(bytes(data[: choice.choice((len(data), choice.randrange(len(data))))]), folder / "to")
        assert os.listdir(folder) == ["to"]


@pytest.fixture(scope="module")
def grown(tmp_path_factory: pytest.TempPathFactory) -> bytes:
    """A tar of all kinds of files."""
    top = tmp_path_factory.mktemp("grown") / "tree"
    grow(top, 5)
    return packed(TarPacker(), top, "tree").data


def test_a_checkpoint_of_somebody_else_leads_nowhere(folder: Path) -> None:
    data = made_by_hand(("a", DIRECTORY, b""), ("a/b", FILE, b""))
    with opened(folder) as descriptor:
        unpacking = TarUnpacker().unpack(BytesStream(data), descriptor, TREE)
        next(iter(unpacking))
        checkpoint = unpacking.checkpoint()
    for name in ("..", "/tmp", "x/y", "link"):
        (folder / "link").unlink(missing_ok=True)
        (folder / "link").symlink_to("../outside")
        order = replace(TREE, resume=checkpoint.replace('["a"', f'["{name}"'))
        with pytest.raises((DamageFound, TargetError)):
            unpack(data[512:], folder, order)


def test_an_order_for_a_link_to_nothing_is_damage(folder: Path) -> None:
    for content in (b"", b"a\0b", b"a" * 5000):
        with pytest.raises(DamageFound):
            unpack(content, folder, UnpackOrder("link", "link"), LINK_UNPACKER)


def record(keyword: bytes, value: bytes) -> bytes:
    """One of an extended header."""
    rest = len(keyword) + len(value) + 3
    length = next(number for number in range(rest, rest + 9) if rest + len(str(number)) == number)
    return b"%d %b=%b\n" % (length, keyword, value)


def with_record(keyword: bytes, value: bytes) -> bytes:
    return with_header(b"x", record(keyword, value))


def with_header(kind: bytes, content: bytes, file: bytes = b"content") -> bytes:
    """A tar of one file behind such a header."""
    header = tarfile.TarInfo("header")
    header.type, header.size = kind, len(content)
    block = header.tobuf(tarfile.USTAR_FORMAT)
    return block + content + bytes(-len(content) % BLOCK) + made_by_hand(("file", FILE, file))


def with_checksum(block: bytes | bytearray) -> bytes:
    """With the first block's checksum right again."""
    new = bytearray(block)
    new[148:156] = b" " * 8
    new[148:156] = b"%06o\0 " % sum(new[:BLOCK])
    return bytes(new)
