"""What parity files say of the file that they protect.

A parity file is a row of packets (Parity Volume Set Specification 2.0)::

    PAR2\\0PKT   length (8)   MD5 of all that follows (16)   set (16)   type (16)   body

The body of a *file description* is: id (16), MD5 of the file (16), MD5 of its first 16 KiB (16), length (8), name,
padded with NUL to a multiple of 4. Numbers are little-endian. Parity files come from servers, and a name in one is
where par2 would write: so every place that could be such a packet is looked at, those inside of other packets too.
"""

from __future__ import annotations

import hashlib
import mmap
import os
import struct
from collections.abc import Callable, Iterator, Sequence
from typing import NamedTuple

from glacier_backup.errors import DamageFound
from glacier_backup.units import MIB

MAGIC = b"PAR2\0PKT"
DESCRIPTION = b"PAR 2.0\0FileDesc"

_HEADER = struct.Struct("<8sQ16s16s16s")
_BODY = struct.Struct("<16s16s16sQ")
_LONGEST = 64 * 1024
"""Bytes of a packet with a name in it; no name has more than 4 KiB."""


class Protected(NamedTuple):
    """The file that parity was made of."""

    name: str
    """A plain name, without folders."""
    size: int
    """Bytes."""
    md5: bytes


def protected(parity: Sequence[str], check: Callable[[], None] = lambda: None) -> Protected:
    """What all of these parity files are of.

    Raises DamageFound where none of them says it, where they are of several files, and where the name leads elsewhere;
    OSError.
    """
    found: set[Protected] = set()
    for path in parity:
        check()
        for body in _descriptions(path):
            _, md5, _, size = _BODY.unpack_from(body)
            name = os.fsdecode(body[_BODY.size :].rstrip(b"\0"))
            if name in ("", ".", "..") or "/" in name or "\0" in name or "\\" in name:
                raise DamageFound(f"{path} is parity of {name!r}, which is no plain file name: it isn't used")
            found.add(Protected(name, size, md5))
    names = ", ".join(map(os.path.basename, parity)) or "nothing"
    if not found:
        raise DamageFound(f"{names}: this is no parity, or too little is left of it to tell what it is of")
    if len(found) > 1:
        raise DamageFound(f"{names}: this is parity of {len(found)} files, and ours is of one")
    return found.pop()


def is_of(path: str, wanted: Protected, check: Callable[[], None]) -> bool:
    """Whether the file at ``path`` is the one that parity was made of."""
    if not os.path.isfile(path) or os.stat(path).st_size != wanted.size:
        return False
    digest = hashlib.md5(usedforsecurity=False)
    with open(path, "rb") as file:
        while block := file.read(4 * MIB):
            check()
            digest.update(block)
    return digest.digest() == wanted.md5


def _descriptions(path: str) -> Iterator[bytes]:
    """The bodies of all whole packets of that type, wherever they begin."""
    if os.stat(path).st_size < _HEADER.size:
        return  # and an empty file can't be mapped
    with open(path, "rb") as file, mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as data:
        at = data.find(DESCRIPTION, _HEADER.size - len(DESCRIPTION))
        while at >= 0:
            body = _body(data, at + len(DESCRIPTION) - _HEADER.size)
            if body is not None:
                yield body
            at = data.find(DESCRIPTION, at + 1)


def _body(data: mmap.mmap, start: int) -> bytes | None:
    magic, length, digest, *_ = _HEADER.unpack_from(data, start)
    if magic != MAGIC or not _HEADER.size + _BODY.size < length <= _LONGEST or start + length > len(data):
        return None
    packet = data[start : start + length]
    if hashlib.md5(packet[32:], usedforsecurity=False).digest() != digest:
        return None
    return packet[_HEADER.size :]
