"""What a locator alone tells of what is stored there: pure decisions.

Names of archives tell all that matters. Files of trees have nothing but their own names, so that it takes some
knowledge of what was sent there to tell them from what somebody else has put there.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Collection
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import NamedTuple

from glacier_backup.model.archive import Label
from glacier_backup.model.key_reading import is_beside_archives, label_of_key, private_label_of_key
from glacier_backup.model.naming import PrivateLabel, ShortenedLabel, archive_name, parse_description
from glacier_backup.model.prefix_group import in_section, is_prefix_group
from glacier_backup.model.suffixes import split_suffix
from glacier_backup.model.thaw import Stored
from glacier_backup.units import parse_stamp

_VERSION = re.compile(r"(.+)~([0-9]{8}T[0-9]{6}\.[0-9]{6}Z)", re.DOTALL)


class Key(NamedTuple):
    """A locator, as a name."""

    locator: str
    """Without a version: what the destination's ``describe`` says of the label."""
    key: str
    """Below the prefix, as :mod:`glacier_backup.model.naming` makes it."""


KeyOf = Callable[[str], Key | None]
"""From a locator; None in a vault, where locators are no names."""


@dataclass(frozen=True, slots=True)
class Around:
    """What the configuration tells, where a place says too little."""

    hosts: Collection[str] = frozenset()
    """Whose files may be there as they are, as those of whole trees at directories and servers."""
    sections: Collection[str] = ()
    """Their paths."""
    trees: Collection[str] = ()
    """Paths of the sections that are whole trees."""
    sealed: Collection[str] = ()
    """Those of them that are sealed: what looks like a seal's suffix behind the name of a file there is one."""
    relative: str | None = None
    """The one section whose files are stored under keys that begin below it; None where there is none, or several."""
    host: str = ""
    """That what has no host in its key came from."""
    whole_path: Callable[[ShortenedLabel], str | None] = field(default=lambda label: None)
    """Of what was too long for a description; None where nothing tells."""


def is_beside(key: Key | None) -> bool:
    """Whether it is ours and no archive: the note how to restore, a copy of the catalog, an encrypted identity."""
    return key is not None and is_beside_archives(key.key)


def split_version(key: str) -> tuple[str, datetime | None]:
    """The key of the file of a tree that this is a version of, without the suffix of a seal, and when it was made; any
    other key as it is."""
    match = _VERSION.fullmatch(split_suffix(key)[0])
    if match is None:
        return key, None
    try:
        return match[1], parse_stamp(match[2])
    except ValueError:
        return key, None


def presumed(stored: Stored, key: Key | None, around: Around) -> Label | ShortenedLabel | None:
    """What the listing alone tells of an archive of ours, or of an object of one, for a first look at what it may be;
    None for what isn't, or for what only asking can tell."""
    if stored.description is not None and (told := parse_description(stored.description)) is not None:
        return unnamed(told, stored.stored_at) if isinstance(told, PrivateLabel) else told
    return None if key is None else label_told(stored, key, around)


def label_told(stored: Stored, key: Key, around: Around) -> Label | None:
    """What a key alone tells. What has no time in its key may be anybody's file: it counts where we know of its host,
    or of a section whose files are stored so."""
    if (private := private_label_of_key(key.key)) is not None:
        return unnamed(private, stored.stored_at)
    label = _told_by_key(stored, key, around)
    return label if label is None or not is_prefix_group(label) else _in_tree(label, around)


def _told_by_key(stored: Stored, key: Key, around: Around) -> Label | None:
    label = label_of_key(key.key, stored.stored_at)
    if label is not None and label.fixed_key is None:
        return _as_in_section(label, around)
    if label is not None and label.host in around.hosts:
        return _as_in_section(_as_sealed(stored, key, around) or label, around)
    if around.relative is not None:
        return _relative(stored, key, around.relative, around)
    return None if label is None or split_version(key.key)[1] is None else _as_in_section(label, around)


def _in_tree(label: Label, around: Around) -> Label:
    """A group in the tree that its files are of, as far as the configuration tells: the lowest one above."""
    if label.below:
        return label
    above = max((tree for tree in around.trees if _is_below(label.path, tree)), key=len, default=None)
    return label if above is None else in_section(label, above)


def unnamed(private: PrivateLabel, stored_at: datetime) -> Label:
    """What stands for an archive, or an object of one, whose name is hidden: nothing in it is real but what can be
    seen."""
    return Label(
        name=private.alias,
        path=f"(hidden name {private.alias})",
        host="",
        kind="file",
        container="raw",
        time=stored_at,
        recipe_id="",
        suffix=private.suffix,
        volume=private.volume,
        role=private.role,
        seal=private.seal,
        alias=private.alias,
    )


def _as_sealed(stored: Stored, key: Key, around: Around) -> Label | None:
    """What it is in a tree that is sealed; None where it is in none."""
    label = label_of_key(key.key, stored.stored_at, sealed=True)
    if label is None or not label.suffix:
        return None
    return label if any(_is_below(_as_in_section(label, around).path, tree) for tree in around.sealed) else None


def _is_below(path: str, section: str) -> bool:
    return path.startswith(f"{section.rstrip('/')}/")


def _relative(stored: Stored, key: Key, section: str, around: Around) -> Label | None:
    inner = label_of_key(f"x/{key.key}", stored.stored_at, sealed=section in around.sealed)
    if inner is None:
        return None
    path = section.rstrip("/") + inner.path
    name = archive_name(path, inner.container, inner.kind)
    fixed_key = key.key.removesuffix(inner.suffix) if inner.suffix else key.key
    found = replace(inner, path=path, name=name, host=around.host, fixed_key=fixed_key)
    return in_section(found, section, bare=True) if is_prefix_group(found) else found


def _as_in_section(label: Label, around: Around) -> Label:
    """Of what lay on a server the key has only the path there: a section that it lies in has the rest."""
    for section in around.sections:
        if not section.startswith("sftp://"):
            continue
        server, slash, rest = section.removeprefix("sftp://").partition("/")
        top = slash + rest
        below = label.path == top or _is_below(label.path, top)
        if below and label.host == _host_of(server):
            return replace(label, path=f"sftp://{server}{label.path}", host=around.host or label.host)
    return label


def _host_of(server: str) -> str:
    address = server.rpartition("@")[2]
    if address.startswith("["):
        return address[1:].partition("]")[0]
    return address.partition(":")[0]
