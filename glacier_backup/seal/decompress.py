"""What ``zstd`` and ``gzip`` have compressed, be it ours or not: :mod:`glacier_backup.seal.compress` backwards."""

from __future__ import annotations

import zlib
from collections.abc import Iterator
from contextlib import closing, contextmanager
from typing import IO, cast

from glacier_backup.errors import DamageFound, SealError
from glacier_backup.model.recipe import Step
from glacier_backup.seal.ahead import BLOCK, Make, ahead, blocks_of, pieces_of
from glacier_backup.seal.blocks import Blocks
from glacier_backup.seal.compress import GZIP, PIECE
from glacier_backup.seal.frames import Frames, NoFrame
from glacier_backup.seal.keys import Keys
from glacier_backup.seal.room import room
from glacier_backup.seal.sealer import ByteStream
from glacier_backup.units import MIB

WINDOW = 128 * MIB
"""Bytes of what came before that a zstd frame may ask to be kept: as much as ``zstd -d`` allows without being told, and
as every level of ours needs at most."""


class ZstdOpener:
    """Frames, one behind the other, of which none asks for more than :data:`WINDOW` of memory."""

    @contextmanager
    def open(self, stream: ByteStream, step: Step, keys: Keys, hmac_sha256: str | None = None) -> Iterator[ByteStream]:
        if _is_skipped(step):
            yield stream
            return
        frames = Frames()
        source = Blocks(stream, frames)
        with ahead(_unframed(source, frames)) as content, closing(source):
            yield content


class GzipOpener:
    """Members, one behind the other."""

    @contextmanager
    def open(self, stream: ByteStream, step: Step, keys: Keys, hmac_sha256: str | None = None) -> Iterator[ByteStream]:
        if _is_skipped(step):
            yield stream
            return
        with ahead(pieces_of(_inflated(stream))) as content:
            yield content


def _is_skipped(step: Step) -> bool:
    """Raises SealError for what neither Skipped nor a sealer says."""
    given = dict(step.parameters)
    skipped, level = given.pop("skipped", False), given.pop("level", 1)
    if given or not isinstance(skipped, bool) or isinstance(level, bool) or not isinstance(level, int):
        raise SealError(f"a recipe with a step '{step.name}' that this version doesn't know how to undo")
    return skipped


def _unframed(source: Blocks, frames: Frames) -> Make:
    from zstandard import ZstdDecompressor, ZstdError

    reader = ZstdDecompressor(max_window_size=WINDOW).stream_reader(
        cast(IO[bytes], source), read_size=BLOCK, read_across_frames=True
    )

    def make(buffer: memoryview) -> int:
        try:
            count = reader.readinto(buffer)
            if not count and not source.ended:
                source.read()
        except (ZstdError, NoFrame) as error:
            raise DamageFound(f"it isn't what zstd has compressed, or was altered ({error})") from error
        if not count and not (frames.whole and source.ended):
            raise DamageFound("what zstd has compressed was cut short")
        return count

    return make


def _inflated(stream: ByteStream) -> Iterator[bytes]:
    read, buffer = blocks_of(stream), room(PIECE)
    member, content, left = zlib.decompressobj(GZIP), b"", memoryview(b"")
    # What it has put off may follow a full piece, even where all was given to it.
    while left or (len(content) == PIECE and not member.eof) or (left := buffer[: read(buffer)]):
        if member.eof:
            member = zlib.decompressobj(GZIP)
        try:
            content = member.decompress(left, PIECE)
        except zlib.error as error:
            raise DamageFound("it isn't what gzip has compressed, or was altered") from error
        yield content
        left = memoryview(member.unused_data if member.eof else member.unconsumed_tail)
    if not member.eof:
        raise DamageFound("what gzip has compressed was cut short")
