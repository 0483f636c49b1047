"""A file as it is, whatever happens to it meanwhile."""

from __future__ import annotations

import os
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from itertools import cycle
from pathlib import Path

import pytest

from glacier_backup.destination.destination import RandomAccess
from glacier_backup.errors import SourceError, SourceShrank
from glacier_backup.pack.packer import PackOutcome
from glacier_backup.pack.raw import RawPacker, RawStream
from tests.pack.packing import packed, read_all
from tests.streams import noise

CONTENT = noise(3_000_000)


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "file"
    path.write_bytes(CONTENT)
    os.utime(path, ns=(0, 1_000_000_000))
    return path


@pytest.mark.parametrize("size", [999, 1_000_000, 3_000_000, 4_000_000])
def test_the_stream_is_the_content(file: Path, size: int) -> None:
    result = packed(RawPacker(), file, "file", size)
    assert result.data == CONTENT
    assert result.outcome == PackOutcome((), changed=False)


def test_a_directory_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(SourceError, match="not a regular file"), RawPacker().pack(str(tmp_path), "it"):
        pass


def test_a_device_is_an_error() -> None:
    with pytest.raises(SourceError, match="/dev/null: not a regular file"), RawPacker().pack("/dev/null", "null"):
        pass


HALF = len(CONTENT) // 2
MOMENT = (0, 1_000_000_000)
"""The times that the file has before it is opened, and that somebody may give it back."""


def _append(file: Path) -> None:
    with file.open("ab") as more:
        more.write(b"more")
    os.utime(file, ns=MOMENT)


def _touch(file: Path) -> None:
    os.utime(file, ns=(0, 1_000_000_001))


def _overwrite(file: Path) -> None:
    with file.open("r+b") as same:
        same.write(b"other")


def _overwrite_unseen(file: Path) -> None:
    _overwrite(file)
    os.utime(file, ns=MOMENT)


def _replace(file: Path) -> None:
    other = file.with_name("other")
    other.write_bytes(CONTENT)
    os.utime(other, ns=MOMENT)
    other.replace(file)


def _shrink(file: Path) -> None:
    os.truncate(file, 10)


def _empty(file: Path) -> None:
    os.truncate(file, 0)


def _regrow(file: Path) -> None:
    _empty(file)
    file.write_bytes(CONTENT)


def _regrow_unseen(file: Path) -> None:
    _regrow(file)
    os.utime(file, ns=MOMENT)


def _regrow_as_zeros(file: Path) -> None:
    _empty(file)
    os.truncate(file, len(CONTENT))
    os.utime(file, ns=MOMENT)


CHANGES = (
    _append,
    _touch,
    _overwrite,
    _overwrite_unseen,
    _replace,
    _shrink,
    _empty,
    _regrow,
    _regrow_unseen,
    _regrow_as_zeros,
    os.unlink,
)
Change = Callable[[Path], None]
Read = Callable[[RawStream, int], bytes]


def _in_order(stream: RawStream, start: int) -> bytes:
    """Half of the content from front to end; the second time, all the rest."""
    if start:
        return read_all(stream)
    buffer = memoryview(bytearray(HALF))
    return bytes(buffer[: stream.readinto(buffer)])


def _anywhere(stream: RawStream, start: int) -> bytes:
    """Half of the content, read at its place."""
    buffer = memoryview(bytearray(HALF))
    return bytes(buffer[: stream.read_at(buffer, start)])


@pytest.fixture
def stream(file: Path) -> Iterator[RawStream]:
    with RawPacker().pack(str(file), "file") as opened:
        assert isinstance(opened, RawStream)
        yield opened


@pytest.mark.parametrize("read", [_in_order, _anywhere])
@pytest.mark.parametrize("change", CHANGES)
@pytest.mark.parametrize("done", [0, 1, 2])
def test_a_file_that_changes_while_it_is_read_is_called_changed(
    file: Path, stream: RawStream, change: Change, read: Read, done: int
) -> None:
    """Before, in the middle of, and right after reading: never an archive that claims to be whole and unchanged."""
    for start in (0, HALF)[:done]:
        read(stream, start)
    change(file)
    if read is _anywhere and change in (_shrink, _empty) and done < 2:
        with pytest.raises(SourceShrank, match="it has become shorter while it was read"):
            read(stream, HALF)
        return
    for start in (0, HALF)[done:]:
        read(stream, start)
    assert stream.outcome() == PackOutcome((), changed=True)


def test_a_file_that_grows_while_it_is_read_at_once_ends_where_it_ended(file: Path, stream: RawStream) -> None:
    _append(file)

    assert _anywhere(stream, 0) + _anywhere(stream, HALF) == CONTENT
    (member,) = stream.members()
    assert member.size == stream.size == len(CONTENT)


def test_a_file_that_grows_while_it_is_read_in_order_is_read_to_its_new_end(file: Path, stream: RawStream) -> None:
    _append(file)

    assert read_all(stream) == CONTENT + b"more"
    (member,) = stream.members()
    assert member.size == len(CONTENT) + 4


def test_bytes_that_came_short_are_the_members_size(file: Path, stream: RawStream) -> None:
    os.truncate(file, 2_000_000)

    assert read_all(stream) == CONTENT[:2_000_000]
    (member,) = stream.members()
    assert member.size == 2_000_000


def test_a_file_that_was_written_and_rewritten_by_turns_is_never_called_whole_by_mistake(file: Path) -> None:
    """A writer at full speed, and readers in both ways: what is called unchanged is one of the writer's versions."""
    versions = [bytes([letter]) * 400_000 for letter in b"abcdef"]
    file.write_bytes(versions[0])
    stop = threading.Event()

    def write() -> None:
        for version in cycle(versions):
            if stop.wait(0.03):
                return
            with file.open("r+b") as same:
                same.write(version)

    writer = threading.Thread(target=write)
    writer.start()
    try:
        for turn in range(50):
            data, outcome = _read(file, turn % 2 == 0)
            assert outcome.changed or data in versions
    finally:
        stop.set()
        writer.join()


def _read(file: Path, anywhere: bool) -> tuple[bytes, PackOutcome]:
    with RawPacker().pack(str(file), "file") as stream:
        if not anywhere:
            return read_all(stream, 10_000), stream.outcome()
        assert isinstance(stream, RawStream)
        data = bytearray(400_000)
        for start in range(0, 400_000, 10_000):
            stream.read_at(memoryview(data)[start : start + 10_000], start)
        return bytes(data), stream.outcome()


def test_several_threads_read_at_once(stream: RawStream) -> None:
    def read(start: int) -> bytes:
        buffer = memoryview(bytearray(100_000))
        return bytes(buffer[: stream.read_at(buffer, start)])

    with ThreadPoolExecutor(4) as pool:
        assert b"".join(pool.map(read, range(0, len(CONTENT) + 100_000, 100_000))) == CONTENT
    assert stream.outcome() == PackOutcome((), changed=False)


def test_a_stream_knows_its_size(stream: RawStream) -> None:
    assert stream.size == len(CONTENT)
    assert isinstance(stream, RandomAccess)


@pytest.mark.parametrize("path", ["/proc/self/status", "/sys/kernel/mm/transparent_hugepage/enabled", "/proc/self/mem"])
def test_where_only_reading_tells_the_size_the_stream_says_so(path: str) -> None:
    if not os.path.exists(path):
        pytest.skip(f"there is no {path}")
    with RawPacker().pack(path, "it") as stream:
        assert isinstance(stream, RawStream)
        assert stream.size is None


def test_an_empty_file_is_read_to_its_end(file: Path) -> None:
    _empty(file)
    assert packed(RawPacker(), file, "file").outcome == PackOutcome((), changed=False)


def test_a_change_of_mode_is_no_change_of_content(file: Path, stream: RawStream) -> None:
    file.chmod(0o600)
    read_all(stream)
    assert not stream.outcome().changed


def test_reading_again_is_not_a_change(file: Path) -> None:
    with RawPacker().pack(str(file), "file") as stream:
        file.read_bytes()
        os.link(file, file.with_name("link"))
        read_all(stream)
        assert not stream.outcome().changed


def test_a_read_error_is_an_error(tmp_path: Path) -> None:
    # Reading a process's memory at address 0 is an input/output error on every Linux.
    with (
        pytest.raises(SourceError, match="/proc/self/mem: Input/output error"),
        RawPacker().pack("/proc/self/mem", "mem") as stream,
    ):
        stream.readinto(memoryview(bytearray(10)))
