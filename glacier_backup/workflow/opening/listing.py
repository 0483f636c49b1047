"""What is inside an archive, without writing any of it."""

from __future__ import annotations

import os
from collections.abc import Iterator

from glacier_backup.errors import DamageFound
from glacier_backup.model.archive import Member, MemberType
from glacier_backup.pack.archive_stream import ArchiveEnds, ArchiveFails, Stream
from glacier_backup.pack.untar_fields import BLOCK, BadField
from glacier_backup.pack.untar_heads import Head, Heads
from glacier_backup.seal.sealer import ByteStream
from glacier_backup.workflow.opening.content import drained
from glacier_backup.workflow.opening.sealed import Sealed


def members(stream: ByteStream, sealed: Sealed) -> Iterator[Member]:
    """All of them, in the archive's order. Raises DamageFound for what is no archive, or isn't what was sealed, at the
    latest in place of the end."""
    if sealed.container == "tar":
        yield from _of_tar(stream, sealed.name)
    else:
        size = drained(stream)
        kind: MemberType = "symlink" if sealed.kind == "link" else "file"
        yield Member(sealed.to, kind, size, sealed.mtime_ns or 0, sealed.mode or 0, 0, None)


def _of_tar(stream: ByteStream, name: str) -> Iterator[Member]:
    buffered = Stream(stream, 0)
    heads = Heads(buffered, {})
    try:
        while (head := heads.next()) is not None:
            yield _member(head)
            _pass_over(buffered, head.stored + -head.stored % BLOCK)
    except BadField as error:
        raise DamageFound(f"{name}: it is no tar archive, or a damaged one: {error}") from error
    except ArchiveEnds:
        raise DamageFound(f"{name}: the archive ends too early") from None
    except ArchiveFails as failed:
        raise failed.error from None
    drained(stream)


def _pass_over(stream: Stream, count: int) -> None:
    while count:
        count -= len(stream.some(count))


def _member(head: Head) -> Member:
    target = os.fsdecode(head.target) if head.type in ("symlink", "hardlink") else None
    size = head.size if head.type == "file" else 0
    name = os.fsdecode(head.name.rstrip(b"/") or head.name)
    return Member(name, head.type, size, head.mtime_ns, head.mode, head.offset, target)
