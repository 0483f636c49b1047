"""Whether zstd's frames are whole, whatever they look like."""

from __future__ import annotations

import shutil
import subprocess

import pytest
from zstandard import FORMAT_ZSTD1, ZstdCompressionParameters, ZstdCompressor

from glacier_backup.seal.frames import Frames, NoFrame
from tests.lacking import lacking
from tests.streams import noise

CONTENT = noise(300_000) + bytes(500_000) + b"text that repeats " * 20_000

SKIPPABLE = (0x184D2A57).to_bytes(4, "little") + (70_000).to_bytes(4, "little") + noise(70_000)


def frame(content: bytes = CONTENT, *, checksum: bool, size: bool) -> bytes:
    parameters = ZstdCompressionParameters(
        format=FORMAT_ZSTD1, write_checksum=checksum, write_content_size=size, compression_level=3
    )
    return ZstdCompressor(compression_params=parameters).compress(content)


def whole(data: bytes, piece: int = 1000) -> bool:
    frames = Frames()
    for at in range(0, len(data), piece):
        frames.see(memoryview(data)[at : at + piece])
    return frames.whole


@pytest.mark.parametrize("checksum", [True, False])
@pytest.mark.parametrize("size", [True, False])
@pytest.mark.parametrize("length", [0, 1, 255, 256, 257, 70_000, 131_072, len(CONTENT)])
def test_a_frame_is_whole_at_its_end_alone(checksum: bool, size: bool, length: int) -> None:
    made = frame(CONTENT[:length], checksum=checksum, size=size)
    assert whole(made)
    for left in [0, 1, 3, 4, 5, 6, 7, 8, 9, 10, len(made) // 2, len(made) - 5, len(made) - 4, len(made) - 1]:
        assert left >= len(made) or not whole(made[:left]), left


@pytest.mark.parametrize("piece", [1, 2, 3, 5, 131_075, 10**7])
def test_it_does_not_matter_how_it_is_read(piece: int) -> None:
    made = frame(CONTENT[-20_000:], checksum=True, size=False)
    assert whole(made, piece)
    assert not whole(made[:-1], piece)


def test_several_frames_and_those_to_skip_are_whole_too() -> None:
    made = frame(b"one", checksum=True, size=True)
    assert whole(made + SKIPPABLE + made)
    assert not whole(made + SKIPPABLE[:-1])
    assert not whole(made + made[:7])


def test_nothing_is_no_frame() -> None:
    assert not whole(b"")


@pytest.mark.parametrize("data", [b"garbage", frame(b"one", checksum=True, size=True) + b"more", bytes(10)])
def test_what_has_another_beginning_is_no_frame(data: bytes) -> None:
    with pytest.raises(NoFrame):
        whole(data)


@pytest.mark.parametrize(
    "options", ["-1", "-19 --long", "-T2 -B1MiB", "--no-check", "--stream-size=1160000 --no-check"]
)
def test_what_the_program_makes_is_whole(options: str) -> None:
    program = shutil.which("zstd") or lacking("zstd isn't installed")
    made = subprocess.run(
        [program, "-q", "-c", *options.split()], input=CONTENT, capture_output=True, check=True
    ).stdout
    assert whole(made)
    assert not whole(made[:-1])
