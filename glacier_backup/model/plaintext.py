"""What an object in a bucket says in its metadata of the files in it, as s3-backup writes and reads it, and so do we.

``hash`` is ``{SHA256}`` and hex, of one file. Of a ZIP there are ``num-items``, the number of its files; ``list-hash``,
hex of the SHA-256 over key, NUL, size in decimal digits and NUL of each, by their keys; and ``content-hash``, the same
with the file's ``hash`` in place of its size. In front of every name stands ``plaintext-`` once for each time that the
data was transformed on its way, and ``plaintext-size`` is the size of one file before that; where it wasn't
transformed, the object's size tells (s3-backup 0.1.0: ``LocalFile``, ``GroupedItem`` and ``DataTransform``).

What is read of it was written by somebody else and says nothing that isn't checked before it is relied on.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Mapping
from typing import NamedTuple

_PREFIX = "plaintext-"
_HASH = re.compile(r"\{(?i:SHA256)\}([0-9A-Fa-f]{64})")
_HEX = re.compile(r"[0-9A-Fa-f]{64}")
_NUMBER = re.compile(r"[0-9]{1,18}")
UNLISTED = "unlisted"
"""The same of one that says nothing at all of itself."""

_DIGEST = re.compile(r"listed ([0-9]{1,18}) ([0-9a-f]{64}) ([0-9a-f]{64}|-)")
_OF_GROUP = ("num-items", "list-hash", "content-hash")
_MOST_LEVELS = 32


class PlainFile(NamedTuple):
    """What is said of one file."""

    size: int | None
    """Bytes, where its data was transformed; None where that isn't said."""
    sha256: str | None
    """Hex, in small letters."""


class PlainGroup(NamedTuple):
    """What is said of a ZIP."""

    items: int
    """Number of its files."""
    list_hash: str
    """Hex, in small letters; so the next."""
    content_hash: str | None = None


class GroupSums:
    """What there is to be said of a ZIP, in the making: its files are added by the bytes of their keys."""

    def __init__(self) -> None:
        self._list, self._content = hashlib.sha256(), hashlib.sha256()
        self._all_hashed = True
        self._count = 0

    def add(self, key: str, size: int, sha256: str | None) -> None:
        """The next file; bytes, and hex where its content was hashed."""
        name = key.encode("utf-8", "surrogateescape")
        self._count += 1
        self._list.update(b"%b\0%d\0" % (name, size))
        if sha256 is None:
            self._all_hashed = False
        else:
            self._content.update(b"%b\0{SHA256}%b\0" % (name, sha256.encode()))

    def made(self) -> PlainGroup:
        """All that were added; with a hash of the content if each had one."""
        content = self._content.hexdigest() if self._all_hashed else None
        return PlainGroup(self._count, self._list.hexdigest(), content)


def metadata_of(plain: PlainFile | PlainGroup, levels: int = 0) -> dict[str, str]:
    """As an object has it whose data was transformed ``levels`` times."""
    if isinstance(plain, PlainGroup):
        said = {"num-items": str(plain.items), "list-hash": plain.list_hash}
        if plain.content_hash is not None:
            said["content-hash"] = plain.content_hash
    else:
        said = {} if plain.sha256 is None else {"hash": f"{{SHA256}}{plain.sha256}"}
        if levels and plain.size is not None:
            said["size"] = str(plain.size)
    return {_PREFIX * levels + name: value for name, value in said.items()}


def plain_of(metadata: Mapping[str, str]) -> PlainFile | PlainGroup | None:
    """What an object says of what is in it; None where it says nothing of that, or nothing that can be right."""
    for level in range(_levels(metadata), -1, -1):
        said = {name.removeprefix(_PREFIX * level): value for name, value in metadata.items() if _is_at(name, level)}
        if any(name in said for name in _OF_GROUP):
            return _group(said)
        if "hash" in said or (level and "size" in said):
            return _file(said if level else {"hash": said["hash"]})
    return None


def levels_of(metadata: Mapping[str, str]) -> int:
    """How often its data was transformed, by how what it says is named."""
    return _levels(metadata)


def group_digest(plain: PlainGroup) -> str:
    """What stands for the fingerprint of a group of which nothing else is known. The catalog keeps it."""
    return f"listed {plain.items} {plain.list_hash} {plain.content_hash or '-'}"


def is_unknown_group(digest: str | None) -> bool:
    """Whether it stands for a group that another system has stored, and of which nobody knows what is in it."""
    return digest == UNLISTED or parse_group_digest(digest or "") is not None


def parse_group_digest(digest: str) -> PlainGroup | None:
    """The inverse; None for any other digest."""
    match = _DIGEST.fullmatch(digest)
    return match and PlainGroup(int(match[1]), match[2], None if match[3] == "-" else match[3])


def _levels(metadata: Mapping[str, str]) -> int:
    deepest = max((_depth(name) for name in metadata), default=0)
    return min(deepest, _MOST_LEVELS)


def _depth(name: str) -> int:
    depth = 0
    while name.startswith(_PREFIX, depth * len(_PREFIX)):
        depth += 1
    return depth


def _is_at(name: str, level: int) -> bool:
    return _depth(name) == level


def _group(said: Mapping[str, str]) -> PlainGroup | None:
    count, listed, content = (said.get(name, "") for name in _OF_GROUP)
    if not _NUMBER.fullmatch(count) or not _HEX.fullmatch(listed):
        return None
    return PlainGroup(int(count), listed.lower(), content.lower() if _HEX.fullmatch(content) else None)


def _file(said: Mapping[str, str]) -> PlainFile | None:
    size = said.get("size", "")
    hashed = _HASH.fullmatch(said.get("hash", ""))
    found = PlainFile(int(size) if _NUMBER.fullmatch(size) else None, hashed[1].lower() if hashed else None)
    return None if found == PlainFile(None, None) else found
