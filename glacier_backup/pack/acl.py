"""POSIX ACLs as archives tell them, and as Linux takes them.

As text, one entry after the other: ``user::rw-``, ``user:daemon:r--``, with star's ``:number`` behind it or without
(POSIX 1003.1e draft 17, section 23.3, "Text Form Representation"; acl(5)). Linux takes them as the value of an extended
attribute: version 2, and for each entry its tag, its permissions and whose they are, in order of tag and number
(linux/posix_acl_xattr.h).
"""

from __future__ import annotations

import re
import struct

_TAGS = {"user": (0x01, 0x02), "group": (0x04, 0x08), "mask": (0x10, 0x10), "other": (0x20, 0x20)}
"""Of the owner's entry, and of one that names somebody."""
_NOBODY = 2**32 - 1
_VERSION = struct.pack("<I", 2)
_ENTRY = struct.Struct("<HHI")
_TEXT = re.compile(r"(u(?:ser)?|g(?:roup)?|m(?:ask)?|o(?:ther)?):([^:]*):([r-][w-][x-])(?::(\d{1,10}))?")


def acl_attribute(text: bytes) -> bytes:
    """The value of ``system.posix_acl_access``, or of ``…_default``, that ``text`` stands for.

    Raises ValueError for what is no ACL, and for users and groups that this system doesn't know.
    """
    entries = {}
    for line in re.split(r"[,\n]", text.decode("utf-8", "surrogateescape")):
        entry = line.partition("#")[0].strip()
        if not entry:
            continue
        match = _TEXT.fullmatch(entry)
        if match is None:
            raise ValueError(f"{entry[:80]!r} is no entry of an ACL")
        kind, name, letters, number = match.groups()
        kind = next(one for one in _TAGS if one.startswith(kind))
        own, others = _TAGS[kind]
        who = _number(kind, name, number) if name and own != others else _NOBODY
        entries[others if name and own != others else own, who] = _bits(letters)
    return _VERSION + b"".join(_ENTRY.pack(tag, bits, who) for (tag, who), bits in sorted(entries.items()))


def _bits(letters: str) -> int:
    return sum(bit for bit, letter in zip((4, 2, 1), letters, strict=True) if letter != "-")


def _number(kind: str, name: str, number: str | None) -> int:
    found = int(number or name) if number or name.isdigit() else _look_up(kind, name)
    if not 0 <= found < _NOBODY:
        raise ValueError(f"{found} is no number of a {kind}")
    return found


def _look_up(kind: str, name: str) -> int:
    import grp
    import pwd

    try:
        return pwd.getpwnam(name).pw_uid if kind == "user" else grp.getgrnam(name).gr_gid
    except (KeyError, ValueError):
        raise ValueError(f"this system has no {kind} {name!r}") from None
