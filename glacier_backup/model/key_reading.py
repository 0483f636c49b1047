"""What keys that :mod:`glacier_backup.model.naming` has made still tell."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime
from typing import get_args

from glacier_backup.model.archive import Container, Label
from glacier_backup.model.candidate import Kind
from glacier_backup.model.description import PrivateLabel
from glacier_backup.model.increment import Link, split_mark
from glacier_backup.model.key_components import MARKED
from glacier_backup.model.naming import (
    DATASETS,
    GROUPED,
    LINK,
    RESTORE_NOTE,
    TIME,
    TOPMOST,
    archive_name,
    checked,
    extension,
    is_catalog_copy,
    is_group_path,
    is_prefix_group_path,
    is_taken,
)
from glacier_backup.model.recipe import Recipe, Step
from glacier_backup.model.snapshot import SCHEMES
from glacier_backup.model.suffixes import MANIFEST, OBJECT, PARITY_VOLUME, Suffix, parse_suffix, split_suffix
from glacier_backup.units import parse_stamp

_DATED = re.compile(rf"({TIME})((?:\.[A-Za-z0-9]{{1,8}}|{PARITY_VOLUME})*)")
_VERSION = re.compile(rf"(.+)~({TIME})", re.DOTALL)
_IDENTITY = re.compile(r"[^/]+/\.keys/identity-[0-9a-f]{16}\.age")
_CONTAINERS: dict[str, Container] = {f"{one}:": one for one in get_args(Container) if one in SCHEMES}
"""Of datasets, by the first component of their keys below the host."""
_HIDDEN = re.compile(rf"([a-z0-9]{{2}})/(\1[a-z0-9]{{24}})({OBJECT})")


def is_beside_archives(key: str) -> bool:
    """Whether this is the key, below the prefix, of something of ours that is no archive nor part of one."""
    return key == RESTORE_NOTE or is_catalog_copy(key) or _IDENTITY.fullmatch(key) is not None


def private_label_of_key(key: str) -> PrivateLabel | None:
    """What a key whose name is hidden tells of one of several objects; None for any other key."""
    match = _HIDDEN.fullmatch(key)
    told = None if match is None else parse_suffix(match[3])
    if match is None or told is None:
        return None
    return PrivateLabel(match[2], match[3], told.volume, told.role)


def label_of_key(key: str, stored_at: datetime, *, sealed: bool = False) -> Label | None:
    """What a key, without the prefix, still tells of an archive, or of one of its objects, whose manifest is missing.

    Host, path, container, time and suffix of an archive. Of a file of a tree, or a group that goes by a prefix, host
    and path are guessed: as if the layout were ``host``; its time is ``stored_at`` unless it is a version; where the
    tree is ``sealed``, or it is a version, what looks like a seal's suffix is one. Where the path was on a server, the
    host is that server and the path that on it. What is called ``x.tar`` is taken for a file. None where nothing can be
    told: something was cut, its name is hidden, or it is no such key.
    """
    host, *names = key.split("/")
    if not names or is_beside_archives(key) or private_label_of_key(key) is not None:
        return None
    if any(MARKED.search(name) for name in (host, *names)):
        return None
    dated = _DATED.fullmatch(names[-1])
    try:
        host = _told(host, TOPMOST)
        if dated is None:
            return _label_in_tree(host, names, key, stored_at, sealed)
        if names[0] in _CONTAINERS:
            return _label_of_dataset(host, names[:-1], parse_stamp(dated[1]), dated[2])
        return _label_of_archive(host, _below_root(names[:-1]), parse_stamp(dated[1]), dated[2])
    except ValueError:
        return None


def _label_of_archive(host: str, path: str, time: datetime, behind: str) -> Label | None:
    """``behind``: what stands behind the time."""
    kind: Kind = "group" if is_group_path(path) else "directory"
    if kind != "group":
        above, _, name = path.rpartition("/")
        path = f"{above}/{_told(name, GROUPED)}"
    checked(host, path)
    own = extension(path)
    is_file = kind != "group" and path != "/" and behind.startswith(own)
    if is_file and parse_suffix(suffix := behind.removeprefix(own)) is not None:
        return _guessed(host, path, "file", "raw", time, suffix)
    link, behind = split_mark(behind) if kind == "directory" else ("", behind)
    suffix = behind.removeprefix(".tar")
    if suffix == behind or parse_suffix(suffix) is None:
        return None
    return replace(_guessed(host, path, kind, "tar", time, suffix), link=link)


def _label_of_dataset(host: str, names: list[str], time: datetime, behind: str) -> Label | None:
    """Which snapshots it goes between no key of ours tells; that it is a baseline where it has no mark it does."""
    scheme, *inner, last = names
    path = scheme + "/".join([*inner, _told(last, GROUPED)])
    checked(host, path)
    link, behind = split_mark(behind)
    container = _CONTAINERS[scheme]
    suffix = behind.removeprefix(f".{container}")
    if suffix == behind or parse_suffix(suffix) is None:
        return None
    return replace(_guessed(host, path, "dataset", container, time, suffix), link=link or str(Link(0)))


def _below_root(names: Sequence[str]) -> str:
    """The path with these components, as keys have them."""
    first = [_told(name, DATASETS) for name in names[:1]]
    return "/" + "/".join([*first, *names[1:]])


def _label_in_tree(host: str, names: list[str], key: str, stored_at: datetime, sealed: bool) -> Label | None:
    *inner, whole = names
    name, suffix = split_suffix(whole)
    version = _VERSION.fullmatch(name)
    if version is None and not sealed:
        name, suffix = whole, ""
    if version is not None and suffix == MANIFEST:
        return None  # of one object, most likely, in a bucket
    time = parse_stamp(version[2]) if version else stored_at
    name = version[1] if version else name
    if MARKED.search(name) or MARKED.search(name.removesuffix(LINK)):
        return None
    if is_prefix_group_path(name):
        path = _below_root([*(_told(one, sealed=sealed or bool(suffix)) for one in inner), name])
        checked(host, path)
        return _guessed(host, path, "group", "zip", time, suffix, key.removesuffix(suffix))
    kind: Kind = "link" if name.endswith(LINK) else "file"
    # The name of a sealed file has one more where it could be taken for one with a suffix.
    sealed = sealed or bool(suffix)
    name = name.removesuffix(LINK) if kind == "link" else _told(name, sealed=sealed)
    path = _below_root([*(_told(one, sealed=sealed) for one in inner), name])
    if not name:
        raise ValueError("the root directory is no file")
    checked(host, path)
    return _guessed(host, path, kind, "raw", time, suffix, key.removesuffix(suffix))


def _guessed(
    host: str,
    path: str,
    kind: Kind,
    container: Container,
    time: datetime,
    suffix: str,
    fixed_key: str | None = None,
) -> Label:
    recipe = Recipe((Step("symlink" if kind == "link" else container),))
    name = archive_name(path, container, kind)
    label = Label(name, path, host, kind, container, time, recipe.id, fixed_key=fixed_key)
    told = parse_suffix(suffix) or Suffix()
    return replace(label, suffix=suffix, volume=told.volume, role=told.role) if suffix else label


def _told(name: str, told_apart: re.Pattern[str] | None = None, *, sealed: bool = False) -> str:
    """Without the ``~`` that was put behind it. Raises ValueError for a name that should have one, and has none."""
    if not (is_taken(name, sealed) if told_apart is None else told_apart.search(name)):
        return name
    if not name.endswith("~"):
        raise ValueError(f"no file or directory of a tree is called {name!r}")
    return name[:-1]
