"""A file as it is, whatever happens to it meanwhile."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

import pytest

from glacier_backup.errors import SourceError
from glacier_backup.pack.packer import PackOutcome
from glacier_backup.pack.raw import RawPacker
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


def _append(file: Path) -> None:
    with file.open("ab") as more:
        more.write(b"more")
    os.utime(file, ns=(0, 1_000_000_000))


def _touch(file: Path) -> None:
    os.utime(file, ns=(0, 1_000_000_001))


def _overwrite(file: Path) -> None:
    with file.open("r+b") as same:
        same.write(b"other")


def _replace(file: Path) -> None:
    other = file.with_name("other")
    other.write_bytes(CONTENT)
    os.utime(other, ns=(0, 1_000_000_000))
    other.replace(file)


def _shrink(file: Path) -> None:
    os.truncate(file, 10)


@pytest.mark.parametrize("change", [_append, _touch, _overwrite, _replace, _shrink, os.unlink])
def test_a_file_that_changes_while_it_is_read_is_called_changed(file: Path, change: Callable[[Path], None]) -> None:
    with RawPacker().pack(str(file), "file") as stream:
        stream.readinto(memoryview(bytearray(1000)))
        change(file)
        read_all(stream)
        assert stream.outcome() == PackOutcome((), changed=True)


def test_a_file_of_the_same_size_and_time_is_still_changed_when_its_bytes_came_short(file: Path) -> None:
    with RawPacker().pack(str(file), "file") as stream:
        os.truncate(file, 2_000_000)
        assert read_all(stream) == CONTENT[:2_000_000]
        os.truncate(file, 3_000_000)
        os.utime(file, ns=(0, 1_000_000_000))
        assert stream.outcome().changed
        (member,) = stream.members()
    assert member.size == 2_000_000


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
