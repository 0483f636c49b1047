"""The files of one archive where archives are files, in a directory or on a server; and whose file a name is.

``TIME.tar`` is the archive, ``TIME.tar.sha256`` its checksum as ``sha256sum -c`` reads it, ``TIME.tar.recipe.json`` the
manifest, which is written last: an archive that was sent counts as whole when that is there. On its way each bears a
hidden name, made from its own alone so that a later process finds it: ``.TIME.tar.partial``.

A file of a whole tree is stored as itself alone: a tree may have files of any of these names, and the catalog keeps the
checksums. It counts as whole when it has its name. On its way it is called ``~HASH~TIME.partial``, of the first 16 hex
digits of the SHA-256 of its own name, and the time of its archive: no file of a tree has such a name, nor a version or
a manifest (:mod:`glacier_backup.model.naming`), and none is too long for it.
"""

from __future__ import annotations

import hashlib
import posixpath
import re
from datetime import datetime
from typing import NamedTuple

from glacier_backup.model.naming import MANIFEST, manifest_key
from glacier_backup.units import MIB, stamp

LARGEST_MANIFEST = MIB
"""Bytes. One that is longer was not written by us, and isn't read."""

CHECKSUM_SUFFIX = ".sha256"
PARTIAL_SUFFIX = ".partial"

_TIME = r"[0-9]{8}T[0-9]{6}\.[0-9]{6}Z"
_DATED = re.compile(rf"{_TIME}(?:\.[A-Za-z0-9]{{1,8}})*")
_ON_ITS_WAY = re.compile(rf"(?:\.{_TIME}(?:\.[A-Za-z0-9]{{1,8}})*|~[0-9a-f]{{16}}~{_TIME}(?:\.partial)?)\.partial")
_CHECKSUM = re.compile(r"([0-9a-f]{64})  (.*?)\n?", re.DOTALL)
_OF_TREE = re.compile(rf".*~{_TIME}{re.escape(MANIFEST)}", re.DOTALL)


class Paths(NamedTuple):
    """Where the files of one archive lie."""

    archive: str
    checksum: str
    manifest: str

    @property
    def folder(self) -> str:
        return posixpath.dirname(self.archive)

    @property
    def partial(self) -> str:
        return hidden(self.archive)


def paths_of(archive: str) -> Paths:
    """The paths that belong to the archive of this path."""
    return Paths(archive, archive + CHECKSUM_SUFFIX, manifest_key(archive))


class TreePaths(NamedTuple):
    """Where a file of a tree lies, and where it does on its way."""

    archive: str
    partial: str

    @property
    def folder(self) -> str:
        return posixpath.dirname(self.archive)


def tree_paths_of(archive: str, time: datetime) -> TreePaths:
    """The paths of the file of a tree that is to have this one; ``time`` is that of its label."""
    folder, name = posixpath.split(archive)
    mark = hashlib.sha256(name.encode("utf-8", "surrogateescape")).hexdigest()[:16]
    return TreePaths(archive, posixpath.join(folder, f"~{mark}~{stamp(time)}{PARTIAL_SUFFIX}"))


def checksum_in(text: str, name: str) -> str | None:
    """The SHA-256, hex, that the checksum file of the archive called ``name`` says; None where it is no such file."""
    match = _CHECKSUM.fullmatch(text)
    return match[1] if match is not None and match[2] == name else None


def hidden(path: str) -> str:
    """What a file is called on its way to ``path``."""
    folder, name = posixpath.split(path)
    return posixpath.join(folder, f".{name}{PARTIAL_SUFFIX}")


def is_partial(name: str) -> bool:
    """Whether a file of this name, without its folder, is on its way."""
    return _ON_ITS_WAY.fullmatch(name) is not None


def is_dated(path: str) -> bool:
    """Whether a file at ``path`` can be an archive whose name is its time, and no file of a tree."""
    return _DATED.fullmatch(posixpath.basename(path)) is not None


def is_tree_manifest(path: str) -> bool:
    """Whether a file at ``path`` is the manifest of a file of a tree, which only buckets have."""
    return _OF_TREE.fullmatch(posixpath.basename(path)) is not None


def beside(path: str) -> str | None:
    """The path of the archive that a file at ``path`` lies beside, if there is one; None where it can't."""
    for suffix in (CHECKSUM_SUFFIX, MANIFEST):
        if path.endswith(suffix) and is_dated(path.removesuffix(suffix)):
            return path.removesuffix(suffix)
    return None
