"""Extended attributes and ACLs, put on files as other programs put them there."""

from __future__ import annotations

import os
import struct
from pathlib import Path

NOBODY = 2**32 - 1
"""In an ACL: an entry that names nobody."""

USER_OWNER, USER, GROUP_OWNER, GROUP, MASK, OTHER = 1, 2, 4, 8, 16, 32
"""The kinds of its entries (linux/posix_acl.h)."""

ACCESS, DEFAULT = "system.posix_acl_access", "system.posix_acl_default"


def with_attributes(path: Path) -> None:
    """Extended attributes of all kinds that this process may set, on a file system that has them."""
    for name, value in (
        ("user.plain", b"value"),
        ("user.empty", b""),
        ("user.odd=name%3D 100%", bytes(range(256))),
        ("security.odd", b"\n=\n"),
        ("trusted.odd", b"1 x=y\n"),
    ):
        try:
            os.setxattr(path, name, value)
        except OSError:
            if name == "user.plain":
                return


def acl(*entries: tuple[int, int, int]) -> bytes:
    """The attribute's value: of each entry kind, permissions and whom it names (linux/posix_acl_xattr.h)."""
    return struct.pack("<I", 2) + b"".join(struct.pack("<HHI", *entry) for entry in entries)


def with_acl(path: Path) -> None:
    """An ACL, for a directory one that what is made in it inherits too; on a file system that has them."""
    names = (ACCESS, DEFAULT) if path.is_dir() else (ACCESS,)
    one = acl(
        (USER_OWNER, 7, NOBODY),
        (USER, 4, 12345),
        (GROUP_OWNER, 5, NOBODY),
        (MASK, 5, NOBODY),
        (OTHER, 0, NOBODY),
    )
    for name in names:
        try:
            os.setxattr(path, name, one)
        except OSError:
            return
