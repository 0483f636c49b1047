"""What stands before each member of a tar, as one value."""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

from glacier_backup.model.archive import MemberType
from glacier_backup.pack.archive_stream import BUFFER, ArchiveEnds, Stream
from glacier_backup.pack.untar_extended import Extended
from glacier_backup.pack.untar_fields import (
    BLOCK,
    FIELDS,
    MOST,
    POSIX,
    BadField,
    decimal,
    is_right,
    nanoseconds,
    number,
    text,
)
from glacier_backup.pack.untar_sparse import Extents, read_map, read_old_map

ZEROS = bytes(BLOCK)

TYPES: Mapping[bytes, MemberType] = {
    b"0": "file",
    b"\0": "file",
    b"7": "file",
    b"S": "file",
    b"1": "hardlink",
    b"2": "symlink",
    b"3": "device",
    b"4": "device",
    b"5": "directory",
    b"D": "directory",
    b"6": "fifo",
}
"""By flag; any other is ``other``. GNU tar has ``S`` for sparse files and ``D`` for directories."""

_WITHOUT_CONTENT = b"123456"
"""Types whose size, if one is given, isn't that of anything that follows."""
_LONG_NAME, _EXTENDED, _FOR_ALL = b"L", b"x", b"g"
_ABOUT_THE_NEXT = b"xgLK"
"""``K`` is the target of a link."""
_SPARSE = {b"GNU.sparse.size", b"GNU.sparse.major"}
_NOTHING: Mapping[bytes, bytes] = {}


class Head(NamedTuple):
    """A member, before its content."""

    name: bytes
    """As it stands there, whatever that is."""
    type: MemberType
    flag: bytes
    stored: int
    """Bytes of content that follow, before padding."""
    size: int
    """Bytes of the file; more than ``stored`` where it is sparse."""
    mtime_ns: int
    mode: int
    """Permission bits."""
    uid: int
    gid: int
    target: bytes
    """Of a link."""
    offset: int
    """Where in the archive its first header begins."""
    attributes: Mapping[bytes, bytes] | None = None
    """``SCHILY.…``: extended attributes and ACLs."""
    extents: Extents | None = None
    """Of a sparse file."""


class Heads:
    """The headers of a tar, one member after the other."""

    def __init__(self, stream: Stream, for_all: Mapping[bytes, bytes]) -> None:
        """``for_all`` is what extended headers for all members have said before."""
        self._stream = stream
        self.for_all = dict(for_all)
        self.offset = stream.position
        """Where the headers begin that were read last."""

    def next(self) -> Head | None:
        """The next member; None where the archive ends, or the bytes do at the beginning of a header.

        Raises BadField for what is no header, and ArchiveEnds.
        """
        stream = self._stream
        self.offset = stream.position
        said: Extended | None = None
        while stream.has(BLOCK):
            at = stream.at
            block = stream.view[at : at + BLOCK]
            fields = FIELDS.unpack(block)
            if not fields[0][0] and block == ZEROS:
                break
            if not is_right(block, fields[6]):
                raise BadField("the checksum of its header is wrong")
            flag = fields[7]
            if flag not in _ABOUT_THE_NEXT:
                old = bytes(block) if flag == b"S" else b""
                stream.at = at + BLOCK
                return self._head(fields, said, old)
            stream.at = at + BLOCK
            said = self._extend(flag, number(fields[4]), said)
        if said is not None or (stream.at != stream.end and not stream.has(BLOCK)):
            raise ArchiveEnds
        return None

    def _extend(self, flag: bytes, size: int, said: Extended | None) -> Extended | None:
        """What ``said`` of the member that follows is after one more header, which may be about all of them."""
        if not 0 <= size <= MOST:
            raise BadField("the size of its extended header can't be")
        if flag == _FOR_ALL:
            for_all = Extended()
            for keyword, value in self.for_all.items():
                for_all.keep(keyword, value)
            for_all.read(self._stream, size)
            self.for_all = {**for_all.fields, **for_all.attributes}
            return said
        said = said or Extended()
        if flag == _EXTENDED:
            said.read(self._stream, size)
        else:
            if size > BUFFER - BLOCK:
                raise BadField("it has a name of more than 1 MiB")
            value = text(self._stream.take(size + -size % BLOCK)[:size])
            said.keep(b"path" if flag == _LONG_NAME else b"linkpath", value)
        return said

    def _head(self, fields: tuple[bytes, ...], said: Extended | None, old: bytes) -> Head:
        name, mode, uid, gid, size, mtime, _, flag, target, magic, prefix = fields
        name = text(name)
        if prefix[0] and magic == POSIX:
            name = text(prefix) + b"/" + name
        more = self._said(said)
        stored = 0 if flag in _WITHOUT_CONTENT else decimal(more[b"size"]) if b"size" in more else number(size)
        if not 0 <= stored <= MOST:
            raise BadField("its size can't be")
        time = more.get(b"mtime")
        head = Head(
            more.get(b"path", name),
            TYPES.get(flag, "other"),
            flag,
            stored,
            stored,
            number(mtime) * 1_000_000_000 if time is None else nanoseconds(time),
            number(mode) & 0o7777,
            decimal(more[b"uid"]) if b"uid" in more else number(uid),
            decimal(more[b"gid"]) if b"gid" in more else number(gid),
            more.get(b"linkpath") or text(target),
            self.offset,
            (said and said.attributes) or None,
        )
        if old or _SPARSE & more.keys():
            return self._sparse(head, said, more, old)
        if head.type == "file" and head.name.endswith(b"/"):  # as tars older than POSIX have directories
            return head._replace(type="directory")
        return head

    def _said(self, said: Extended | None) -> Mapping[bytes, bytes]:
        if not self.for_all:
            return said.fields if said else _NOTHING
        return {**self.for_all, **said.fields} if said else self.for_all

    def _sparse(self, head: Head, said: Extended | None, more: Mapping[bytes, bytes], old: bytes) -> Head:
        """With where its pieces belong, wherever that stands."""
        if old:
            extents, size = read_old_map(old, self._stream)
        elif b"GNU.sparse.major" in more:
            if (more[b"GNU.sparse.major"], more.get(b"GNU.sparse.minor")) != (b"1", b"0"):
                raise BadField("it is a sparse file of an unknown version")
            extents, taken = read_map(self._stream, head.stored)
            size = decimal(more.get(b"GNU.sparse.realsize", b""))
            head = head._replace(stored=head.stored - taken)
        else:
            extents = (said and said.extents) or Extents()
            size = decimal(more.get(b"GNU.sparse.size", b""))
        if extents.end > size or extents.content != head.stored:
            raise BadField("the map of a sparse file is not that of its content")
        return head._replace(name=more.get(b"GNU.sparse.name", head.name), size=size, extents=extents)
