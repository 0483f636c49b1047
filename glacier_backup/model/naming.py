"""The names that archives bear at a destination. They outlive this program, so here is what they are made of.

**Archive name**: the base name of the path; a directory's with blanks as ``_``; ``.tar`` behind it for a tar. The root
directory is ``root``. Inside a tar the topmost member has the base name as it is.

**Key**, at destinations that have names: ``host/path/of/candidate/<UTC time>.tar``, or for a raw file ``.ext``: the
file's own extension where that is one to eight letters and digits, else nothing. The manifest lies beside it, with
``.recipe.json`` added. A component of more than 255 bytes is cut, and ``~`` and the first 32 hex digits of its SHA-256
are added. In a key that, with ``.recipe.json``, has more than 1,024 bytes, only the first components stay, followed by
one of ``~`` and the digits for the whole path. A component that happens to end so is treated like a long one, so no
two paths have the same key. What lies on a server, ``sftp://user@host:port/path``, has that host and that path.

**Key of a file of a whole tree**: ``host/path/of/file`` (layout ``host``), or only what follows the section's path
(``relative``); no time, for it stays the same when the file changes. A symlink that is sent as such has ``.rclonelink``
behind its name, as ``rclone copy --links`` writes and reads them (rclone's documentation of the local backend,
"Symlinks"). Where a destination keeps no versions, a changed file has ``~<UTC time>`` behind its key; the manifest of
each has ``~<UTC time>.recipe.json``. Names of files and directories that could be taken for one of these get one ``~``
more: those that end in ``.rclonelink`` or in ``~<UTC time>``, and those that are such a time, as archives are called,
or a dot and such a time, as they are on their way; extensions may follow the time, and any number of ``~`` the whole.
So no key of a tree is that of another file, version, manifest or archive, nor of a directory of the same tree.
Components that are too long are cut as above, in front of ``.rclonelink``; of a key that is too long the last component
stays too.

**Besides archives** a place holds ``RESTORE.md``, which tells how to get at them without this program, the mark of a
backup disk, and copies of the catalog, ``host/.catalog/<UTC time>.sqlite3.gz``. A host, or the topmost name below a
section (``relative``), that is called like one of the first two gets one ``~`` more; no archive has two extensions, and
in a tree names that hold such a time are told apart as above.

**Description**, in a vault, where archives have no names: see :mod:`glacier_backup.model.description`.

Text is as :func:`os.fsdecode` makes it of UTF-8: bytes that are none are lone surrogates. Sizes are of those bytes.
"""

from __future__ import annotations

import re
from datetime import datetime
from itertools import accumulate
from typing import Literal

from glacier_backup.model.archive import Container, Label
from glacier_backup.model.candidate import Kind
from glacier_backup.model.description import ShortenedLabel, describe, parse_description
from glacier_backup.model.key_components import LONGEST_COMPONENT, MARK_BYTES, MARKED, component, cut, mark, size
from glacier_backup.model.recipe import Recipe, Step
from glacier_backup.units import parse_stamp, stamp

__all__ = [
    "LONGEST_COMPONENT",
    "RESTORE_NOTE",
    "Layout",
    "ShortenedLabel",
    "archive_name",
    "catalog_key",
    "describe",
    "is_catalog_copy",
    "key",
    "label_of_key",
    "manifest_key",
    "parse_description",
    "stored_name",
    "tree_key",
    "tree_manifest_key",
    "version_key",
]

Layout = Literal["host", "relative"]
"""Where the keys of a tree begin: with the host, or below the section."""

MANIFEST = ".recipe.json"
LINK = ".rclonelink"
RESTORE_NOTE = "RESTORE.md"
"""Below the prefix: how to get everything back without this program."""
MARKER = ".glacier-backup"
"""In the root of a directory: what tells it from a mount point without its disk."""
LONGEST_KEY = 1024

_EXTENSION = re.compile(r".+(\.[A-Za-z0-9]{1,8})", re.DOTALL)
_ON_SERVER = re.compile(r"sftp://(?:[^/@]*@)?(?:\[([^\]/]*)\]|([^/:\[]*))(?::[0-9]+)?(/.*)", re.DOTALL)

_TIME = r"[0-9]{8}T[0-9]{6}\.[0-9]{6}Z"
_TAKEN = re.compile(rf"(?:\.rclonelink|(?:\A\.?|~){_TIME}(?:\.[A-Za-z0-9]{{1,8}})*)~*\Z")
"""What ends like a link, a version or a manifest, or is called like an archive, whole or on its way, whatever number of
``~`` follows."""

_TOPMOST = re.compile(rf"\A(?:{re.escape(RESTORE_NOTE)}|{re.escape(MARKER)})~*\Z")
_DATED = re.compile(rf"({_TIME})(\.[A-Za-z0-9]{{1,8}})?")
_VERSION = re.compile(rf"(.+)~({_TIME})", re.DOTALL)
_CATALOG = re.compile(rf"[^/]+/\.catalog/{_TIME}\.sqlite3\.gz")

_VERSION_BYTES = len("~20260321T040000.123456Z")
_BESIDE_BYTES = 24
"""What names of files beside a version may have more: ``.recipe.json``, and ``.`` and ``.partial`` around that."""


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

    A label that has a fixed key has that. Raises ValueError for a host or a path with components that are empty, ``.``
    or ``..``, and for a relative path.
    """
    if label.fixed_key is not None:
        return label.fixed_key
    host, *above = (component(name) for name in _checked(label.host, label.path))
    host = _topmost(host)
    file = stamp(label.time) + (".tar" if label.container == "tar" else _extension(label.path))
    whole = "/".join([host, *above, file])
    room = LONGEST_KEY - len(MANIFEST)
    if size(whole) <= room:
        return whole
    room -= size(f"{host}/{file}") + 1 + MARK_BYTES
    fit = sum(length <= room for length in accumulate(size(name) + 1 for name in above))
    return "/".join([host, *above[:fit], mark(label.path), file])


def manifest_key(key: str) -> str:
    """Where the manifest of the archive with this key lies."""
    return key + MANIFEST


def tree_key(host: str, path: str, section: str, layout: Layout = "host", kind: Kind = "file") -> str:
    """The key of a file, or of a link, of the whole tree below ``section``; room for a version's suffix and the
    manifest's is left.

    Raises ValueError for what :func:`key` refuses, and for a path that isn't below the section.
    """
    server, *names = _checked(host, path)
    above = section.rstrip("/") + "/"
    if not path.startswith(above) or path == above:
        raise ValueError(f"{path} is not below {section}")
    if layout == "relative":
        names = path.removeprefix(above).split("/")
    start = [_topmost(component(server))] if layout == "host" else []
    inner = [component(_told_apart(name)) for name in names[:-1]]
    end = _link(names[-1]) if kind == "link" else component(_told_apart(names[-1]))
    if not start:
        first, *rest = [*inner, end]
        *inner, end = [_topmost(first), *rest]
    whole = "/".join([*start, *inner, end])
    room = LONGEST_KEY - len(MANIFEST) - _VERSION_BYTES
    if size(whole) <= room:
        return whole
    room -= size("/".join([*start, end])) + 1 + MARK_BYTES
    fit = sum(length <= room for length in accumulate(size(name) + 1 for name in inner))
    return "/".join([*start, *inner[:fit], mark("/".join(names)), end])


def version_key(key: str, time: datetime) -> str:
    """The key of what a file of a tree has become, where the destination keeps no versions and the first one stays.

    ``key`` is that of :func:`tree_key`, with or without a prefix; ``time`` that of the archive. A name that leaves no
    room for it, and for what lies beside the version, is cut.
    """
    folder, slash, name = key.rpartition("/")
    longest = LONGEST_COMPONENT - _VERSION_BYTES - _BESIDE_BYTES
    if size(name) > longest:
        name = cut(name, longest - MARK_BYTES) + mark(name)
    return f"{folder}{slash}{name}~{stamp(time)}"


def tree_manifest_key(key: str, time: datetime) -> str:
    """Where the manifest of a file of a tree lies, whether it was stored under ``key`` or as a version of that."""
    return manifest_key(version_key(key, time))


def catalog_key(host: str, time: datetime) -> str:
    """The key of a copy of the catalog. Raises ValueError for a host that :func:`key` refuses."""
    (name,) = _checked(host, "/")
    return f"{_topmost(component(name))}/.catalog/{stamp(time)}.sqlite3.gz"


def is_catalog_copy(key: str) -> bool:
    """Whether this is the key, below the prefix, of a copy of the catalog of any host."""
    return _CATALOG.fullmatch(key) is not None


def label_of_key(key: str, stored_at: datetime) -> Label | None:
    """What a key, without the prefix, still tells of an archive whose manifest is missing.

    Host, path, container and time of an archive. Of a file of a tree the host and the path are guessed: as if the
    layout were ``host``; its time is ``stored_at`` unless it is a version. Where the path was on a server, the host is
    that server and the path that on it. What is called ``x.tar`` is taken for a file. None where nothing can be told:
    something was cut, or it is no such key.
    """
    host, *names = key.split("/")
    if not names or is_catalog_copy(key) or any(MARKED.search(name) for name in (host, *names)):
        return None
    dated = _DATED.fullmatch(names[-1])
    try:
        host = _told(host, _TOPMOST)
        if dated is None:
            return _label_in_tree(host, names, key, stored_at)
        return _label_of_archive(host, "/" + "/".join(names[:-1]), parse_stamp(dated[1]), dated[2] or "")
    except ValueError:
        return None


def _label_of_archive(host: str, path: str, time: datetime, extension: str) -> Label | None:
    _checked(host, path)
    if extension == _extension(path) and path != "/":
        return _guessed(host, path, "file", "raw", time)
    return _guessed(host, path, "directory", "tar", time) if extension == ".tar" else None


def _label_in_tree(host: str, names: list[str], key: str, stored_at: datetime) -> Label | None:
    *inner, name = names
    version = _VERSION.fullmatch(name)
    time = parse_stamp(version[2]) if version else stored_at
    name = version[1] if version else name
    if MARKED.search(name) or MARKED.search(name.removesuffix(LINK)):
        return None
    kind: Kind = "link" if name.endswith(LINK) else "file"
    name = name.removesuffix(LINK) if kind == "link" else _told(name)
    path = "/" + "/".join([_told(one) for one in inner] + [name])
    if not name:
        raise ValueError("the root directory is no file")
    _checked(host, path)
    return _guessed(host, path, kind, "raw", time, key)


def _guessed(
    host: str, path: str, kind: Kind, container: Container, time: datetime, fixed_key: str | None = None
) -> Label:
    recipe = Recipe((Step("symlink" if kind == "link" else container),))
    name = archive_name(path, container, kind)
    return Label(name, path, host, kind, container, time, recipe.id, fixed_key=fixed_key)


def path_on_server(path: str) -> str:
    """The server's own path of what lies at ``sftp://user@host:port/path``; other paths as they are."""
    return _located("", path)[1]


def _located(host: str, path: str) -> tuple[str, str]:
    match = _ON_SERVER.fullmatch(path)
    return (host, path) if match is None else (match[1] or match[2] or "", match[3])


def _checked(host: str, path: str) -> list[str]:
    """Host and components of the path."""
    host, path = _located(host, path)
    start, *names = path.split("/")
    components = [host, *([] if path == "/" else names)]
    if start or not names or any(name in ("", ".", "..") or "\0" in name for name in components) or "/" in host:
        raise ValueError(f"no key can be made of host {host!r} and path {path!r}")
    return components


def _told_apart(name: str) -> str:
    """``name``, with one ``~`` more if it could be taken for something that is no file or directory of that name."""
    return f"{name}~" if _TAKEN.search(name) else name


def _told(name: str, told_apart: re.Pattern[str] = _TAKEN) -> str:
    """Without the ``~`` that was put behind it. Raises ValueError for a name that should have one, and has none."""
    if told_apart.search(name) is None:
        return name
    if not name.endswith("~"):
        raise ValueError(f"no file or directory of a tree is called {name!r}")
    return name[:-1]


def _topmost(name: str) -> str:
    """The first component of a key, with one ``~`` more if it could be taken for what lies besides archives."""
    return f"{name}~" if _TOPMOST.search(name) else name


def _link(name: str) -> str:
    return component(name, LONGEST_COMPONENT - len(LINK)) + LINK


def _extension(path: str) -> str:
    match = _EXTENSION.fullmatch(stored_name(path))
    return match[1] if match else ""
