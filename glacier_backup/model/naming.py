"""The names that archives bear at a destination. They outlive this program, so here is what they are made of.

**Archive name**: the base name of the path; a directory's with blanks as ``_``; ``.tar`` behind it for a tar. The root
directory is ``root``. Inside a tar the topmost member has the base name as it is.

**Key**, at destinations that have names: ``host/path/of/candidate/<UTC time>.tar``, or for a raw file ``.ext``: the
file's own extension where that is one to eight letters and digits, else nothing. The manifest lies beside it, with
``.recipe.json`` added. A component of more than 255 bytes is cut, and ``~`` and the first 32 hex digits of its SHA-256
are added. In a key that, with ``.recipe.json``, has more than 1,024 bytes, only the first components stay, followed by
one of ``~`` and the digits for the whole path. A component that happens to end so is treated like a long one, so no
two paths have the same key.

**Description**, in a vault, where archives have no names: see :mod:`glacier_backup.model.description`.

Text is as :func:`os.fsdecode` makes it of UTF-8: bytes that are none are lone surrogates. Sizes are of those bytes.
"""

from __future__ import annotations

import hashlib
import re
from itertools import accumulate

from glacier_backup.model.archive import Container, Label
from glacier_backup.model.candidate import Kind
from glacier_backup.model.description import ShortenedLabel, describe, parse_description
from glacier_backup.units import stamp

__all__ = [
    "ShortenedLabel",
    "archive_name",
    "describe",
    "key",
    "manifest_key",
    "parse_description",
    "stored_name",
]

MANIFEST = ".recipe.json"
LONGEST_KEY = 1024
LONGEST_COMPONENT = 255

_MARK_BYTES = 33
_MARKED = re.compile(r"~[0-9a-f]{32}\Z")
_EXTENSION = re.compile(r".+(\.[A-Za-z0-9]{1,8})", re.DOTALL)


def archive_name(path: str, container: Container, kind: Kind) -> str:
    """What the archive of the candidate at ``path`` is called."""
    name = stored_name(path)
    if kind == "directory":
        name = name.replace(" ", "_")
    return f"{name}.tar" if container == "tar" else name


def stored_name(path: str) -> str:
    """What the candidate at ``path`` is called inside its archive."""
    return path.rpartition("/")[2] or "root"


def key(label: Label) -> str:
    """The key of an archive, unique to its host, path and time; room for the manifest's suffix is left.

    Raises ValueError for a host or a path with components that are empty, ``.`` or ``..``, and for a relative path.
    """
    host, *above = (_component(name) for name in _checked(label))
    file = stamp(label.time) + (".tar" if label.container == "tar" else _extension(label.path))
    whole = "/".join([host, *above, file])
    room = LONGEST_KEY - len(MANIFEST)
    if _size(whole) <= room:
        return whole
    room -= _size(f"{host}/{file}") + 1 + _MARK_BYTES
    fit = sum(size <= room for size in accumulate(_size(name) + 1 for name in above))
    return "/".join([host, *above[:fit], _mark(label.path), file])


def manifest_key(key: str) -> str:
    """Where the manifest of the archive with this key lies."""
    return key + MANIFEST


def _checked(label: Label) -> list[str]:
    start, *names = label.path.split("/")
    components = [label.host, *([] if label.path == "/" else names)]
    if start or not names or any(name in ("", ".", "..") or "\0" in name for name in components) or "/" in label.host:
        raise ValueError(f"no key can be made of host {label.host!r} and path {label.path!r}")
    return components


def _component(name: str) -> str:
    if _size(name) <= LONGEST_COMPONENT and not _MARKED.search(name):
        return name
    return _cut(name, LONGEST_COMPONENT - _MARK_BYTES) + _mark(name)


def _cut(text: str, size: int) -> str:
    """The beginning of ``text``, of ``size`` bytes at most, no character broken."""
    beginning = _bytes(text)[:size].decode("utf-8", "surrogateescape")
    while not text.startswith(beginning):
        beginning = beginning[:-1]
    return beginning


def _mark(text: str) -> str:
    return f"~{hashlib.sha256(_bytes(text)).hexdigest()[:32]}"


def _extension(path: str) -> str:
    match = _EXTENSION.fullmatch(stored_name(path))
    return match[1] if match else ""


def _bytes(text: str) -> bytes:
    return text.encode("utf-8", "surrogateescape")


def _size(text: str) -> int:
    return len(_bytes(text))
