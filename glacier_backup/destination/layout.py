"""The files of one archive where archives are files, in a directory or on a server; and whose file a name is.

``TIME.tar`` is the archive, ``TIME.tar.sha256`` its checksum as ``sha256sum -c`` reads it, ``TIME.tar.recipe.json`` the
manifest, which is written last: an archive that was sent counts as whole when that is there. On its way each bears a
hidden name, made from its own alone so that a later process finds it: ``.TIME.tar.partial``.

One of several objects of a sealed archive, ``TIME.tar.v001.age`` or one of their parity files, has its checksum beside
it, and counts as whole when it has its name, which it gets last. Their manifest is an object, too, without anything
beside it; the archive counts as whole when that is there. The same is true of what is called by a random name.

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

from glacier_backup.model.archive import Label
from glacier_backup.model.naming import HIDDEN, MANIFEST, TIMED, has_own_key, is_object, manifest_key
from glacier_backup.units import MIB, stamp

LARGEST_MANIFEST = MIB
"""Bytes. One that is longer was not written by us, and isn't read."""

CHECKSUM_SUFFIX = ".sha256"
PARTIAL_SUFFIX = ".partial"

_TIME = r"[0-9]{8}T[0-9]{6}\.[0-9]{6}Z"
_DATED = re.compile(rf"{TIMED}|{HIDDEN}")
_ON_ITS_WAY = re.compile(rf"(?:\.(?:{TIMED}|{HIDDEN}(?:\.sha256)?)|~[0-9a-f]{{16}}~{_TIME}(?:\.partial)?)\.partial")
_CHECKSUM = re.compile(r"([0-9a-f]{64})  (.*?)\n?", re.DOTALL)
_OF_TREE = re.compile(rf"(.*[^/])~{_TIME}{re.escape(MANIFEST)}", re.DOTALL)
"""What lies beside the first version of a file of a tree, or a later one, and only in buckets."""
_OF_CUT_NAME = re.compile(rf".*~[0-9a-f]{{32}}~{_TIME}{re.escape(MANIFEST)}", re.DOTALL)


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


class ObjectPaths(NamedTuple):
    """Where one of several objects of an archive lies, whose key no other archive ever has."""

    archive: str
    """The object itself."""
    checksum: str | None
    """None beside a manifest."""

    @property
    def folder(self) -> str:
        return posixpath.dirname(self.archive)

    @property
    def partial(self) -> str:
        return hidden(self.archive)


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


AnyPaths = Paths | ObjectPaths | TreePaths


def all_paths_of(label: Label, archive: str) -> AnyPaths:
    """The paths that belong to what has this label and lies there."""
    if not has_own_key(label):
        return tree_paths_of(archive, label.time)
    if not is_object(label):
        return paths_of(archive)
    return ObjectPaths(archive, None if label.role == "manifest" else archive + CHECKSUM_SUFFIX)


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
    """Whether a file at ``path`` can be an archive, or an object of one, whose name is its time or a random one, and no
    file of a tree."""
    return _DATED.fullmatch(posixpath.basename(path)) is not None


def is_beside_cut_name(path: str) -> bool:
    """Whether a file at ``path`` is the manifest of a file of a tree whose own name was too long: which one that is
    can't be told."""
    return _OF_CUT_NAME.fullmatch(path) is not None


def archives_beside(path: str) -> tuple[str, ...]:
    """Where archives would have to be for a file at ``path`` to lie beside one of them for its sake; nowhere where it
    can't."""
    for suffix in (CHECKSUM_SUFFIX, MANIFEST):
        if path.endswith(suffix) and is_dated(path.removesuffix(suffix)):
            return (path.removesuffix(suffix),)
    of_tree = _OF_TREE.fullmatch(path)
    return () if of_tree is None else (of_tree[1], path.removesuffix(MANIFEST))
