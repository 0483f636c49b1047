"""What is inside an archive, without writing any of it."""

from __future__ import annotations

from collections.abc import Iterator

from glacier_backup.model.archive import Member, MemberType
from glacier_backup.pack.tar_members import tar_members
from glacier_backup.pack.unzip_members import members_of_zip
from glacier_backup.seal.sealer import ByteStream
from glacier_backup.workflow.opening.content import drained
from glacier_backup.workflow.opening.sealed import Sealed


def members(stream: ByteStream, sealed: Sealed) -> Iterator[Member]:
    """All of them, in the archive's order. Raises DamageFound for what is no archive, or isn't what was sealed, at the
    latest in place of the end."""
    if sealed.container == "tar":
        yield from tar_members(stream, sealed.name)
    elif sealed.container == "zip":
        yield from members_of_zip(stream, sealed.name)
    else:
        size = drained(stream)
        kind: MemberType = "symlink" if sealed.kind == "link" else "file"
        yield Member(sealed.to, kind, size, sealed.mtime_ns or 0, sealed.mode or 0, 0, None)
