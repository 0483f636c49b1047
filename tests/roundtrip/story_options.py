"""What the section of a tree says that changes between runs."""

from __future__ import annotations

from typing import Literal, NamedTuple

BELOW = 2_000
"""Bytes: where small files go together, smaller ones do."""


class Options(NamedTuple):
    """What the section says in a run."""

    small: str = "prefix"
    """How small files go together: by ``prefix``, with leftovers at the ``root``, in a ``pack``, as a ``filter``
    says; else ``alone``."""
    most: str = "none"
    expire: bool = False
    compare: str = "size, mtime"
    seal: str = ""
    """Lines of it, too."""
    keep_versions: bool = True
    no_temporary: bool = False
    """A filter leaves out names that end in ``.tmp``."""
    renaming: bool = False
    """A filter makes other keys of those that begin with ``c/``."""
    symlinks: Literal["store", "follow", "skip"] = "store"
    limit: int | None = None
    """So many are sent by a run in front of the run, that makes it good; where what was deleted is put away."""

    @property
    def lines(self) -> str:
        filters = [r"key_sub '^.*\.tmp$' ''"] if self.no_temporary else []
        together = {
            "pack": ["pack_size = 1 MiB"],
            "prefix": [f"group_files_smaller_than = {BELOW}"],
            "root": [f"group_files_smaller_than = {BELOW}", "group_names = root"],
            "filter": [],
            "alone": [],
        }[self.small]
        if self.renaming:
            filters.append("key_sub '^c/' other/")
        if self.small == "filter":
            filters.append(f"group {BELOW}")
        lines = ["upload_tree = yes", f"compare = {self.compare}", f"symlinks = {self.symlinks}", *together]
        if self.small in ("prefix", "root", "filter"):
            lines.append(f"group_max = {self.most}")
        if self.expire:
            lines += ["deleted = expire", "max_delete = none"]
        if not self.keep_versions:
            lines.append("keep_versions = no")
        if filters:
            lines += ["filters =", *(f"    {one}" for one in filters)]
        return "".join(f"{one}\n" for one in lines) + self.seal
