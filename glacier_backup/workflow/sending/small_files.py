"""Small files of whole trees on their way into groups that go by a prefix.

All of a section are gathered before the first group comes, at every run, also of what was sent: which of them go
together depends on all. Somebody who names one of them gets the group that it is in, as the tree has it now.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Container, Iterable, Iterator, Sequence
from dataclasses import replace
from itertools import groupby
from operator import attrgetter
from typing import NamedTuple

from glacier_backup.model.candidate import Candidate, Resolved
from glacier_backup.model.filters import Prefixing
from glacier_backup.model.tree_sizes import NO_FILES, Sized, TreeSizes
from glacier_backup.plan.prefix_groups import PrefixGroups, Tree
from glacier_backup.resolve.source import Selection, TreeRules

_MOST_BITS = 65
"""Of a size; of none there are 0."""

Keyed = Callable[[Iterable[Resolved]], Iterable[Resolved]]
"""The same with their keys."""


class _Met:
    """How large the files of one section are."""

    def __init__(self, selection: Selection) -> None:
        self._selection = selection
        self._files = [0] * _MOST_BITS
        self._bytes = [0] * _MOST_BITS
        self.small = NO_FILES
        self.groups = 0

    def counted(self, found: Iterable[Resolved]) -> Iterator[Resolved]:
        """``found``, of which files are counted as they pass by."""
        files, sizes = self._files, self._bytes
        for one in found:
            if isinstance(one, Candidate) and (seen := one.seen) is not None:
                bits = seen.bytes.bit_length()
                files[bits] += 1
                sizes[bits] += seen.bytes
            yield one

    def grouped(self, groups: Iterable[Candidate]) -> Iterator[Candidate]:
        """``groups``, counted likewise."""
        for one in groups:
            if one.contents is not None:
                self.small = Sized(self.small.files + len(one.contents), self.small.bytes + one.contents.bytes)
                self.groups += 1
            yield one

    def sizes(self) -> TreeSizes:
        """As far as they have passed by."""
        one = self._selection
        prefixing = None if one.tree is None else one.tree.prefixing
        sizes = [Sized(files, size) for files, size in zip(self._files, self._bytes, strict=True)]
        while sizes and not sizes[-1].files:
            sizes.pop()
        below = None if prefixing is None else prefixing.below
        return TreeSizes(one.path, one.destinations, tuple(sizes), below, self.small, self.groups)


class _Grouped(NamedTuple):
    """One section whose small files are put together."""

    selection: Selection
    rules: TreeRules
    prefixing: Prefixing

    def groups(self, host: str, *, compare: bool) -> PrefixGroups:
        one, rules = self.selection, self.rules
        tree = Tree(one.path, host, rules.keys, compare, rules.symlinks == "follow", one.origin)
        return PrefixGroups(tree, self.prefixing)

    def gathered(self, found: Iterable[Resolved], groups: PrefixGroups) -> Iterator[Resolved]:
        """Those that aren't small; all others have gone into ``groups`` when this ends."""
        below, start, add = self.prefixing.below, len(self.selection.path.rstrip("/")) + 1, groups.add
        for one in found:
            if one.path.endswith(".zip"):
                groups.beside(one.path[start:])
            if isinstance(one, Candidate) and (seen := one.seen) is not None and seen.bytes < below:
                add(one.path[start:], one.key, seen)
            else:
                yield one


class SmallFiles:
    """Those of one plan."""

    def __init__(
        self,
        selections: Sequence[Selection],
        host: str,
        resolve: Callable[[Selection], Iterable[Resolved]],
        keyed: Keyed,
        group_keyed: Callable[[Candidate], Resolved],
    ) -> None:
        """``resolve`` walks a tree once more that somebody has named files of; ``group_keyed`` is what filters make of
        a group."""
        self._host = host
        self._resolve = resolve
        self._keyed = keyed
        self._group_keyed = group_keyed
        around = [replace(one.within, origin=one.origin) for one in selections if one.within is not None]
        self._trees = {one.path: _Grouped(one, *rules) for one in (*selections, *around) if (rules := _rules(one))}
        self._named: dict[str, set[str]] = {}
        """By section that isn't walked: the paths in it that were named."""
        for one in selections:
            if one.within is not None:
                self._named.setdefault(one.within.path, set()).add(one.path)
        self._in_groups: dict[str, set[str]] = {}
        """Likewise: those of them that are in groups."""
        self._met = {one.path: _Met(one) for one in selections if one.is_tree and not _packs(one)}

    def sizes(self) -> tuple[TreeSizes, ...]:
        """Of each section that could have groups, once all that was found has been put together."""
        return tuple(one.sizes() for one in self._met.values())

    def put_together(self, found: Iterable[Resolved]) -> Iterator[Resolved]:
        """``found`` with groups in place of small files, behind all else of their section."""
        if not self._trees and not self._met:
            yield from found
            return
        for section, own in groupby(found, attrgetter("section")):
            tree, met = self._trees.get(section), self._met.get(section)
            if tree is not None and section in self._named:
                yield from self._of_named(tree, own)
            elif met is not None:
                yield from self._of_tree(tree, met, met.counted(own))
            else:
                yield from own

    def _of_tree(self, tree: _Grouped | None, met: _Met, found: Iterable[Resolved]) -> Iterator[Resolved]:
        if tree is None:
            yield from found
            return
        groups = tree.groups(self._host, compare=tree.selection.compare)
        yield from tree.gathered(found, groups)
        yield from map(self._group_keyed, met.grouped(groups.groups()))

    def _of_named(self, tree: _Grouped, named: Iterable[Resolved]) -> Iterator[Resolved]:
        """What was named and is in no group is sent by itself, such as a file that the tree leaves out."""
        path, below = tree.selection.path, tree.prefixing.below
        for one in named:
            if not isinstance(one, Candidate) or one.seen is None or one.seen.bytes >= below:
                yield one
                continue
            if path not in self._in_groups:
                yield from self._groups_of_named(tree)
            if one.path not in self._in_groups[path]:
                yield one

    def _groups_of_named(self, tree: _Grouped) -> Iterator[Resolved]:
        path = tree.selection.path
        wanted, found = self._named[path], self._in_groups.setdefault(path, set())
        groups = tree.groups(self._host, compare=True)
        walked = self._keyed(self._resolve(tree.selection))
        deque(tree.gathered(_noting(walked, wanted, found), groups), maxlen=0)
        start = len(path.rstrip("/")) + 1
        yield from map(self._group_keyed, groups.groups({one[start:] for one in found}))


def _rules(selection: Selection) -> tuple[TreeRules, Prefixing] | None:
    rules = selection.tree if selection.is_tree else None
    return None if rules is None or rules.prefixing is None else (rules, rules.prefixing)


def _packs(selection: Selection) -> bool:
    return selection.tree is not None and selection.tree.pack_size is not None


def _noting(found: Iterable[Resolved], wanted: Container[str], there: set[str]) -> Iterator[Resolved]:
    """``found``, while those that are ``wanted`` are noted."""
    for one in found:
        if one.path in wanted and isinstance(one, Candidate):
            there.add(one.path)
        yield one
