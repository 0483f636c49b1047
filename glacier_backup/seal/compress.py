"""``zstd`` and ``gzip``: standard frames, as the programs of these names write them; back again goes
:mod:`glacier_backup.seal.decompress`.

What doesn't shrink is left as it is, and the recipe says so: see :func:`shrinks`.
"""

from __future__ import annotations

import os
import zlib
from collections.abc import Iterator, Sequence
from contextlib import AbstractContextManager, closing, contextmanager, nullcontext
from dataclasses import dataclass
from typing import IO, cast

from glacier_backup.errors import SealError
from glacier_backup.model.recipe import Step
from glacier_backup.seal.ahead import BLOCK, Make, ahead, pieces_of
from glacier_backup.seal.blocks import Blocks
from glacier_backup.seal.order import COMPRESSION
from glacier_backup.seal.peek import Peeked
from glacier_backup.seal.plain import Plain
from glacier_backup.seal.room import room
from glacier_backup.seal.sealer import ByteStream, SealedStream, Sealer
from glacier_backup.units import KIB

WORKERS = 8
"""Threads that compress one stream, at most: together with them all, the usual level takes 100 MiB."""

HARD, HARD_WORKERS = 13, 3
"""From this level on each thread takes 100 MiB and more."""

HARDEST = 20
"""From this level on there are no threads: two of them would take 4 GiB, and without any it is below one."""

WORTH_IT = 0.97
"""Of its size; what doesn't get smaller than that isn't compressed."""

TINY = KIB
"""Bytes; fewer tell nothing of the rest."""

GZIP = 16 + zlib.MAX_WBITS
"""What asks zlib for gzip's header and trailer (zlib manual, ``deflateInit2``)."""

PIECE = 512 * KIB
"""Bytes that go in, or come out, at a time; what zlib has put off, some 100 KiB, has to fit in behind them."""


def shrinks(sample: bytes) -> bool:
    """Whether compression saves 3 per cent of ``sample``, or it is too small to tell. zstd's quickest level decides,
    which is enough to know what was compressed before."""
    from zstandard import ZstdCompressor

    return len(sample) < TINY or len(ZstdCompressor(level=1).compress(sample)) < WORTH_IT * len(sample)


@dataclass(frozen=True, slots=True)
class Skipped:
    """A step that was left out, for what it was to compress doesn't shrink."""

    name: str

    suffix = ""
    repeatable = True

    def step(self) -> Step:
        return Step(self.name, {"skipped": True})

    def most(self, size: int) -> int:
        return size

    def seal(self, stream: ByteStream, nonce: bytes) -> AbstractContextManager[SealedStream]:
        return nullcontext(Plain(stream))


def where_it_pays(sealers: Sequence[Sealer], sample: bytes) -> tuple[Sealer, ...]:
    """``sealers``, those that compress :class:`Skipped` where ``sample``, the beginning of what comes, doesn't
    shrink."""
    if shrinks(sample):
        return tuple(sealers)
    return tuple(Skipped(one.step().name) if one.step().name in COMPRESSION else one for one in sealers)


@dataclass(frozen=True, slots=True)
class Zstd:
    """One frame (RFC 8878) with a checksum of its content, made by several threads. What comes out depends on the
    version of the library, but not on how many they are, nor on how the stream is read."""

    level: int = 3
    """1 to 22."""
    threads: int | None = None
    """None: one for each core that this process may use, as far as memory allows; from level 20 on it doesn't."""

    suffix = ".zst"
    repeatable = True

    def __post_init__(self) -> None:
        if not 1 <= self.level <= 22:
            raise ValueError(f"zstd has the levels 1 to 22, and no {self.level}")
        if self.threads is not None and self.threads < 1:
            raise ValueError(f"zstd takes at least one thread, and not {self.threads}")

    def step(self) -> Step:
        return Step("zstd", {"level": self.level})

    def most(self, size: int) -> int:
        return size + size // 256 + KIB

    @contextmanager
    def seal(self, stream: ByteStream, nonce: bytes) -> Iterator[SealedStream]:
        framing = _Framing(stream, self.level, self._workers())
        with ahead(framing) as compressed, closing(framing):
            yield compressed

    def _workers(self) -> int:
        """0: none but the thread that reads."""
        if self.level >= HARDEST:
            return 0
        return self.threads or min(_cores(), WORKERS if self.level < HARD else HARD_WORKERS)


@dataclass(frozen=True, slots=True)
class Gzip:
    """One member (RFC 1952) without a name or a time."""

    level: int = 6
    """1 to 9."""

    suffix = ".gz"
    repeatable = True

    def __post_init__(self) -> None:
        if not 1 <= self.level <= 9:
            raise ValueError(f"gzip has the levels 1 to 9, and no {self.level}")

    def step(self) -> Step:
        return Step("gzip", {"level": self.level})

    def most(self, size: int) -> int:
        return size + size // 1000 + KIB

    @contextmanager
    def seal(self, stream: ByteStream, nonce: bytes) -> Iterator[SealedStream]:
        with ahead(pieces_of(_deflated(stream, self.level))) as compressed:
            yield compressed


def _cores() -> int:
    try:
        return len(os.sched_getaffinity(0))
    except AttributeError:  # only Linux tells
        return os.cpu_count() or 1


class _Framing:
    """Makes a frame of a stream: at once where that is less than a block, for which threads of zstd's don't pay."""

    def __init__(self, stream: ByteStream, level: int, threads: int) -> None:
        self._stream = stream
        self._level = level
        self._threads = threads
        self._source: Blocks | None = None
        self._rest: Make | None = None

    def __call__(self, buffer: memoryview) -> int:
        """See :data:`glacier_backup.seal.ahead.Make`."""
        from zstandard import ZstdCompressor, ZstdError

        try:
            if self._rest is not None:
                return self._rest(buffer)
            peeked = Peeked(self._stream)
            if len(peeked.head) < BLOCK:
                self._rest = _nothing_more
                made = ZstdCompressor(self._level, write_checksum=True, write_content_size=False).compress(peeked.head)
                buffer[: len(made)] = made
                return len(made)
            self._rest = self._by_threads(peeked)
            return self._rest(buffer)
        except ZstdError as error:
            raise SealError(f"zstd can't compress it: {error}") from error

    def close(self) -> None:
        """Read no more."""
        if self._source is not None:
            self._source.close()

    def _by_threads(self, stream: ByteStream) -> Make:
        from zstandard import ZstdCompressor

        self._source = Blocks(stream)
        kind = ZstdCompressor(self._level, threads=self._threads, write_checksum=True, write_content_size=False)
        return kind.stream_reader(cast(IO[bytes], self._source), read_size=BLOCK).readinto


def _nothing_more(buffer: memoryview) -> int:
    return 0


def _deflated(stream: ByteStream, level: int) -> Iterator[bytes]:
    compressor = zlib.compressobj(level, zlib.DEFLATED, GZIP)
    buffer = room(PIECE)
    count = PIECE
    while count == PIECE:
        count = stream.readinto(buffer)
        yield compressor.compress(buffer[:count])
    yield compressor.flush()
