"""What is in a tar, told as :mod:`glacier_backup.pack.untar` tells it, without making any of it."""

from __future__ import annotations

import os
from collections.abc import Iterator

from glacier_backup.errors import DamageFound
from glacier_backup.model.archive import Member
from glacier_backup.pack.archive_stream import BUFFER, ArchiveEnds, ArchiveFails, Stream
from glacier_backup.pack.below import NotBelow, plain
from glacier_backup.pack.unpacker import ArchiveBytes
from glacier_backup.pack.untar_fields import BLOCK, BadField
from glacier_backup.pack.untar_heads import Head, Heads

_LINKS = ("symlink", "hardlink")
_LABEL = b"V"
"""The type of GNU tar's volume labels, which are about nothing."""


def tar_members(archive: ArchiveBytes, name: str) -> Iterator[Member]:
    """All of them, in the archive's order, with the names that they get when they are unpacked; one whose name can't be
    that of anything below a directory is told with it, whatever it is.

    The archive is read to the end of its bytes, so that what proves them right has seen them. Raises DamageFound,
    which says ``name``, for what is no tar, or a damaged one, at the latest in place of the end; and what reading
    raises.
    """
    stream = Stream(archive, 0)
    heads = Heads(stream, {})
    try:
        while (head := heads.next()) is not None:
            if head.flag != _LABEL and (own := _name(head)) != b".":
                yield _member(head, own)
            _pass_over(stream, head.stored + -head.stored % BLOCK)
        _check_end(stream)
    except BadField as error:
        raise DamageFound(f"{name}: it is no tar archive, or a damaged one: {error}") from error
    except ArchiveEnds:
        raise DamageFound(f"{name}: the archive ends too early") from None
    except ArchiveFails as failed:
        raise failed.error from None


def _name(head: Head) -> bytes:
    name = head.name.rstrip(b"/") or head.name if head.type == "directory" else head.name
    try:
        return plain(name)
    except NotBelow:
        return name


def _member(head: Head, name: bytes) -> Member:
    size = head.size if head.type == "file" else 0
    target = os.fsdecode(head.target) if head.type in _LINKS else None
    return Member(os.fsdecode(name), head.type, size, head.mtime_ns, head.mode, head.offset, target)


def _pass_over(stream: Stream, count: int) -> None:
    while count:
        count -= len(stream.some(count))


def _check_end(stream: Stream) -> None:
    """Two blocks of zeros, and nothing but zeros behind them."""
    if any(stream.take(2 * BLOCK)):
        raise BadField("there is one block of zeros, where the end of an archive has two")
    while stream.has(1):
        rest = stream.some(BUFFER)
        if bytes(rest).count(0) < len(rest):
            raise BadField("something follows the end of the archive")
