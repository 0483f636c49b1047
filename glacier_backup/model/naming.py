"""The names that archives bear at a destination. They outlive this program, so here is what they are made of.

**Archive name**: the base name of the path; a directory's with blanks as ``_``; ``.tar`` behind it for a tar. The root
directory is ``root``. Inside a tar the topmost member has the base name as it is.

**Key**, at destinations that have names: ``host/path/of/candidate/<UTC time>.tar``, or for a raw file ``.ext``: the
file's own extension where that is one to eight letters and digits, else nothing. The manifest lies beside it, with
``.recipe.json`` added. A component of more than 255 bytes is cut, and ``~`` and the first 32 hex digits of its
SHA-256 are added. An increment has its number in front of ``.tar``: ``<UTC time>.inc3.tar``
(:mod:`glacier_backup.model.increment`). In a key that, with ``.recipe.json``, has more than 1,024 bytes, only the
first components stay, followed by one of ``~`` and the digits for the whole path. A component that happens to end so
is treated like a long one, so no two paths have the same key. What lies on a server, ``sftp://user@host:port/path``,
has that host and that path.

A dataset, ``zfs:pool/dataset``, has ``host/zfs:/pool/dataset/<UTC time>.zfs``, an increment
``<UTC time>.inc3.zfs``, and its archive is called ``dataset.zfs``. What is no dataset and whose first component is
``zfs:``, any number of ``~`` behind it, gets one ``~`` more there; as does the first component of a key in a tree that
has no host in front.

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

**What is sealed** has the suffix of its seal behind that (:mod:`glacier_backup.model.suffixes`):
``<UTC time>.tar.zst``, ``photos/a.jpg.age``, ``photos/a.jpg~<UTC time>.age``; each of several volumes and what lies
beside them its own. Room for 48 bytes of it is left, whatever it is, so that what stands in front is the same for all
objects of an archive. In a sealed tree names of files and directories that end like such a suffix get one ``~`` more
too: ``a.gz`` is ``a.gz~.age``.

**A group** of files of one section is called ``SECTION/~pack-<12 hex digits>``, of the digest of what it holds: so a
later run that finds the same files goes on with it. Inside, and in its archive's name, ``photos.pack.tar``, the base
name of the section stands in front, as if that had been packed. What is called so and is no group gets one ``~`` more
in keys: the last component of an archive's path, and any file or directory of a tree.

A group that goes by a prefix is a ZIP called ``PREFIX*~.zip``, and where that would be too much for one, more of them
by number, ``PREFIX*~2.zip``. ``PREFIX`` is what the keys of all in it begin with, and of any file this holds: take the
key, and leave out at least one character at its end, again and again; the first ZIP that is there then has the file.
Its key has no time and stays the same when the group changes; inside, files are called by their keys, not cut nor told
apart. Files and directories that are called so get one ``~`` more.

**Hidden names**: ``ab/abcdefghijklmnopqrstuvwxyz.zst.v001.age``, a random name of 26 small letters and digits, in a
folder of its first two. In any tree a name that looks so, with such a suffix, gets one ``~`` more.

**Besides archives** a place holds ``RESTORE.md``, which tells how to get at them without this program, the mark of a
backup disk, copies of the catalog, ``host/.catalog/<UTC time>.sqlite3.gz`` with the suffix of their seal, and encrypted
identities, ``host/.keys/identity-<16 hex digits>.age``. A host, or the topmost name below a section (``relative``),
that is called like one of the first two gets one ``~`` more; no archive has those two extensions, and in a tree
names that hold such a time, or are called like an identity, are told apart as above.

**Description**, in a vault, where archives have no names: see :mod:`glacier_backup.model.description`.

Text is as :func:`os.fsdecode` makes it of UTF-8: bytes that are none are lone surrogates. Sizes are of those bytes.
"""

from __future__ import annotations

import hashlib
import re
from datetime import datetime
from itertools import accumulate
from typing import Literal

from glacier_backup.model.archive import Container, Label
from glacier_backup.model.candidate import Kind
from glacier_backup.model.dataset_label import is_dataset
from glacier_backup.model.description import PrivateLabel, ShortenedLabel, describe, parse_description
from glacier_backup.model.increment import increment_mark
from glacier_backup.model.key_components import LONGEST_COMPONENT, MARK_BYTES, component, cut, mark, size
from glacier_backup.model.snapshot import SCHEMES, dataset_of, is_dataset_path
from glacier_backup.model.suffixes import (
    LONGEST_SUFFIX,
    MANIFEST,
    OBJECT,
    PARITY_VOLUME,
    ends_like_one,
)
from glacier_backup.units import stamp

__all__ = [
    "LONGEST_COMPONENT",
    "MANIFEST",
    "RESTORE_NOTE",
    "Layout",
    "PrivateLabel",
    "ShortenedLabel",
    "archive_name",
    "base_key",
    "catalog_key",
    "describe",
    "group_path",
    "has_own_key",
    "identity_key",
    "is_catalog_copy",
    "is_group_path",
    "is_object",
    "is_prefix_group_path",
    "key",
    "manifest_key",
    "parse_description",
    "prefix_group_path",
    "section_of",
    "stored_name",
    "tree_key",
    "tree_manifest_key",
    "tree_top",
    "version_key",
]

Layout = Literal["host", "relative"]
"""Where the keys of a tree begin: with the host, or below the section."""

LINK = ".rclonelink"
RESTORE_NOTE = "RESTORE.md"
"""Below the prefix: how to get everything back without this program."""
MARKER = ".glacier-backup"
"""In the root of a directory: what tells it from a mount point without its disk."""
LONGEST_KEY = 1024

_EXTENSION = re.compile(r".+(\.[A-Za-z0-9]{1,8})", re.DOTALL)
_ROOT = re.compile(r"(?:sftp://[^/]+)?")
"""Of this machine or a server, without the slash that it ends in."""
_ON_SERVER = re.compile(r"sftp://(?:[^/@]*@)?(?:\[([^\]/]*)\]|([^/:\[]*))(?::[0-9]+)?(/.*)", re.DOTALL)

TIME = r"[0-9]{8}T[0-9]{6}\.[0-9]{6}Z"
_ALIAS = r"[a-z0-9]{26}"
TIMED = rf"{TIME}(?:\.[A-Za-z0-9]{{1,8}}|{PARITY_VOLUME})*"
"""For patterns of names: an archive, or an object of one, that is called by its time; and what lies beside it."""
HIDDEN = rf"{_ALIAS}{OBJECT}"
"""The same of what is called by a random name."""
_GROUP = r"~pack-[0-9a-f]{12}"
_PREFIXED = r"\*~[0-9]*\.zip"
_PACK = re.compile(_GROUP)
_WHOLE_PREFIXED = re.compile(rf"{_PREFIXED}\Z")
_TAKEN = re.compile(
    rf"(?:\.rclonelink|(?:\A\.?|~){TIMED}|\A\.?{HIDDEN}(?:\.sha256)?|\Aidentity-[0-9a-f]{{16}}\.age"
    rf"|\A{_GROUP}|{_PREFIXED})~*\Z"
)
"""What ends like a link, a version or a manifest, or is called like an archive, whole or on its way, like an identity
or a group, whatever number of ``~`` follows."""

GROUPED = re.compile(rf"(?:\A{_GROUP}|{_PREFIXED})~*\Z")
"""What is called like a group, whatever number of ``~`` follows."""

DATASETS = re.compile(rf"\A(?:{'|'.join(SCHEMES)}):~*\Z")
"""What is called like the first component of the keys of datasets, below the host, whatever number of ``~`` follows."""

TOPMOST = re.compile(rf"\A(?:{re.escape(RESTORE_NOTE)}|{re.escape(MARKER)})~*\Z")
_CATALOG = re.compile(rf"[^/]+/\.catalog/{TIME}\.sqlite3\.gz(?:\.(?:zst|gz|age|gpg|enc)){{0,3}}")
_WHOLE_ALIAS = re.compile(_ALIAS)

_VERSION_BYTES = len("~20260321T040000.123456Z")
_BESIDE_BYTES = 24
"""What names of files beside a version may have more: ``.recipe.json``, and ``.`` and ``.partial`` around that."""


def archive_name(path: str, container: Container, kind: Kind) -> str:
    """What the archive of the candidate at ``path`` is called."""
    if kind == "group":
        if container == "zip":
            return stored_name(path)
        return f"{stored_name(section_of(path)).replace(' ', '_')}.pack.{container}"
    name = stored_name(path)
    if kind in ("directory", "dataset"):
        name = name.replace(" ", "_")
    return name if container == "raw" else f"{name}.{container}"


def stored_name(path: str) -> str:
    """What the candidate at ``path`` is called inside its archive."""
    name = dataset_of(path)[1] if is_dataset_path(path) else path
    return name.rpartition("/")[2] or "root"


def group_path(section: str, digest: str) -> str:
    """What a group of files of ``section`` is called; ``digest`` is that of its contents."""
    return f"{section.rstrip('/')}/~pack-{digest[:12]}"


def tree_top(host: str, section: str, layout: Layout) -> str:
    """What keys in the whole tree ``section`` have in front of a name below it, without the slash, and before anything
    is cut or told apart; empty where that is nothing. Raises ValueError for what :func:`key` refuses."""
    return "/".join(checked(host, section)) if layout == "host" else ""


def prefix_group_path(section: str, prefix: str, number: int = 1) -> str:
    """What a group is called that goes by ``prefix``, which may end within a name; ``number``, from 1, tells those of
    one prefix apart."""
    return f"{section.rstrip('/')}/{prefix}*~{number if number > 1 else ''}.zip"


def section_of(group: str, depth: int = 1) -> str:
    """Where the files of a group lie, by its path; ``depth`` as :attr:`Contents.depth`."""
    above = group.rsplit("/", depth)[0]
    return f"{above}/" if _ROOT.fullmatch(above) else above


def is_group_path(path: str) -> bool:
    """Whether :func:`group_path` makes such ones."""
    return _PACK.fullmatch(path.rpartition("/")[2]) is not None


def is_prefix_group_path(path: str) -> bool:
    """Whether :func:`prefix_group_path` makes such ones."""
    return _WHOLE_PREFIXED.search(path) is not None


def key(label: Label) -> str:
    """The key of an archive, or of one of its objects; unique to its host, path, time and suffix, or to its alias; room
    for the manifest's suffix is left.

    Raises ValueError for a host or a path with components that are empty, ``.`` or ``..``, for a relative path, and for
    an alias that is none, and for a path of a dataset whose archive is none, or the other way round.
    """
    return base_key(label) + label.suffix


def base_key(label: Label) -> str:
    """What the keys of all objects of an archive begin with; behind it comes the suffix. As :func:`key`.

    A label that has a fixed key has that.
    """
    if label.alias is not None:
        if not _WHOLE_ALIAS.fullmatch(label.alias):
            raise ValueError(f"no key can be made of the alias {label.alias!r}")
        return f"{label.alias[:2]}/{label.alias}"
    if label.fixed_key is not None:
        return label.fixed_key
    host, *names = checked(label.host, label.path)
    if is_dataset(label) != is_dataset_path(label.path):
        raise ValueError(f"no key can be made of {label.path!r}, which is said to be a {label.kind}")
    names = names if is_dataset(label) else _beside_datasets(names)
    if names and label.kind != "group" and GROUPED.search(names[-1]):
        names[-1] += "~"
    host, *above = (component(name) for name in (host, *names))
    host = _topmost(host)
    file = stamp(label.time) + increment_mark(label.link)
    file += extension(label.path) if label.container == "raw" else f".{label.container}"
    whole = "/".join([host, *above, file])
    room = LONGEST_KEY - len(MANIFEST) - (LONGEST_SUFFIX if label.suffix else 0)
    if size(whole) <= room:
        return whole
    room -= size(f"{host}/{file}") + 1 + MARK_BYTES
    fit = sum(length <= room for length in accumulate(size(name) + 1 for name in above))
    return "/".join([host, *above[:fit], mark(label.path), file])


def has_own_key(label: Label) -> bool:
    """Whether no other archive can ever have its key: it holds a time, or a random name. A file of a tree has one that
    is used again."""
    return label.alias is not None or label.fixed_key is None


def is_object(label: Label) -> bool:
    """Whether it is that of one of several objects, each of which is whole by itself, rather than of an archive that is
    one, and whole with its manifest."""
    return label.volume > 0 or label.role != "data"


def manifest_key(key: str) -> str:
    """Where the manifest of the archive with this key lies."""
    return key + MANIFEST


def tree_key(
    host: str, path: str, section: str, layout: Layout = "host", kind: Kind = "file", *, sealed: bool = False
) -> str:
    """The key of a file, of a link, or of a group that goes by a prefix, of the whole tree below ``section``, whose
    seal has its suffix behind that; room for a version's time, the manifest's suffix and, where it is ``sealed``, the
    seal's is left.

    Raises ValueError for what :func:`key` refuses, and for a path that isn't below the section.
    """
    server, *names = checked(host, path)
    above = section.rstrip("/") + "/"
    if not path.startswith(above) or path == above:
        raise ValueError(f"{path} is not below {section}")
    if layout == "relative":
        names = path.removeprefix(above).split("/")
    start = [_topmost(component(server))] if layout == "host" else []
    names = _beside_datasets(names)
    inner = [component(_told_apart(name, sealed)) for name in names[:-1]]
    longest = LONGEST_COMPONENT - (_VERSION_BYTES + LONGEST_SUFFIX if sealed else 0)
    end = _end(names[-1], kind, longest, sealed)
    if not start:
        first, *rest = [*inner, end]
        *inner, end = [_topmost(first), *rest]
    whole = "/".join([*start, *inner, end])
    room = LONGEST_KEY - len(MANIFEST) - _VERSION_BYTES - (LONGEST_SUFFIX if sealed else 0)
    if size(whole) <= room:
        return whole
    room -= size("/".join([*start, end])) + 1 + MARK_BYTES
    fit = sum(length <= room for length in accumulate(size(name) + 1 for name in inner))
    return "/".join([*start, *inner[:fit], mark("/".join(names)), end])


def version_key(key: str, time: datetime) -> str:
    """The key of what a file of a tree has become, where the destination keeps no versions and the first one stays.

    ``key`` is that of :func:`tree_key`, with or without a prefix; ``time`` that of the archive. A name that leaves no
    room for it, and for what lies beside the version, is cut. The suffix of a seal comes behind it.
    """
    folder, slash, name = key.rpartition("/")
    longest = LONGEST_COMPONENT - _VERSION_BYTES - _BESIDE_BYTES
    if size(name) > longest:
        name = cut(name, longest - MARK_BYTES) + mark(name)
    return f"{folder}{slash}{name}~{stamp(time)}"


def tree_manifest_key(key: str, time: datetime) -> str:
    """Where the manifest of a file of a tree lies, whether it was stored under ``key`` or as a version of that."""
    return manifest_key(version_key(key, time))


def catalog_key(host: str, time: datetime, suffix: str = "") -> str:
    """The key of a copy of the catalog, with the suffix of its seal. Raises ValueError for a host that :func:`key`
    refuses."""
    (name,) = checked(host, "/")
    return f"{_topmost(component(name))}/.catalog/{stamp(time)}.sqlite3.gz{suffix}"


def is_catalog_copy(key: str) -> bool:
    """Whether this is the key, below the prefix, of a copy of the catalog of any host, sealed or not."""
    return _CATALOG.fullmatch(key) is not None


def identity_key(host: str, public_key: str) -> str:
    """The key of the identity file, encrypted with a password, that opens what was encrypted for ``public_key``. Raises
    ValueError for a host that :func:`key` refuses."""
    (name,) = checked(host, "/")
    digest = hashlib.sha256(public_key.encode()).hexdigest()[:16]
    return f"{_topmost(component(name))}/.keys/identity-{digest}.age"


def path_on_server(path: str) -> str:
    """The server's own path of what lies at ``sftp://user@host:port/path``; other paths as they are."""
    return _located("", path)[1]


def _located(host: str, path: str) -> tuple[str, str]:
    match = _ON_SERVER.fullmatch(path)
    return (host, path) if match is None else (match[1] or match[2] or "", match[3])


def checked(host: str, path: str) -> list[str]:
    """Host and components of the path. Raises ValueError for what :func:`key` refuses."""
    host, path = _located(host, path)
    start, *names = _as_absolute(path).split("/")
    components = [host, *([] if path == "/" else names)]
    if start or not names or any(name in ("", ".", "..") or "\0" in name for name in components) or "/" in host:
        raise ValueError(f"no key can be made of host {host!r} and path {path!r}")
    return components


def _as_absolute(path: str) -> str:
    """With the components that its key has: of a dataset its scheme is the first."""
    if not is_dataset_path(path):
        return path
    scheme, name = dataset_of(path)
    return f"/{scheme}:/{name}"


def _beside_datasets(names: list[str]) -> list[str]:
    """The components of what is no dataset, with one ``~`` more behind the first if that could be taken for one's."""
    return [f"{names[0]}~", *names[1:]] if names and DATASETS.search(names[0]) else names


def _told_apart(name: str, sealed: bool) -> str:
    """``name``, with one ``~`` more if it could be taken for something that is no file or directory of that name."""
    return f"{name}~" if is_taken(name, sealed) else name


def is_taken(name: str, sealed: bool) -> bool:
    """Whether a file or directory of a tree that is called so has one ``~`` more, so as not to be taken for something
    else."""
    return _TAKEN.search(name) is not None or (sealed and ends_like_one(name))


def _topmost(name: str) -> str:
    """The first component of a key, with one ``~`` more if it could be taken for what lies besides archives."""
    return f"{name}~" if TOPMOST.search(name) else name


def _end(name: str, kind: Kind, longest: int, sealed: bool) -> str:
    if kind == "link":
        return _link(name, longest)
    is_group = kind == "group" and is_prefix_group_path(name)
    return component(name if is_group else _told_apart(name, sealed), longest)


def _link(name: str, longest: int) -> str:
    return component(name, longest - len(LINK)) + LINK


def extension(path: str) -> str:
    match = _EXTENSION.fullmatch(stored_name(path))
    return match[1] if match else ""
