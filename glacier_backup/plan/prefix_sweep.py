"""Which small files go together by the prefixes of their keys.

A prefix is a group when the files below it that no longer prefix has taken add up to a threshold, and there all of them
stay; else they go on to the next shorter prefix that tells them from others, and in the end to the empty one, whose
group is what is left over. A file isn't below its own key, but below that without its last character, so that whoever
looks for it cuts its key by at least one character.

That is a trie of characters, of which only one branch exists at a time: keys come in order, neighbours say by what they
have in common where branches part, and files are numbers. So it takes time by the bytes of the keys, however long they
are, and twenty bytes of memory for each file.
"""

from __future__ import annotations

import zlib
from array import array
from collections.abc import Callable, Iterable
from itertools import chain, islice
from typing import NamedTuple

from glacier_backup.model.filters import Prefixing
from glacier_backup.plan.group_parts import MOST_FILES, Most, parts

_CONTINUES, _CONTINUED = 0xC0, 0x80
"""Bits of a byte, and what they are where it belongs to the character before (RFC 3629, section 3)."""

Fits = Callable[[bytes], bool]
"""Whether a prefix can be the name of a group."""


class Assigned(NamedTuple):
    """To which group each file belongs, by its number in the order of the keys. Groups have numbers, too."""

    group: array[int]
    """Of each file."""
    depth: array[int]
    """Of each group: how many bytes of its files' keys are its prefix."""
    part: array[int]
    """Of each group: which it is of those with its prefix, from 1."""
    files: array[int]
    """Of each group: how many it has."""


def sortable(key: str) -> bytes:
    """The key for a sweep: in the order of characters, none of which begins like another. Bytes that are no UTF-8 are
    characters of their own."""
    return key.encode("utf-8", "surrogatepass")


def unsortable(key: bytes) -> str:
    """The text again."""
    return key.decode("utf-8", "surrogatepass")


def assigned(
    files: Iterable[tuple[bytes, int]], prefixing: Prefixing, fits: Fits, most_files: int = MOST_FILES
) -> Assigned:
    """The groups of ``files``: the key of each as :func:`sortable` makes it, and its size in bytes, which is below the
    threshold. They come in the order of their keys, which are all different, and none is empty. Only the empty prefix
    isn't asked whether it ``fits``."""
    return _Sweep(prefixing, fits, most_files).run(files)


class _Node:
    """A prefix of the last key, and the files that have come down to it."""

    __slots__ = ("depth", "first", "ranges", "size")

    def __init__(self, depth: int) -> None:
        self.depth = depth
        self.size = 0
        """Bytes of the files."""
        self.ranges: list[int] = []
        """Their numbers: from, to behind, from, to behind, and so on."""
        self.first = b""
        """The key of the first of them."""

    def put(self, number: int, key: bytes, size: int) -> None:
        self.size += size
        ranges = self.ranges
        if ranges and ranges[-1] == number:
            ranges[-1] = number + 1
        else:
            self.first = self.first or key
            ranges += (number, number + 1)

    def take(self, other: _Node) -> None:
        """All of one that is deeper, and whose files come behind its own."""
        self.size += other.size
        if not self.ranges:
            self.first, self.ranges = other.first, other.ranges
        elif other.ranges and self.ranges[-1] == other.ranges[0]:
            self.ranges[-1] = other.ranges[1]
            self.ranges += other.ranges[2:]
        else:
            self.ranges += other.ranges


class _Sweep:
    def __init__(self, prefixing: Prefixing, fits: Fits, most_files: int) -> None:
        self._below = prefixing.below
        self._names = prefixing.names
        self._most = None if prefixing.most is None else Most(prefixing.most, most_files)
        self._fits = fits
        self._nodes = [_Node(0)]
        self._sizes = array("Q")
        self._marks = array("I")
        self._shared = array("I")
        """What the key of each has in common with the one before."""
        self._made = Assigned(array("I"), array("I"), array("I"), array("I"))

    def run(self, files: Iterable[tuple[bytes, int]]) -> Assigned:
        nodes, last, crc32 = self._nodes, b"", zlib.crc32
        add_size, add_mark, add_shared = self._sizes.append, self._marks.append, self._shared.append
        add_group = self._made.group.append
        for number, (key, size) in enumerate(files):
            above = len(key) - 1
            if key[above] >= _CONTINUED:
                above = _whole(key, above)
            shared = min(_in_common(last, key), above)
            if nodes[-1].depth > shared:
                self._leave(last, shared)
            if nodes[-1].depth < above:
                nodes.append(_Node(above))
            nodes[-1].put(number, key, size)
            add_size(size)
            add_mark(crc32(key))
            add_shared(shared)
            add_group(0)  # or another one, once that is known
            last = key
        return self._end(last)

    def _end(self, last: bytes) -> Assigned:
        self._leave(last, 0)
        (root,) = self._nodes
        if root.ranges:
            self._make(root, 0 if self._names == "root" else self._longest(root))
        return self._made

    def _leave(self, last: bytes, shared: int) -> None:
        """Go up to where the next key parts from the last one."""
        nodes = self._nodes
        while (node := nodes[-1]).depth > shared:
            nodes.pop()
            if node.size >= self._below and self._fits(last[: node.depth]):
                self._make(node, node.depth)
                continue
            if nodes[-1].depth < shared:
                nodes.append(_Node(shared))
            nodes[-1].take(node)

    def _longest(self, root: _Node) -> int:
        """Bytes of what the keys of all that is left over begin with, which has to be shorter than each of them."""
        first, between = root.first, self._shared[root.ranges[0] + 1 : root.ranges[-1]]
        # Of all keys in order only the first can be what all have in common.
        depth = min(_whole(first, len(first) - 1), min(between, default=len(first)))
        while depth and not self._fits(first[:depth]):
            depth = _whole(first, depth - 1)
        return depth

    def _make(self, node: _Node, depth: int) -> None:
        numbers = chain.from_iterable(map(range, node.ranges[::2], node.ranges[1::2]))
        for part, count in enumerate(self._parts(node), 1):
            group = len(self._made.depth)
            for number in islice(numbers, count):
                self._made.group[number] = group
            self._made.depth.append(depth)
            self._made.part.append(part)
            self._made.files.append(count)

    def _parts(self, node: _Node) -> list[int]:
        count, most = sum(node.ranges[1::2]) - sum(node.ranges[::2]), self._most
        if most is None or (node.size <= most.bytes and count <= most.files):
            return [count]
        numbers = [*chain.from_iterable(map(range, node.ranges[::2], node.ranges[1::2]))]
        return parts([self._sizes[one] for one in numbers], [self._marks[one] for one in numbers], most)


def _in_common(one: bytes, other: bytes) -> int:
    """Bytes that both begin with, and that are whole characters."""
    length = min(len(one), len(other))
    differs = int.from_bytes(one[:length]) ^ int.from_bytes(other[:length])
    length -= (differs.bit_length() + 7) // 8
    return _whole(other, length) if length < len(other) and other[length] >= _CONTINUED else length


def _whole(key: bytes, length: int) -> int:
    """``length``, or less if that is within a character."""
    while length < len(key) and key[length] & _CONTINUES == _CONTINUED:
        length -= 1
    return length
