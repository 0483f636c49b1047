"""Streams of real ZFS: whole, or told that they aren't."""

from __future__ import annotations

import os
import signal
import threading
from pathlib import Path

import pytest

from glacier_backup.errors import SourceError, SourceMissing, TargetError
from glacier_backup.model.snapshot import Span
from glacier_backup.zfs import SendOptions, Zfs
from tests.zfs_fuse.pool import Made, Pool, zfs

OPTIONS = SendOptions()
MIB = 1024 * 1024


def read(made: Made, span: Span, options: SendOptions = OPTIONS) -> bytes:
    buffer = memoryview(bytearray(MIB))
    data = bytearray()
    with Zfs().sending(made.name, span, options) as sending:
        while True:
            count = sending.readinto(buffer)
            data += buffer[:count]
            if count < len(buffer):
                sending.finish()
                return bytes(data)


def receive(dataset: str, stream: bytes, resumable: bool = False) -> None:
    with Zfs().receiving(dataset, resumable=resumable) as receiving:
        receiving.write(memoryview(stream))
        receiving.finish()


@pytest.fixture(scope="module")
def photos(pool: Pool) -> Made:
    """A file system with snapshots a, b and c, and 3 MB in it."""
    made = pool.filesystem("photos")
    (made.mounted / "large").write_bytes(os.urandom(3_000_000))
    made.snapshot("a")
    (made.mounted / "one").write_bytes(b"1" * 1000)
    made.snapshot("b")
    (made.mounted / "large").rename(made.mounted / "renamed")
    (made.mounted / "one").unlink()
    made.snapshot("c")
    return made


def names(dataset: str) -> list[str]:
    return [one.name for one in Zfs().snapshots(dataset)]


def test_a_baseline_and_an_increment_bring_the_dataset_back(pool: Pool, photos: Made) -> None:
    target = pool.unused("back")
    receive(target, read(photos, Span("a")))
    assert (pool.mounted(target) / "large").stat().st_size == 3_000_000
    receive(target, read(photos, Span("c", base="a")))
    assert names(target) == ["a", "b", "c"]
    assert [one.guid for one in Zfs().snapshots(target)] == [one.guid for one in Zfs().snapshots(photos.name)]
    assert sorted(os.listdir(pool.mounted(target))) == ["renamed"]


def test_without_intermediates_those_in_between_stay_away(pool: Pool, photos: Made) -> None:
    target = pool.unused("back")
    receive(target, read(photos, Span("a")))
    receive(target, read(photos, Span("c", base="a"), SendOptions(intermediates=False)))
    assert names(target) == ["a", "c"]


def test_properties_travel_when_they_are_asked_for(pool: Pool) -> None:
    made = pool.filesystem("props", "-o", "compression=gzip-7")
    made.snapshot("a")
    for options, found in ((OPTIONS, "off"), (SendOptions(properties=True), "gzip-7")):
        target = pool.unused("back")
        receive(target, read(made, Span("a"), options))
        assert zfs("get", "-H", "-o", "value", "compression", target).strip() == found


def test_the_stream_of_two_snapshots_is_the_same_each_time(photos: Made) -> None:
    assert read(photos, Span("c", base="a")) == read(photos, Span("c", base="a"))


def test_what_encrypted_datasets_need_is_refused_where_it_lacks(photos: Made) -> None:
    with pytest.raises(SourceError, match="raw = yes takes zfs send -w") as caught:
        read(photos, Span("a"), SendOptions(raw=True))
    assert "sealing" in str(caught.value.hint)


@pytest.mark.parametrize("span", [Span("x"), Span("x", base="a"), Span("b", base="x")])
def test_a_snapshot_that_is_gone_is_told_before_anything_is_read(photos: Made, span: Span) -> None:
    with (
        pytest.raises(SourceMissing, match=f"^zfs:{photos.name}: its snapshot x isn't there"),
        Zfs().sending(photos.name, span, OPTIONS),
    ):
        pytest.fail("it was begun")


def test_another_snapshot_of_the_same_name_is_not_sent_for_it(pool: Pool) -> None:
    made = pool.filesystem()
    made.snapshot("a")
    (planned,) = Zfs().snapshots(made.name)
    assert read(made, Span("a", planned.guid))
    zfs("destroy", f"{made.name}@a")
    made.snapshot("a")
    with pytest.raises(SourceError, match="another has its name now"):
        read(made, Span("a", planned.guid))


def test_an_increment_from_a_later_snapshot_fails(photos: Made) -> None:
    with pytest.raises(SourceError, match=r"is not earlier than it|not an earlier snapshot"):
        read(photos, Span("a", base="b"))


def _pid_of_send(dataset: str) -> int:
    for folder in Path("/proc").iterdir():
        if folder.name.isdecimal():
            line = (folder / "cmdline").read_bytes() if (folder / "cmdline").exists() else b""
            if line.startswith(b"zfs\0send\0") and dataset.encode() in line:
                return int(folder.name)
    raise AssertionError("no zfs send is at work")


def test_a_send_that_is_killed_is_no_stream_however_it_looks(photos: Made) -> None:
    buffer = memoryview(bytearray(MIB))
    with Zfs().sending(photos.name, Span("a"), OPTIONS) as sending:
        assert sending.readinto(buffer) == MIB
        os.kill(_pid_of_send(photos.name), signal.SIGKILL)
        while sending.readinto(buffer) == MIB:
            pass
        with pytest.raises(SourceError, match=f"^zfs:{photos.name}: zfs send failed with signal 9"):
            sending.finish()


def test_leaving_before_the_end_ends_the_process(photos: Made) -> None:
    with Zfs().sending(photos.name, Span("a"), OPTIONS) as sending:
        sending.readinto(memoryview(bytearray(10)))
        _pid_of_send(photos.name)
    with pytest.raises(AssertionError, match="no zfs send"):
        _pid_of_send(photos.name)


Streams = tuple[bytes, bytes]


@pytest.fixture
def streams(photos: Made) -> Streams:
    """The baseline up to a, and the increment up to b."""
    return read(photos, Span("a")), read(photos, Span("b", base="a"), SendOptions(intermediates=False))


def test_a_stream_that_is_cut_leaves_nothing(pool: Pool, streams: Streams) -> None:
    target = pool.unused("back")
    for end in (1, 312, MIB, len(streams[0]) - 1):
        with pytest.raises(TargetError, match=f"^zfs:{target}: cannot receive"):
            receive(target, streams[0][:end])
        with pytest.raises(SourceMissing):
            names(target)
    receive(target, streams[0])
    with pytest.raises(TargetError, match="invalid"):
        receive(target, streams[1][:-1])
    assert names(target) == ["a"]


def test_a_stream_that_nobody_finishes_leaves_nothing(pool: Pool, streams: Streams) -> None:
    target = pool.unused("back")
    with Zfs().receiving(target) as receiving:
        receiving.write(memoryview(streams[0])[:-1])
    with pytest.raises(ZeroDivisionError), Zfs().receiving(target) as receiving:
        receiving.write(memoryview(streams[0])[: MIB // 0])
    with pytest.raises(SourceMissing):
        names(target)
    receive(target, streams[0])
    with Zfs().receiving(target) as receiving:
        receiving.write(memoryview(streams[1])[:-1])
    assert names(target) == ["a"]
    receive(target, streams[1])
    assert names(target) == ["a", "b"]


def test_a_stream_with_several_snapshots_comes_again_after_the_target_was_rolled_back(pool: Pool, photos: Made) -> None:
    target = pool.unused("back")
    receive(target, read(photos, Span("a")))
    stream = read(photos, Span("c", base="a"))
    with pytest.raises(TargetError):
        receive(target, stream[:-1000])
    assert names(target) == ["a", "b"]
    Zfs().roll_back(target, "a")
    assert names(target) == ["a"]
    receive(target, stream)
    assert names(target) == ["a", "b", "c"]


def test_what_was_done_to_a_target_is_gone_when_it_was_rolled_back(pool: Pool, streams: Streams) -> None:
    target = pool.unused("back")
    receive(target, streams[0])
    (pool.mounted(target) / "mine").write_bytes(b"")
    Zfs().roll_back(target, "a")
    receive(target, streams[1])
    assert names(target) == ["a", "b"]


def test_rolling_back_to_what_is_not_there_fails(pool: Pool) -> None:
    made = pool.filesystem()
    with pytest.raises(TargetError, match="does not exist"):
        Zfs().roll_back(made.name, "a")
    with pytest.raises(TargetError, match="no name of a snapshot"):
        Zfs().roll_back(made.name, "-r")


def test_where_resuming_is_not_known_receiving_goes_without(pool: Pool, streams: Streams) -> None:
    target = pool.unused("back")
    receive(target, streams[0], resumable=True)
    assert names(target) == ["a"]


def test_what_is_no_stream_is_refused_while_it_is_written(pool: Pool) -> None:
    with pytest.raises(TargetError, match="bad magic number"), Zfs().receiving(pool.unused("back")) as receiving:
        receiving.write(memoryview(b"no stream\n" * 1_000_000))


def test_an_increment_needs_what_it_builds_on(pool: Pool, streams: Streams) -> None:
    made = pool.filesystem()
    made.snapshot("a")
    with pytest.raises(TargetError, match="does not match incremental source") as caught:
        receive(made.name, streams[1])
    assert "isn't there yet" in str(caught.value.hint)


def test_a_dataset_that_was_used_in_between_is_told(pool: Pool, streams: Streams) -> None:
    target = pool.unused("back")
    receive(target, streams[0])
    (pool.mounted(target) / "mine").write_bytes(b"")
    with pytest.raises(TargetError, match="has been modified since most recent snapshot") as caught:
        receive(target, streams[1])
    assert "zfs rollback" in str(caught.value.hint)


def test_a_dataset_that_is_there_is_not_overwritten(pool: Pool, streams: Streams) -> None:
    made = pool.filesystem()
    with pytest.raises(TargetError, match="exists must specify -F") as caught:
        receive(made.name, streams[0])
    assert "isn't there yet" in str(caught.value.hint)


@pytest.mark.parametrize("above", ["nopool", "{pool}/nothing"])
def test_what_lies_above_has_to_be_there(pool: Pool, streams: Streams, above: str) -> None:
    above = above.format(pool=pool.name)
    with pytest.raises(TargetError, match="does not exist") as caught:
        receive(f"{above}/back", streams[0])
    assert f"zfs create -p {above}" in str(caught.value.hint)


@pytest.mark.parametrize("name", ["tank/back/", "/tank/back", "-F", "tank/back@a", "tank/ba\nck"])
def test_a_name_that_is_none_is_no_target(name: str) -> None:
    with pytest.raises(TargetError), Zfs().receiving(name):
        pytest.fail("it was begun")


def test_a_stream_goes_from_one_to_the_other_without_being_held(pool: Pool, photos: Made) -> None:
    target = pool.unused("back")
    buffer = memoryview(bytearray(65536))
    with Zfs().sending(photos.name, Span("a"), OPTIONS) as sending, Zfs().receiving(target) as receiving:
        count = len(buffer)
        while count == len(buffer):
            count = sending.readinto(buffer)
            receiving.write(buffer[:count])
        sending.finish()
        receiving.finish()
    assert names(target) == ["a"]
    assert threading.active_count() < 10
