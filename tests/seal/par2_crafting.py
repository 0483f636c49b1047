"""Parity files as an adversary would write them: right in every checksum, and of a file of another name."""

from __future__ import annotations

import hashlib
import struct
from collections.abc import Iterator
from pathlib import Path

MAIN, DESCRIPTION, SUMS = b"PAR 2.0\0Main\0\0\0\0", b"PAR 2.0\0FileDesc", b"PAR 2.0\0IFSC\0\0\0\0"


def rename_inside(parity: list[str], name: str) -> None:
    """Let each of these files say that what it protects is called ``name``."""
    for path in map(Path, parity):
        path.write_bytes(_renamed(path.read_bytes(), name.encode()))


def resize_inside(parity: list[str], size: int) -> None:
    """Let each of these files say that what it protects has so many bytes."""
    for path in map(Path, parity):
        path.write_bytes(_renamed(path.read_bytes(), None, size))


def packets(data: bytes) -> Iterator[tuple[bytes, bytes]]:
    """Type and body of each."""
    at = 0
    while at < len(data):
        (length,) = struct.unpack_from("<Q", data, at + 8)
        yield data[at + 48 : at + 64], data[at + 64 : at + length]
        at += length


def _renamed(data: bytes, name: bytes | None, size: int | None = None) -> bytes:
    found = list(packets(data))
    (description,) = {body for kind, body in found if kind == DESCRIPTION}
    name = description[56:].rstrip(b"\0") if name is None else name
    length = description[48:56] if size is None else struct.pack("<Q", size)
    old, new = description[:16], hashlib.md5(description[32:48] + length + name).digest()  # as the format has it
    changed = {
        MAIN: lambda body: body.replace(old, new),
        DESCRIPTION: lambda body: new + body[16:48] + length + name + bytes(-len(name) % 4),
        SUMS: lambda body: new + body[16:],
    }
    bodies = [(kind, changed[kind](body) if kind in changed else body) for kind, body in found]
    set_id = hashlib.md5(next(body for kind, body in bodies if kind == MAIN)).digest()
    return b"".join(_packet(set_id + kind + body) for kind, body in bodies)


def _packet(rest: bytes) -> bytes:
    return b"PAR2\0PKT" + struct.pack("<Q", 32 + len(rest)) + hashlib.md5(rest).digest() + rest
