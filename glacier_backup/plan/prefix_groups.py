"""Small files of one whole tree, gathered while it is walked, and put together by the prefixes of their keys.

A file is a piece of bytes: its key, and behind that the other fields of a row of :class:`Contents`. Most are such a row
as they are. The pieces are put in order, on disk where there are many, and read twice: to see which of them go
together, and to make the groups, of which only those are in memory whose files haven't all come yet.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from itertools import count, islice
from typing import NamedTuple

from glacier_backup.model.candidate import Candidate, Fingerprint
from glacier_backup.model.contents import ContentsMaker, Row
from glacier_backup.model.filters import Prefixing
from glacier_backup.model.naming import Layout, is_prefix_group_path, prefix_group_path, tree_key, tree_top
from glacier_backup.ordering import Ordering
from glacier_backup.plan.group_parts import MOST_FILES
from glacier_backup.plan.prefix_sweep import Assigned, assigned, sortable, unsortable

_FIELDS = 8
"""Of a piece: key, type, size, time, key if that isn't the name, mode, nothing, and the name if that isn't the key."""

_HIGHEST = 10**7 - 1
"""There is room in a name for the number of so many groups of one prefix."""


class Tree(NamedTuple):
    """The section that the files are of, as its groups have to know it."""

    path: str
    host: str
    keys: Layout = "host"
    compare: bool = True
    follow: bool = False
    """Whether a symlink stands for what it leads to."""
    origin: str = ""


class PrefixGroups:
    """The groups of one section in the making; takes files in any order, all before the groups are asked for.

    The same files give the same groups. Each group is a candidate, whose files are in the order of the bytes of their
    keys; one comes when its last file has come, so those with longer prefixes come before those with shorter ones.
    """

    def __init__(self, tree: Tree, prefixing: Prefixing, most_files: int = MOST_FILES) -> None:
        self._tree = tree
        self._prefixing = prefixing
        self._most_files = most_files
        self._pieces = Ordering()
        self._naming = _Naming(tree)
        self._called: set[str] = set()
        """Files that are called as groups are, by their names."""

    def beside(self, name: str) -> None:
        """There is a file, or link, of that name below the section: no group is called so. Also to be told of those
        that are added."""
        if name.endswith(".zip") and is_prefix_group_path(name):
            self._called.add(name)

    def add(self, name: str, key: str, seen: Fingerprint) -> None:
        """One file, or link, as the walk has ``seen`` it: its name below the section, and what filters have made of
        that, which is empty where they have made nothing. Raises ValueError for a name, or key, that no file can have,
        and for what is no file of a whole tree."""
        kind, size, mtime_ns = seen.digest.split(" ")
        mode = "" if seen.mode is None else seen.mode
        try:
            if key:
                raise UnicodeError
            piece = f"{name}\0{kind[0]}\0{size}\0{mtime_ns}\0\0{mode}\0\0".encode()
        except UnicodeError:
            piece = _extraordinary(name, key, f"{kind[0]}\0{size}\0{mtime_ns}", f"{mode}")
        if piece.count(b"\0") != _FIELDS - 1:
            raise ValueError("a path holds no NUL")
        self._pieces.add(piece)

    def groups(self, holding: Collection[str] | None = None) -> Iterator[Candidate]:
        """All, or those that have any of the files of these names. To be asked for once."""
        made = assigned(map(_sized, self._pieces), self._prefixing, self._naming.fits, self._most_files)
        wanted = None if holding is None else self._wanted(made, holding)
        waiting: dict[int, list[bytes]] = {}
        for piece, group in zip(self._pieces, made.group, strict=True):
            if wanted is not None and group not in wanted:
                continue
            pieces = waiting.setdefault(group, [])
            pieces.append(piece)
            if len(pieces) == made.files[group]:
                yield self._group(waiting.pop(group), made.depth[group], made.part[group])

    def _wanted(self, made: Assigned, holding: Collection[str]) -> set[int]:
        names = {name.encode("utf-8", "surrogateescape") for name in holding}
        return {group for piece, group in zip(self._pieces, made.group, strict=True) if _name(piece) in names}

    def _group(self, pieces: list[bytes], depth: int, part: int) -> Candidate:
        prefix = unsortable(pieces[0][:depth])
        contents = _contents(pieces).made(follow=self._tree.follow, prefix=prefix, top=self._naming.top)
        tree = self._tree
        path = prefix_group_path(tree.path, prefix, self._number(prefix, part))
        return Candidate(path, "group", tree.path, tree.compare, tree.origin, contents=contents)

    def _number(self, prefix: str, part: int) -> int:
        """Of the numbers that no file's name has the one that stands at that place."""
        if not self._called:
            return part
        free = (one for one in count(1) if prefix_group_path("", prefix, one)[1:] not in self._called)
        return next(islice(free, part - 1, None))


class _Naming:
    """What groups of a tree are called at their destinations."""

    def __init__(self, tree: Tree) -> None:
        """Raises ValueError for a host that no key can have."""
        self._tree = tree
        self.top = tree_top(tree.host, tree.path, tree.keys)
        self._end = self._key("")
        self._start = self._end.removesuffix(prefix_group_path("", "", _HIGHEST).lstrip("/"))

    def fits(self, prefix: bytes) -> bool:
        """Whether the key of its group is made of the prefix as it is: nothing is cut in it or told apart, nor would be
        if a seal had its suffix behind it."""
        text = unsortable(prefix)
        try:
            return self._key(text) == self._start + prefix_group_path("", text, _HIGHEST)[1:]
        except ValueError:
            return False

    def _key(self, prefix: str) -> str:
        tree = self._tree
        path = prefix_group_path(tree.path, prefix, _HIGHEST)
        return tree_key(tree.host, path, tree.path, tree.keys, "group", sealed=True)


def _extraordinary(name: str, key: str, look: str, mode: str) -> bytes:
    """The piece of a file whose key isn't its name, or isn't the order in which it comes."""
    stored, own = key.encode("utf-8", "surrogateescape"), name.encode("utf-8", "surrogateescape")
    return b"%b\0%b\0%b\0%b\0\0%b" % (sortable(key or name), look.encode(), stored, mode.encode(), own)


def _sized(piece: bytes) -> tuple[bytes, int]:
    key, _, size, _ = piece.split(b"\0", 3)
    return key, int(size)


def _name(piece: bytes) -> bytes:
    fields = piece.split(b"\0")
    return fields[-1] or fields[0]


def _contents(pieces: Sequence[bytes]) -> ContentsMaker:
    maker = ContentsMaker()
    if not all(piece.endswith(b"\0") for piece in pieces):
        pieces = sorted(pieces, key=_stored)
    for piece in pieces:
        key, _, size, mtime_ns, _, mode, _, name = piece.split(b"\0")
        end = len(piece) - len(name) - len(mode) - 2
        look = name + piece[len(key) : end] if name else piece[:end]
        maker.add(Row(look, b"%b\0\0" % mode), int(size), int(mtime_ns))
    return maker


def _stored(piece: bytes) -> bytes:
    """What it is called in the archive."""
    key, _, _, _, stored, _, _, name = piece.split(b"\0")
    return stored or name or key
