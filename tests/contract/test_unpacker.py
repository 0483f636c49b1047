"""What every unpacker promises (:mod:`glacier_backup.pack.unpacker`), tried on each with the packer that it undoes."""

from __future__ import annotations

import os
from collections.abc import Callable
from dataclasses import replace
from functools import lru_cache
from pathlib import Path
from typing import NamedTuple

import pytest

from glacier_backup.errors import DamageFound, TargetError
from glacier_backup.model.candidate import Kind
from glacier_backup.model.contents import contents_of
from glacier_backup.pack.packer import Packer
from glacier_backup.pack.registry import GROUPS, LINKS, PACKERS
from glacier_backup.pack.unpacker import Unpacker, UnpackOrder
from glacier_backup.pack.unpackers import LINK_UNPACKER, UNPACKERS
from glacier_backup.pack.zfs import ZfsPacker
from glacier_backup.units import MIB
from tests.pack.gathered import OneAsZip
from tests.pack.packing import ODD_NAMES, Packed, packed
from tests.pack.unpacking import opened, stopped, unpack
from tests.roundtrip.trees import look, room_taken
from tests.streams import BytesStream, noise

MOMENT = -1_500_000_000_123_456_789


class Pair(NamedTuple):
    """A packer, what undoes it, and what to try them on."""

    packer: Packer
    unpacker: Unpacker
    kind: Kind
    make: Callable[[Path], None]


def _file(path: Path) -> None:
    path.write_bytes(noise(300_001))
    path.chmod(0o640)


def _link(path: Path) -> None:
    path.symlink_to("../somewhere\nelse/\udcff")


PAIRS = {
    "raw": Pair(PACKERS["raw"], UNPACKERS["raw"], "file", _file),
    "tar": Pair(PACKERS["tar"], UNPACKERS["tar"], "file", _file),
    # Any bytes do: to whoever writes it into a file, a stream of a dataset is one.
    "zfs": Pair(PACKERS["raw"], UNPACKERS["zfs"], "dataset", _file),
    "zip": Pair(OneAsZip(), UNPACKERS["zip"], "group", _file),
    "zip of a link": Pair(OneAsZip(), UNPACKERS["zip"], "group", _link),
    "link": Pair(LINKS, LINK_UNPACKER, "link", _link),
}


@pytest.fixture(params=PAIRS)
def pair(request: pytest.FixtureRequest) -> Pair:
    return PAIRS[request.param]


@pytest.fixture(params=["raw", "tar", "zfs", "zip"])
def of_file(request: pytest.FixtureRequest) -> Pair:
    """Only those that hold content."""
    return PAIRS[request.param]


@pytest.fixture(params=["raw", "zfs", "link"])
def nameless(request: pytest.FixtureRequest) -> Pair:
    """Only those that are told a name."""
    return PAIRS[request.param]


@lru_cache
def _large() -> bytes:
    return noise(17 * MIB) + bytes(5 * MIB) + noise(18 * MIB + 1)


@pytest.fixture
def source(pair: Pair, tmp_path: Path) -> Path:
    path = tmp_path / "from" / "thing"
    path.parent.mkdir()
    pair.make(path)
    os.utime(path, ns=(0, MOMENT), follow_symlinks=False)
    return path


def packed_with_order(pair: Pair, source: Path, name: str = "thing") -> tuple[Packed, UnpackOrder]:
    result = packed(pair.packer, source, name)
    found = source.lstat()
    return result, UnpackOrder(name, pair.kind, mtime_ns=found.st_mtime_ns, mode=found.st_mode & 0o7777)


def test_there_is_an_unpacker_for_each_packer() -> None:
    groups = {GROUPS(contents_of([], prefix=prefix)).container for prefix in (None, "")}
    assert set(UNPACKERS) == set(PACKERS) | groups | {ZfsPacker.container}
    assert {container: unpacker.container for container, unpacker in UNPACKERS.items()} == {
        one: one for one in UNPACKERS
    }


def test_what_was_packed_comes_back_as_it_was(pair: Pair, source: Path, tmp_path: Path) -> None:
    result, order = packed_with_order(pair, source)
    unpacked = unpack(result.data, tmp_path / "to", order, pair.unpacker)
    assert look(tmp_path / "to/thing") == look(source)
    assert unpacked.members == [member._replace(sha256=None, source=None) for member in result.members]
    assert unpacked.left_out == ()
    assert os.listdir(tmp_path / "to") == ["thing"]


@pytest.mark.parametrize("name", ODD_NAMES)
def test_it_may_have_any_name(pair: Pair, source: Path, tmp_path: Path, name: str) -> None:
    result, order = packed_with_order(pair, source, name)
    unpack(result.data, tmp_path / "to", order, pair.unpacker)
    assert os.listdir(tmp_path / "to") == [name]


@pytest.mark.parametrize("name", ["", ".", "..", "a/../../b", "/absolute", "nul\0nul"])
def test_no_name_leads_out(nameless: Pair, tmp_path: Path, name: str) -> None:
    with pytest.raises(DamageFound):
        unpack(b"content", tmp_path / "to", UnpackOrder(name, nameless.kind), nameless.unpacker)
    assert os.listdir(tmp_path / "to") == []


@pytest.mark.parametrize("kind", ["file", "link", "fifo"])
def test_what_has_the_name_is_replaced_and_not_written_through(
    pair: Pair, source: Path, tmp_path: Path, kind: str
) -> None:
    (tmp_path / "to").mkdir()
    (tmp_path / "precious").write_text("precious")
    there = tmp_path / "to/thing"
    if kind == "file":
        there.hardlink_to(tmp_path / "precious")
    elif kind == "link":
        there.symlink_to("../precious")
    else:
        os.mkfifo(there)
    result, order = packed_with_order(pair, source)
    unpack(result.data, tmp_path / "to", order, pair.unpacker)
    assert look(there) == look(source)
    assert (tmp_path / "precious").read_text() == "precious"


def test_nothing_is_left_open(pair: Pair, source: Path, tmp_path: Path) -> None:
    result, order = packed_with_order(pair, source)
    before = os.listdir("/proc/self/fd")
    with opened(tmp_path / "to") as folder:
        iter(pair.unpacker.unpack(BytesStream(result.data), folder, order))
        list(pair.unpacker.unpack(BytesStream(result.data), folder, order))
        stopped(pair.unpacker.unpack(BytesStream(result.data), folder, order), 0, 1)
    assert os.listdir("/proc/self/fd") == before


def test_errors_of_the_archive_come_through(pair: Pair, tmp_path: Path) -> None:
    class Broken:
        def readinto(self, buffer: memoryview) -> int:
            raise ConnectionResetError("the wire broke")

    with opened(tmp_path / "to") as folder, pytest.raises(ConnectionResetError):
        list(pair.unpacker.unpack(Broken(), folder, UnpackOrder("thing", pair.kind)))


def test_a_folder_that_takes_nothing_is_an_error_of_the_target(pair: Pair, source: Path, tmp_path: Path) -> None:
    result, order = packed_with_order(pair, source)
    with opened(tmp_path / "to") as folder:
        (tmp_path / "to").rmdir()
        with pytest.raises(TargetError, match="thing: No such file"):
            list(pair.unpacker.unpack(BytesStream(result.data), folder, order))


@pytest.mark.parametrize(("checkpoint_after", "more"), [(0, 0), (0, 2), (1, 0), (1, 1), (1, 9), (2, 0), (2, 9), (3, 0)])
def test_it_goes_on_after_any_checkpoint(of_file: Pair, tmp_path: Path, checkpoint_after: int, more: int) -> None:
    """In a folder that an earlier process left at any later moment."""
    source = tmp_path / "thing"
    source.write_bytes(_large())
    source.chmod(0o400)
    result, order = packed_with_order(of_file, source)
    with opened(tmp_path / "to") as folder:
        first = of_file.unpacker.unpack(BytesStream(result.data), folder, order)
        checkpoint = stopped(first, checkpoint_after, checkpoint_after + more)
        assert checkpoint.isprintable()
        position = of_file.unpacker.position(checkpoint)
        assert position >= checkpoint_after * 16 * MIB or checkpoint_after == 3
        rest = BytesStream(result.data[position:])
        order = replace(order, start=position, resume=checkpoint)
        list(of_file.unpacker.unpack(rest, folder, order))
    assert look(tmp_path / "to/thing") == look(source)


def test_a_link_is_made_again_after_any_checkpoint(tmp_path: Path) -> None:
    _link(tmp_path / "thing")
    result, order = packed_with_order(PAIRS["link"], tmp_path / "thing")
    for steps in (0, 1, 2):
        with opened(tmp_path / "to") as folder:
            checkpoint = stopped(LINK_UNPACKER.unpack(BytesStream(result.data), folder, order), steps, steps)
            assert LINK_UNPACKER.position(checkpoint) == 0
            list(LINK_UNPACKER.unpack(BytesStream(result.data), folder, replace(order, resume=checkpoint)))
        assert look(tmp_path / "to/thing") == look(tmp_path / "thing")


def test_holes_of_a_large_file_take_no_room(of_file: Pair, tmp_path: Path) -> None:
    source = tmp_path / "thing"
    with source.open("wb") as file:
        file.seek(40 * MIB)
        file.write(b"data")
        file.truncate(60 * MIB)
    if room_taken(source) > MIB:
        pytest.skip("this file system has no holes")
    result, order = packed_with_order(of_file, source)
    unpack(result.data, tmp_path / "to", order, of_file.unpacker)
    assert look(tmp_path / "to/thing") == look(source)
    assert room_taken(tmp_path / "to/thing") <= 2 * MIB


def test_a_half_written_file_that_has_gone_is_an_error_of_the_target(of_file: Pair, tmp_path: Path) -> None:
    source = tmp_path / "thing"
    source.write_bytes(_large())
    result, order = packed_with_order(of_file, source)
    with opened(tmp_path / "to") as folder:
        checkpoint = stopped(of_file.unpacker.unpack(BytesStream(result.data), folder, order), 1, 1)
        os.truncate(tmp_path / "to/thing", MIB)
        rest = BytesStream(result.data[of_file.unpacker.position(checkpoint) :])
        order = replace(order, resume=checkpoint)
        with pytest.raises(TargetError, match="thing: this isn't what was left"):
            list(of_file.unpacker.unpack(rest, folder, order))


@pytest.mark.parametrize("checkpoint", ["", "{}", "x", '{"at":1}', "-1"])
def test_a_checkpoint_that_is_none_is_an_error(of_file: Pair, checkpoint: str) -> None:
    with pytest.raises(TargetError, match="how far"):
        of_file.unpacker.position(checkpoint)
