"""Extended attributes and ACLs of this machine's files, as extended headers of a tar hold them.

The keywords are star's, which GNU tar and bsdtar know too: ``SCHILY.xattr.NAME`` with the bytes as they are, ``%`` and
``=`` in the name as ``%25`` and ``%3D``; ``SCHILY.acl.access`` and ``.default`` with an ACL as text, numbers for users
and groups. ACLs are stored in both ways, as GNU tar does it.
"""

from __future__ import annotations

import errno
import os
import struct
from collections.abc import Iterator
from itertools import chain

_PREFIX = b"SCHILY.xattr."
_ACLS = {b"system.posix_acl_access": b"SCHILY.acl.access", b"system.posix_acl_default": b"SCHILY.acl.default"}

# linux/posix_acl_xattr.h: a version, and for each entry its tag, its permissions and whose they are.
_VERSION = struct.Struct("<I")
_ENTRY = struct.Struct("<HHI")
_TAGS = {0x01: "user", 0x02: "user", 0x04: "group", 0x08: "group", 0x10: "mask", 0x20: "other"}
_NAMED = (0x02, 0x08)

_NONE_THERE = (errno.ENOTSUP, errno.ENOSYS, errno.ENODATA, errno.ENOENT, errno.ENOTDIR, errno.ELOOP)
"""The file system has none, or the file is gone, which others will notice."""

Attributes = tuple[tuple[bytes, bytes], ...]


def attributes_of(name: bytes, folder: int, follow: bool = False) -> Attributes:
    """Of what is called ``name`` in an open directory, links not followed unless that is asked for, as keywords and
    values in order; none where the system has none, or has no /proc. Raises OSError for what is there and can't be
    read."""
    return _attributes(b"/proc/self/fd/%d/%b" % (folder, name), follow)


def attributes_of_open(descriptor: int) -> Attributes:
    """Of an open file or directory, likewise."""
    return _attributes(descriptor, follow=True)  # a descriptor is no name


def _attributes(of: bytes | int, follow: bool) -> Attributes:
    if not hasattr(os, "listxattr"):
        return ()
    try:
        names = sorted(os.fsencode(name) for name in os.listxattr(of, follow_symlinks=follow))
        return tuple(
            chain.from_iterable(_records(name, os.getxattr(of, name, follow_symlinks=follow)) for name in names)
        )
    except OSError as error:
        if error.errno in _NONE_THERE:
            return ()
        raise


def _records(name: bytes, value: bytes) -> Iterator[tuple[bytes, bytes]]:
    if name in _ACLS and (text := acl_text(value)) is not None:
        yield _ACLS[name], text
    yield _PREFIX + name.replace(b"%", b"%25").replace(b"=", b"%3D"), value


def acl_text(value: bytes) -> bytes | None:
    """An ACL as text (POSIX 1003.1e draft 17, "Text Form Representation"), as Linux hands it out in the attribute; None
    for what is none."""
    entries = value[_VERSION.size :]
    if value[: _VERSION.size] != _VERSION.pack(2) or len(entries) % _ENTRY.size:
        return None
    lines = []
    for tag, bits, who in _ENTRY.iter_unpack(entries):
        if tag not in _TAGS or bits > 7:
            return None
        letters = "".join(letter if bits & bit else "-" for bit, letter in ((4, "r"), (2, "w"), (1, "x")))
        lines.append(f"{_TAGS[tag]}:{who if tag in _NAMED else ''}:{letters}\n")
    return "".join(lines).encode()
