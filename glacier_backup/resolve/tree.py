"""What of a whole tree its section leaves out, and what it leaves to other sections."""

from __future__ import annotations

from typing import Literal

from glacier_backup.model.naming import path_on_server
from glacier_backup.resolve.exclusion import Excluding
from glacier_backup.resolve.source import Selection


class TreeSection:
    """The rules of one section, as a walk through it asks for them. Paths are as candidates have them."""

    def __init__(self, selection: Selection) -> None:
        """Raises ValueError for a section that is no tree."""
        if selection.tree is None:
            raise ValueError(f"{selection.path} is not looked after as a whole tree")
        self.path = selection.path
        self.compare = selection.compare
        self.symlinks = selection.tree.symlinks
        self._excluding = Excluding(selection) if selection.exclude or selection.exclusion else None
        self._url = len(selection.path) - len(path_on_server(selection.path))
        self._subtrees = {self._normal(one): one for one in reversed(selection.tree.exclude_paths) if one}
        self._others = {one.path.rstrip("/"): one for one in selection.tree.elsewhere}
        self._excluding_of = {path: Excluding(one) for path, one in self._others.items()}
        self._above_others = {path.rpartition("/")[0] for path in self._others}

    @property
    def excludes(self) -> bool:
        """Whether anything can be left out at all."""
        return bool(self._subtrees) or self._excluding is not None

    def excluded_by(self, name: bytes, path: str, *, is_dir: bool) -> str | None:
        """The entry of ``exclude_paths``, or other rule, that leaves out the file or directory of that name."""
        pattern = self.subtree(path)
        if pattern is not None or self._excluding is None:
            return pattern
        return self._excluding.by(name.decode("utf-8", "surrogateescape"), path, is_dir=is_dir)

    def subtree(self, path: str) -> str | None:
        """The entry of ``exclude_paths`` that is ``path``."""
        return self._subtrees.get(path[self._url :]) if self._subtrees else None

    def sends_as(self, path: str, *, is_link: bool, leads_to: str | None) -> Literal["file", "link"] | None:
        """What becomes of a path in the tree that somebody has named, whatever the section leaves out; None for what it
        doesn't send: a directory, what is neither, a link that it skips, and what is another section's.

        ``leads_to`` is ``file`` or ``directory``, the type of what the path is or points to; None for all else.
        """
        if leads_to is None and not is_link:
            return None
        if (is_link and self.symlinks == "skip") or self.is_sent_by_another(path, leads_to or "link"):
            return None
        if is_link and self.symlinks == "store":
            return "link"
        return "file" if leads_to == "file" else None

    def reaches(self, path: str, real_section: str, real_folder: str) -> bool:
        """Whether a walk comes by the directory that ``path`` lies in, of which this is the real path, as well as of
        the section: not where it takes following a link, and links aren't followed."""
        inside = path.rpartition("/")[0][len(self.path.rstrip("/")) :]
        return self.symlinks == "follow" or (real_folder or "/") == (f"{real_section.rstrip('/')}{inside}" or "/")

    def is_shared(self, directory: str) -> bool:
        """Whether another section may send something that lies directly in it."""
        folder = directory.rstrip("/")
        return folder in self._above_others or folder in self._others

    def leaves_subtree(self, directory: str) -> bool:
        """Whether the directory is a whole tree of its own."""
        own = self._others.get(directory)
        return own is not None and own.is_tree

    def is_sent_by_another(self, path: str, leads_to: str) -> bool:
        """Whether a file or link is a candidate of another section: of its own, or of the directory's.

        ``leads_to`` is the type of what the path is or points to; ``link`` for one that points to nothing.
        """
        folder, _, name = path.rpartition("/")
        own, around = self._others.get(path), self._others.get(folder)
        if own is not None and (leads_to == "file" or (leads_to == "directory" and (own.single_dir or own.is_tree))):
            return True
        if around is None or around.single_dir or around.is_tree:
            return False
        wanted = around.files if leads_to == "file" else around.dirs and leads_to == "directory"
        excluding = self._excluding_of[folder]
        # A directory that comes here is one that a link leads to.
        types = (False, True) if leads_to == "directory" else (False,)
        return wanted and all(excluding.by(name, path, is_dir=is_dir) is None for is_dir in types)

    def _normal(self, pattern: str) -> str:
        """The absolute path that a pattern names; on a server without the URL."""
        start = path_on_server(self.path)
        path = path_on_server(pattern)
        whole = path if path.startswith("/") else f"{start}/{path}"
        return "/" + "/".join(name for name in whole.split("/") if name not in ("", "."))
