"""What a server shows of its files: attributes, and the entries of a directory."""

from __future__ import annotations

import stat
import struct
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    import asyncssh

_FIELDS = struct.Struct(">IQQII")


class Attributes(NamedTuple):
    """As version 3 of the protocol has them (draft-ietf-secsh-filexfer-02, section 5); 0 for what isn't told."""

    mode: int
    """Type and permissions (POSIX numbers); one without a type is of a kind that nobody knows."""
    size: int
    """Bytes."""
    mtime: int
    """Seconds since 1970: whole ones, and none before, for that is all that goes over the wire."""
    uid: int
    gid: int

    @property
    def is_known(self) -> bool:
        """Whether the type is."""
        return stat.S_IFMT(self.mode) != 0

    @property
    def mtime_ns(self) -> int:
        return self.mtime * 10**9


class Entry(NamedTuple):
    """One in a directory."""

    name: bytes
    attributes: Attributes
    """Its own: links are not followed."""
    target: bytes = b""
    """What a link points to; empty where that was not asked, or not told."""


def attributes(told: asyncssh.SFTPAttrs) -> Attributes:
    """From what asyncssh reads of the wire."""
    return Attributes(told.permissions or 0, told.size or 0, told.mtime or 0, told.uid or 0, told.gid or 0)


def as_piece(entry: Entry) -> bytes:
    """Bytes that sort as the names do, for an Ordering."""
    return b"%b\0%b%b" % (entry.name, _FIELDS.pack(*entry.attributes), entry.target)


def from_piece(piece: bytes) -> Entry:
    """The inverse of :func:`as_piece`."""
    end = piece.index(b"\0") + 1
    fields = Attributes._make(_FIELDS.unpack_from(piece, end))
    return Entry(piece[: end - 1], fields, piece[end + _FIELDS.size :])
