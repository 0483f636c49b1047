"""Reading an open file at any place."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from glacier_backup.open_file import OpenFile, read_at
from tests.streams import noise

CONTENT = noise(5000)


@pytest.fixture
def descriptor(tmp_path: Path) -> Iterator[int]:
    path = tmp_path / "file"
    path.write_bytes(CONTENT)
    found = os.open(path, os.O_RDONLY)
    yield found
    os.close(found)


@pytest.mark.parametrize(("offset", "length"), [(0, 5000), (0, 0), (17, 100), (4990, 100), (5000, 1), (9000, 1)])
def test_what_lies_at_a_place_is_read_as_far_as_the_file_goes(descriptor: int, offset: int, length: int) -> None:
    buffer = bytearray(length)
    count = read_at(descriptor, memoryview(buffer), offset)
    assert bytes(buffer[:count]) == CONTENT[offset : offset + length]


def test_reading_at_a_place_leaves_reading_on_from_front_to_end_alone(descriptor: int) -> None:
    file, buffer, whole = OpenFile(descriptor, len(CONTENT)), bytearray(700), b""
    while count := file.readinto(memoryview(buffer)):
        whole += buffer[:count]
        assert file.read_at(memoryview(bytearray(10)), 3) == 10
    assert whole == CONTENT
    assert file.size == len(CONTENT)


def test_what_can_not_be_read_is_an_error(tmp_path: Path) -> None:
    folder = os.open(tmp_path, os.O_RDONLY)
    try:
        with pytest.raises(IsADirectoryError):
            read_at(folder, memoryview(bytearray(1)), 0)
    finally:
        os.close(folder)
