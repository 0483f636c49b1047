"""Extended headers (POSIX pax, "pax Extended Header"), which say ``length keyword=value`` of what a block can't hold.

They may be of any size, because in the format that we write (GNU tar manual, "Storing Sparse Files", version 0.0) they
hold where each piece of a sparse file belongs. All else in them is short, and is held to :data:`MOST_KEPT`.
"""

from __future__ import annotations

from glacier_backup.pack.archive_stream import BUFFER, Stream
from glacier_backup.pack.untar_fields import BLOCK, BadField, decimal
from glacier_backup.pack.untar_sparse import Extents
from glacier_backup.units import KIB

MOST_KEPT = BUFFER
"""Bytes of what extended headers may say of a member, the map of a sparse file apart."""

_TOGETHER = 256 * KIB
_DIGITS = 20
_CUT_OFF = "an extended header is cut off inside a record"
_OFFSET, _LENGTH, _MAP = b"GNU.sparse.offset", b"GNU.sparse.numbytes", b"GNU.sparse.map"
_ATTRIBUTES = (b"SCHILY.xattr.", b"SCHILY.acl.")


class Extended:
    """What the extended headers before a member say of it."""

    __slots__ = ("_kept", "_offset", "attributes", "extents", "fields")

    def __init__(self) -> None:
        self.fields: dict[bytes, bytes] = {}
        self.attributes: dict[bytes, bytes] = {}
        """Of ``SCHILY.…``: extended attributes and ACLs."""
        self.extents: Extents | None = None
        """Of a sparse file, as far as they stand in the header."""
        self._offset: int | None = None
        self._kept = 0

    def read(self, stream: Stream, size: int) -> None:
        """Take in the next header, of ``size`` bytes. Raises BadField and ArchiveEnds."""
        padding = -size % BLOCK
        if size + padding <= stream.end - stream.at:
            self.take_in(stream.take(size + padding), size)
            return
        rest = b""
        while size:
            piece = stream.some(min(size, _TOGETHER))
            size -= len(piece)
            rest += piece
            rest = rest[self._parse(rest, len(rest)) :]
            if len(rest) > MOST_KEPT:
                raise BadField("an extended header has a value of more than 1 MiB")
        if rest:
            raise BadField(_CUT_OFF)
        stream.take(padding)

    def take_in(self, data: bytes, size: int) -> None:
        """All of the next header: the first ``size`` bytes of ``data``. Raises BadField."""
        if self._parse(data, size) < size:
            raise BadField(_CUT_OFF)

    def keep(self, keyword: bytes, value: bytes) -> None:
        """Take ``value`` for ``keyword``. Raises BadField when there is too much of it."""
        self._kept += len(keyword) + len(value)
        if self._kept > MOST_KEPT:
            raise BadField("its extended headers are longer than 1 MiB")
        if keyword.startswith(b"SCHILY."):
            self.attributes[keyword] = value
        elif value:
            self.fields[keyword] = value
        else:  # takes back what was said
            self.fields.pop(keyword, None)

    def _parse(self, data: bytes, end: int) -> int:
        """Take in the records that are whole in the first ``end`` bytes; returns where the rest begins."""
        begin = 0
        while begin < end:
            blank = data.find(b" ", begin, min(end, begin + _DIGITS))
            digits = data[begin : end if blank < 0 else blank]
            if not digits.isdigit() or len(digits) > _DIGITS:
                raise BadField("an extended header has a record without a length")
            if blank < 0 or (behind := begin + int(digits)) > end:
                break
            keyword, equals, value = data[blank + 1 : behind - 1].partition(b"=")
            if not equals or data[behind - 1] != 10:
                raise BadField("an extended header has a record that is no keyword with a value")
            if keyword.startswith(b"GNU.sparse."):
                self._sparse(keyword, value)
            else:
                self.keep(keyword, value)
            begin = behind
        return begin

    def _sparse(self, keyword: bytes, value: bytes) -> None:
        if keyword == _OFFSET:
            self._offset = decimal(value)
        elif keyword == _LENGTH:
            if self._offset is None:
                raise BadField("the map of a sparse file has a length without an offset")
            self._add(self._offset, decimal(value))
            self._offset = None
        elif keyword == _MAP:
            numbers = [decimal(one) for one in value.split(b",")]
            for offset, length in zip(numbers[::2], numbers[1::2], strict=False):
                self._add(offset, length)
        else:
            self.keep(keyword, value)

    def _add(self, offset: int, length: int) -> None:
        if self.extents is None:
            self.extents = Extents()
        self.extents.add(offset, length)
