"""The keys that archives have in a bucket, and the locators that name one of a key's versions.

A key is the prefix, a slash, and what :func:`glacier_backup.model.naming.key` says. Bytes that are no UTF-8, control
characters and U+FFFE and U+FFFF, which the service's XML can't carry, are percent-encoded with capital letters, and so
is a percent sign in front of two digits that look so: what was encoded can be decoded, and differs from all else. Of a
key that would have more than 1,024 bytes (S3 user guide, "Naming Amazon S3 objects") with ``.recipe.json`` behind it
(of a file of a tree: with ``~<UTC time>.recipe.json``), the first components stay, then comes ``~`` with 32 hex digits
of the SHA-256 of what would have stood there, then the last component, if that has no more than 255 bytes. Of what is
sealed its suffix comes behind all that, for which 48 bytes more are left.

A locator is a key, or ``KEY?versionId=ID`` for one version of it, as the service writes it (API reference, GetObject).
A key that looks so itself has ``?versionId=`` behind it: what follows the last of these is the version, if anything.
"""

from __future__ import annotations

import hashlib
import re
from datetime import datetime
from itertools import accumulate
from typing import NamedTuple

from glacier_backup.errors import DestinationUnavailable
from glacier_backup.model.archive import Label
from glacier_backup.model.naming import (
    LONGEST_COMPONENT,
    LONGEST_KEY,
    MANIFEST,
    base_key,
    has_own_key,
    manifest_key,
    tree_manifest_key,
)
from glacier_backup.model.suffixes import LONGEST_SUFFIX
from glacier_backup.units import stamp

LONGEST_PREFIX = 512
"""Bytes: what lies below it has to find room."""

_MARK_BYTES = 33
_VERSION = "?versionId="
_UNSAFE = re.compile("[\x00-\x1f\x7f-\x9f\ud800-\udfff\ufffe\uffff]|%(?=[0-9A-F]{2})")
_ENCODED = re.compile(rb"%([0-9A-F]{2})")


def key_below(prefix: str, label: Label) -> str:
    """The key of an archive, or of one of its objects, in its bucket. Raises DestinationUnavailable for too long a
    prefix."""
    start = start_of(prefix)
    whole = encoded(base_key(label))
    behind = len(MANIFEST) + (LONGEST_SUFFIX if label.suffix else 0)
    if not has_own_key(label) and not _is_version(whole, label.time):
        behind += len(f"~{stamp(label.time)}")
    if _size(start + whole) + behind <= LONGEST_KEY:
        return start + whole + label.suffix
    *above, last = whole.split("/")
    mark = f"~{hashlib.sha256(whole.encode()).hexdigest()[:32]}"
    tail = [mark, last] if _size(last) <= LONGEST_COMPONENT else [mark]
    room = LONGEST_KEY - _size("/".join([start, *tail])) - behind
    fit = sum(size <= room for size in accumulate(_size(name) + 1 for name in above))
    return start + "/".join([*above[:fit], *tail]) + label.suffix


def manifest_of(key: str, label: Label) -> str:
    """Where the manifest of the archive that has this key and label lies, if it is one object and has one."""
    is_version = _is_version(key.removesuffix(label.suffix), label.time)
    return manifest_key(key) if has_own_key(label) or is_version else tree_manifest_key(key, label.time)


def _is_version(key: str, time: datetime) -> bool:
    """Whether it is the key, without a suffix, of a file of a tree that didn't get that of the one before."""
    return key.endswith(f"~{stamp(time)}")


class At(NamedTuple):
    """What a locator names."""

    key: str
    version: str | None = None
    """None: whatever is the newest."""

    @property
    def locator(self) -> str:
        if self.version is None and _VERSION not in self.key:
            return self.key
        return f"{self.key}{_VERSION}{self.version or ''}"

    @classmethod
    def parsed(cls, locator: str) -> At:
        """The inverse of :attr:`locator`."""
        key, found, version = locator.rpartition(_VERSION)
        return cls(key, version or None) if found else cls(locator)


def start_of(prefix: str) -> str:
    """What all keys below ``prefix`` begin with. Raises DestinationUnavailable for too long a one."""
    safe = encoded(prefix)
    if _size(safe) > LONGEST_PREFIX:
        raise DestinationUnavailable(
            f"the prefix {safe[:40]}… has {_size(safe)} bytes, and a key may have {LONGEST_KEY}",
            hint=f"take one of at most {LONGEST_PREFIX} bytes in destination = s3://bucket/prefix",
        )
    return f"{safe}/" if safe else ""


def is_below(prefix: str, at: At) -> bool:
    """Whether a bucket can have this key and version, and it lies below ``prefix``."""
    start = start_of(prefix)
    return at.key.startswith(start) and at.key != start and not re.search("[\ud800-\udfff]|\0", at.locator)


def encoded(text: str) -> str:
    """``text``, where bytes that are no UTF-8 are lone surrogates, as it may stand in a key."""
    return _UNSAFE.sub(lambda found: _percent(found[0]), text)


def decoded(text: str) -> str:
    """The inverse of :func:`encoded`."""
    raw = _ENCODED.sub(lambda found: bytes([int(found[1], 16)]), text.encode())
    return raw.decode("utf-8", "surrogateescape")


def _percent(character: str) -> str:
    # Half a surrogate pair that stands for no byte can't come from a file's name; it can from a text.
    how = "surrogateescape" if "\udc80" <= character <= "\udcff" else "surrogatepass"
    return "".join(f"%{byte:02X}" for byte in character.encode("utf-8", how))


def _size(text: str) -> int:
    return len(text.encode())
