"""zstd and gzip: as the stock programs read and write them, and nothing else."""

from __future__ import annotations

import gzip
import random
import shutil
import subprocess
import time
import tracemalloc
from collections.abc import Callable

import pytest
from zstandard import ZstdCompressionParameters, ZstdCompressor

from glacier_backup.errors import DamageFound, SealError
from glacier_backup.model.recipe import Step
from glacier_backup.seal.compress import Gzip, Skipped, Zstd, shrinks
from glacier_backup.seal.keys import NO_KEYS
from glacier_backup.seal.registry import OPENERS
from glacier_backup.seal.sealer import Sealer
from tests.lacking import lacking
from tests.seal.sealing import NONCE, Sealed, read_all, sealed, unsealed
from tests.streams import BytesStream, noise

MIB = 1024 * 1024

CONTENT = noise(1_500_000) + bytes(9 * MIB) + b"text that repeats " * 30_000

STEPS = {"zstd": Step("zstd", {"level": 3}), "gzip": Step("gzip", {"level": 6})}


def run(program: str, *arguments: str, data: bytes) -> bytes:
    path = shutil.which(program) or lacking(f"{program} isn't installed")
    return subprocess.run([path, *arguments], input=data, capture_output=True, check=True).stdout


@pytest.mark.parametrize("sealer", [Zstd(), Zstd(1), Zstd(12, threads=1), Gzip(), Gzip(1)], ids=repr)
@pytest.mark.parametrize("length", [0, 1, len(CONTENT)])
def test_the_program_opens_what_was_compressed(sealer: Sealer, length: int) -> None:
    made = sealed(sealer, CONTENT[:length]).data
    assert run(sealer.step().name, "-d", "-c", data=made) == CONTENT[:length]


@pytest.mark.parametrize(
    ("program", "options"),
    [
        ("zstd", "-3"),
        ("zstd", "-T2"),
        ("zstd", "--no-check"),
        ("zstd", "-10 --long=27"),
        ("gzip", "-6"),
        ("gzip", "-1"),
    ],
)
@pytest.mark.parametrize("length", [0, 1, len(CONTENT)])
def test_what_the_program_made_opens(program: str, options: str, length: int) -> None:
    made = run(program, "-q", "-c", *options.split(), data=CONTENT[:length])
    assert unsealed(STEPS[program], Sealed(made)) == CONTENT[:length]


@pytest.mark.parametrize("program", ["zstd", "gzip"])
def test_frames_one_behind_the_other_are_one_stream(program: str) -> None:
    made = b"".join(run(program, "-q", "-c", data=CONTENT[at : at + MIB]) for at in range(0, len(CONTENT), MIB))
    assert unsealed(STEPS[program], Sealed(made)) == CONTENT


@pytest.mark.parametrize("length", [0, 1, 512 * 1024 - 1, 512 * 1024, 512 * 1024 + 1, 1024 * 1024, len(CONTENT)])
@pytest.mark.parametrize("content", [CONTENT[1_500_000:], CONTENT], ids=["dense", "mixed"])
@pytest.mark.parametrize("sealer", [Zstd(), Gzip()], ids=repr)
def test_it_opens_whatever_comes_out_of_little(sealer: Sealer, content: bytes, length: int) -> None:
    assert unsealed(sealer.step(), sealed(sealer, content[:length])) == content[:length]


@pytest.mark.parametrize("buffer", [70_000, 1024 * 1024, 10**8])
def test_zstd_gives_the_same_whatever_the_threads_and_buffers(buffer: int) -> None:
    content = CONTENT * 3
    first = sealed(Zstd(threads=1), content).data
    with Zstd(threads=3).seal(BytesStream(content), bytes(32)) as stream:
        assert read_all(stream, buffer) == first


def test_zstd_ends_its_own_threads() -> None:
    before = threads_of_this_process()
    with Zstd(threads=3).seal(BytesStream(CONTENT), NONCE) as stream:
        stream.readinto(memoryview(bytearray(100)))
        assert threads_of_this_process() >= before + 3
    until = time.monotonic() + 5
    while threads_of_this_process() > before and time.monotonic() < until:  # one that was joined is counted for a while
        time.sleep(0.01)
    assert threads_of_this_process() == before


def threads_of_this_process() -> int:
    with open("/proc/self/status") as status:
        return next(int(line.split()[1]) for line in status if line.startswith("Threads:"))


def test_gzip_says_neither_when_nor_what() -> None:
    made = sealed(Gzip(), b"x").data
    assert made[3] == 0
    assert made[4:8] == bytes(4)


def test_a_frame_that_asks_for_too_much_memory_is_refused() -> None:
    greedy = ZstdCompressionParameters(window_log=28, hash_log=10, chain_log=10)
    compressor = ZstdCompressor(compression_params=greedy).compressobj()
    with pytest.raises(DamageFound, match="too much memory"):
        unsealed(STEPS["zstd"], Sealed(compressor.compress(b"x" * 100) + compressor.flush()))


def test_the_highest_level_opens_too() -> None:
    assert unsealed(STEPS["zstd"], sealed(Zstd(22, threads=1), CONTENT[-100_000:])) == CONTENT[-100_000:]


@pytest.mark.parametrize("sealer", [Zstd(), Gzip()], ids=repr)
def test_what_swells_is_handed_on_bit_by_bit(sealer: Sealer) -> None:
    with sealer.seal(EndingStream(200 * MIB), NONCE) as stream:
        bomb = read_all(stream)
    tracemalloc.start()
    try:
        with OPENERS[sealer.step().name].open(BytesStream(bomb), sealer.step(), NO_KEYS) as opened:
            buffer = memoryview(bytearray(MIB))
            assert sum(iter(lambda: opened.readinto(buffer), 0)) == 200 * MIB
        assert tracemalloc.get_traced_memory()[1] < 16 * MIB
    finally:
        tracemalloc.stop()


class EndingStream:
    """So many zeros."""

    def __init__(self, size: int) -> None:
        self._left = size

    def readinto(self, buffer: memoryview) -> int:
        count = min(self._left, len(buffer))
        buffer[:count] = bytes(count)
        self._left -= count
        return count


@pytest.mark.parametrize(
    "step",
    [
        Step("zstd", {"level": "3"}),
        Step("zstd", {"level": True}),
        Step("zstd", {"skipped": 1}),
        Step("zstd", {"dictionary": 7}),
        Step("gzip", {"level": 6, "name": "x"}),
    ],
    ids=str,
)
def test_a_recipe_that_none_of_ours_is_is_refused(step: Step) -> None:
    with pytest.raises(SealError, match="doesn't know how to undo"):
        unsealed(step, sealed(Zstd(), b"x"))


@pytest.mark.parametrize("make", [lambda: Zstd(0), lambda: Zstd(23), lambda: Zstd(threads=0), lambda: Gzip(0)])
def test_a_level_that_there_is_none_of_is_refused(make: Callable[[], Sealer]) -> None:
    with pytest.raises(ValueError, match=r"^(zstd|gzip) "):
        make()


def test_a_step_that_was_left_out_hands_on_the_stream_as_it_is() -> None:
    skipped = Skipped("gzip")
    assert sealed(skipped, CONTENT) == Sealed(CONTENT)
    assert (skipped.suffix, skipped.repeatable, skipped.most(10)) == ("", True, 10)
    assert unsealed(skipped.step(), Sealed(CONTENT)) == CONTENT


def test_what_was_compressed_before_or_is_noise_does_not_shrink() -> None:
    chance = random.Random(1)
    words = [chance.randbytes(4).hex().encode() for _ in range(500)]
    text = b" ".join(chance.choices(words, k=100_000))
    assert shrinks(text)
    assert not shrinks(noise(100_000))
    assert not shrinks(sealed(Zstd(), text).data)
    assert not shrinks(gzip.compress(text))
    assert shrinks(noise(90_000) + bytes(10_000))
    assert not shrinks(noise(99_000) + bytes(1000))


def test_what_is_too_small_to_tell_counts_as_shrinking() -> None:
    assert shrinks(b"")
    assert shrinks(noise(1000))
