"""What is in a ZIP that goes by, told as :mod:`glacier_backup.pack.unzip` tells it, without making any of it."""

from __future__ import annotations

import hashlib
import os
import stat
from collections.abc import Iterator

from glacier_backup.errors import DamageFound
from glacier_backup.model.archive import Member
from glacier_backup.pack.archive_stream import BUFFER, ArchiveEnds, ArchiveFails, Stream
from glacier_backup.pack.below import NotBelow, plain
from glacier_backup.pack.unpacker import ArchiveBytes
from glacier_backup.pack.untar_fields import BadField
from glacier_backup.pack.unzip_content import content_of, finished
from glacier_backup.pack.unzip_directory import Listed, entries
from glacier_backup.pack.unzip_records import LONGEST_TARGET, Local, read_local, type_and_mode


def members_of_zip(archive: ArchiveBytes, name: str) -> Iterator[Member]:
    """All of them, in the archive's order, with the names that they get when they are unpacked, files with the hash of
    their content, links of their target; one whose name can't be that of anything below a directory is told with it,
    whatever it is.

    The archive is read to its end, and the checksum of each and the directory have proved right then. Raises
    DamageFound, which says ``name``, for what is no ZIP, or a damaged one, at the latest in place of the end; and what
    reading raises. Permissions, and which ones are links, are known of what this program has made alone.
    """
    stream, listed = Stream(archive, 0), Listed()
    try:
        while (local := read_local(stream)) is not None:
            member, local = _read(stream, local)
            listed = listed.with_one(local)
            if member.path != ".":
                yield member
        for _ in entries(stream, listed):
            pass
    except BadField as error:
        raise DamageFound(f"{name}: it is no ZIP archive, or a damaged one: {error}") from error
    except ArchiveEnds:
        raise DamageFound(f"{name}: the archive ends too early") from None
    except ArchiveFails as failed:
        raise failed.error from None


def _read(stream: Stream, local: Local) -> tuple[Member, Local]:
    """The member whose header has just been read, and that as its whole content has it."""
    content, sha256, target = content_of(stream, local), hashlib.sha256(), b""
    is_link = stat.S_ISLNK(local.mode)
    while piece := content.some(BUFFER):
        sha256.update(piece)
        if is_link:
            target += piece
            if len(target) > LONGEST_TARGET:
                raise BadField("it has a link to nothing that could have a name")
    local = finished(stream, local, content.crc, content.count, content.taken)
    return _member(local, target, sha256.digest()), local


def _member(local: Local, target: bytes, sha256: bytes) -> Member:
    kind, mode = type_and_mode(local)
    return Member(
        path=_name(local.name),
        type=kind,
        size=local.size if kind == "file" else 0,
        mtime_ns=local.mtime_ns,
        mode=mode,
        offset=local.offset,
        target=os.fsdecode(target) if kind == "symlink" else None,
        sha256=None if kind == "directory" else sha256,
    )


def _name(name: bytes) -> str:
    try:
        return os.fsdecode(plain(name.rstrip(b"/") or name))
    except NotBelow:
        return os.fsdecode(name)
