"""Which whole tree a path belongs to."""

from __future__ import annotations

from collections.abc import Collection, Iterable


class Owners:
    """Of paths, by the whole trees that there are; those that come one after the other are mostly of one folder."""

    def __init__(self, trees: Collection[str], others: Iterable[str] = ()) -> None:
        """``others`` are the sections that are none: they have their direct children, or themselves."""
        self._trees = {tree.rstrip("/"): tree for tree in trees}
        self._others = {one.rstrip("/") for one in others}
        self._last = ("", "")
        """A folder, and its tree."""

    def tree_of(self, path: str) -> str:
        """The nearest tree at or above ``path``; empty where there is none."""
        own = self._trees.get(path.rstrip("/"))
        if own is not None:
            return own
        folder = path.rpartition("/")[0]
        if folder != self._last[0]:
            self._last = (folder, self._above(folder))
        return self._last[1]

    def owns(self, tree: str, path: str) -> bool:
        """Whether a file at ``path``, which may be no more, is one of that tree, and can't be another section's."""
        mine = self.tree_of(path) == tree and path.rstrip("/") != tree.rstrip("/")
        return mine and path not in self._others and path.rpartition("/")[0] not in self._others

    def _above(self, folder: str) -> str:
        while True:
            found = self._trees.get(folder)
            if found is not None or not folder:
                return found or ""
            folder = folder.rpartition("/")[0]
