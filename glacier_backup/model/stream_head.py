"""How a stream of a dataset begins: with a record that says which snapshots it leads between.

OpenZFS, ``include/sys/zfs_ioctl.h``, ``struct drr_begin`` in ``struct dmu_replay_record``; the byte order is that of
the machine that has made it. A stream of several snapshots (``zfs send -I``, ``-p``) is a package, whose own record
names none of them.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator
from typing import Literal, NamedTuple

HEAD_BYTES = 56
"""Up to the name."""

RECORD_BYTES = 312
"""Of any record, without what follows some."""

_MAGIC = 0x2F5BACBAC
_BEFORE_MAGIC = 8
_BEGIN, _END = 0, 5
_KINDS, _PACKAGE = 3, 2
"""Bits of the version that say what kind of stream it is (``DMU_GET_STREAM_HDRTYPE``), and that of a package."""


class StreamHead(NamedTuple):
    """The first record."""

    is_package: bool
    guid: str
    """16 hex digits, of the snapshot that it leads to; zeros in a package."""
    base: str
    """Likewise, of the one that it builds on; zeros where it builds on none."""
    listed: int
    """Bytes behind the record, in which a package of a dataset with its properties (``-p``) lists the snapshots that it
    is made of, if not more of them; 0: it lists none."""


def stream_head(data: bytes) -> StreamHead | None:
    """What the first bytes of a stream say; None where they are none of such a stream."""
    if len(data) < HEAD_BYTES:
        return None
    for order in "<>":
        kind, listed, magic, version, _, _, _, guid, base = struct.unpack_from(f"{order}IIQQQIIQQ", data)
        if magic == _MAGIC and kind == _BEGIN:
            return StreamHead(version & _KINDS == _PACKAGE, f"{guid:016x}", f"{base:016x}", listed)
    return None


def may_lead_to(data: bytes, guid: str) -> bool:
    """Whether the stream that begins with ``data`` may lead to the snapshot of that guid. A package that lists its
    snapshots leads to none but those; of one that doesn't, or whose list goes on behind ``data``, nobody can tell."""
    head = stream_head(data)
    if head is None or not head.is_package:
        return head is not None and head.guid == guid
    listed = data[RECORD_BYTES : RECORD_BYTES + head.listed]
    # The list is an nvlist in XDR, whose numbers have their highest byte first (RFC 4506, 4.5).
    return not head.listed or len(listed) < head.listed or bytes.fromhex(guid) in listed


def head_places(data: bytes, start: int) -> Iterator[int]:
    """Where in ``data``, from ``start`` on, a first record may begin that is there up to its name."""
    orders: tuple[Literal["little", "big"], ...] = ("little", "big")
    for order in orders:
        magic = _MAGIC.to_bytes(8, order)
        at = data.find(magic, start + _BEFORE_MAGIC)
        while at != -1 and at - _BEFORE_MAGIC + HEAD_BYTES <= len(data):
            yield at - _BEFORE_MAGIC
            at = data.find(magic, at + 1)


def ends(data: bytes) -> bool:
    """Whether it is the record that ends a stream, or a package."""
    return len(data) == RECORD_BYTES and _END in (int.from_bytes(data[:4], "little"), int.from_bytes(data[:4], "big"))
