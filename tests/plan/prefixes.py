"""Small files put together by their prefixes, and a plain model of which of them go together."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import NamedTuple

from glacier_backup.model.filters import GroupNames, Prefixing
from glacier_backup.model.naming import Layout, prefix_group_path
from glacier_backup.model.tree_digest import tree_fingerprint
from glacier_backup.plan.group_parts import MOST_FILES
from glacier_backup.plan.prefix_groups import PrefixGroups, Tree

SECTION = "/home/me/tree"


class Zip(NamedTuple):
    """One group."""

    files: tuple[str, ...]
    """Their names, in order."""
    size: int


def zips(
    files: Mapping[str, int],
    below: int,
    names: GroupNames = "root",
    *,
    most: int | None = None,
    most_files: int = MOST_FILES,
    keys: Layout = "host",
) -> dict[str, Zip]:
    """By their names below the section. ``files`` are sizes by name; those that aren't small are left out."""
    groups = PrefixGroups(Tree(SECTION, "host", keys), Prefixing(below, names, most), most_files)
    for name, size in files.items():
        if size < below:
            groups.add(name, "", tree_fingerprint("file", size, 1_700_000_000_000_000_000))
    found = [(one.path, one.contents) for one in groups.groups() if one.contents is not None]
    made = {
        path.removeprefix(f"{SECTION}/"): Zip(tuple(held.name for held in contents), contents.bytes)
        for path, contents in found
    }
    assert len(made) == len(found), "two groups have one name"
    return made


def modelled(files: Mapping[str, int], below: int) -> dict[str, set[str]]:
    """The prefix of each group and what is in it, as the rules have it, with a set for each node of the whole trie."""
    at = {name[:-1]: set[str]() for name, size in files.items() if size < below}
    for name, size in files.items():
        if size < below:
            at[name[:-1]].add(name)
    nodes = {prefix for prefix in _prefixes(at) if prefix in at or len(_branches(prefix, at)) > 1} | {""}
    waiting = {prefix: set(at.get(prefix, ())) for prefix in nodes}
    groups: dict[str, set[str]] = {}
    for prefix in sorted(nodes - {""}, key=len, reverse=True):
        if sum(files[name] for name in waiting[prefix]) >= below:
            groups[prefix] = waiting[prefix]
        else:
            waiting[max((one for one in _shorter(prefix) if one in nodes), key=len)] |= waiting[prefix]
    return groups | ({"": waiting[""]} if waiting[""] else {})


def _prefixes(texts: Iterable[str]) -> set[str]:
    return {one for text in texts for one in (*_shorter(text), text)}


def _shorter(text: str) -> list[str]:
    return [text[:length] for length in range(len(text))]


def _branches(prefix: str, texts: Iterable[str]) -> set[str]:
    return {text[len(prefix)] for text in texts if text.startswith(prefix) and text != prefix}


def found_by_key(key: str, made: Mapping[str, Zip]) -> tuple[str, ...]:
    """What is in the first ZIP, or all with its name and a number, that there is when characters are left out at the
    end of the key, one at least."""
    for length in range(len(key) - 1, -1, -1):
        number, names = 1, list[str]()
        while (one := made.get(prefix_group_path("", key[:length], number)[1:])) is not None:
            names += one.files
            number += 1
        if number > 1:
            return tuple(names)
    return ()
