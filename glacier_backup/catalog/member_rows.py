"""What a row of ``members`` stands for. Without SQLAlchemy, whose rows and the driver's own are both taken."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from glacier_backup.catalog.codes import MEMBER_TYPES
from glacier_backup.catalog.exact import unpack_integer, unpack_text
from glacier_backup.model.archive import Member
from glacier_backup.model.candidate import Fingerprint, Kind
from glacier_backup.model.tree_digest import tree_fingerprint

MEMBER_COLUMNS = 'number, path, type, size, mtime_ns, mode, "offset", target, sha256, source'
"""Of :func:`member_of`; others may stand behind them."""


def member_of(row: Sequence[Any]) -> Member:
    _, path, code, size, mtime_ns, mode, offset, target, sha256, source, *_ = row
    return Member(
        unpack_text(path),
        MEMBER_TYPES[code],
        size,
        unpack_integer(mtime_ns),
        mode,
        offset,
        None if target is None else unpack_text(target),
        sha256,
        None if source is None else unpack_text(source),
    )


def kind_of(member: Member) -> Kind:
    """Of the file that a member of a group has."""
    return "link" if member.type == "symlink" else "file"


def look_of(member: Member, touched: int | None = None) -> Fingerprint:
    """Of the same file, as the walk through a tree has it; ``touched`` is the time that it was found to have later."""
    size = member.size if member.target is None else len(member.target.encode("utf-8", "surrogateescape"))
    return tree_fingerprint(kind_of(member), size, member.mtime_ns if touched is None else touched, member.mode)
