"""Groups for tests: what a walk finds below a directory, and packers of it."""

from __future__ import annotations

import os
import stat
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from glacier_backup.model.archive import Container
from glacier_backup.model.candidate import Candidate
from glacier_backup.model.contents import Contents, Held, contents_of
from glacier_backup.model.recipe import Step
from glacier_backup.model.tree_digest import parse_tree_digest
from glacier_backup.pack.doubts import Doubts
from glacier_backup.pack.group import GroupPacker
from glacier_backup.pack.local_group import group_written_here
from glacier_backup.pack.packer import PackedStream, Packer
from glacier_backup.pack.zip import ZipPacker
from glacier_backup.resolve.local import LocalSource
from glacier_backup.resolve.source import Selection, Source, TreeRules

GroupsOf = Callable[[Contents], Packer]

LOCAL = LocalSource()


def contents_below(top: Path, *, follow: bool = False, source: Source = LOCAL) -> Contents:
    """All files and links below ``top``, as a whole tree has them."""
    rules = TreeRules(symlinks="follow" if follow else "store")
    found = source.resolve(Selection(str(top), tree=rules))
    return contents_of((_held(one) for one in found if isinstance(one, Candidate)), follow=follow)


def group_of(top: Path, contents: Contents) -> Candidate:
    """That as a candidate."""
    return Candidate(f"{top}/~pack-{contents.digest[:12]}", "group", str(top), True, contents=contents)


def _held(candidate: Candidate) -> Held:
    assert candidate.seen is not None
    seen = parse_tree_digest(candidate.seen.digest)
    assert seen is not None
    name = candidate.path.removeprefix(candidate.section).removeprefix("/")
    return Held(name, seen.kind == "link", seen.size, seen.mtime_ns, candidate.seen.mode)


class OneAsZip:
    """Packs what lies at a path as the only member of a ZIP, under the name that it is given."""

    container: Container = "zip"

    @contextmanager
    def pack(self, path: str, stored_name: str) -> Iterator[PackedStream]:
        found, (folder, name) = os.lstat(path), os.path.split(path)
        is_link = stat.S_ISLNK(found.st_mode)
        held = Held(name, is_link, found.st_size, found.st_mtime_ns, stat.S_IMODE(found.st_mode), stored=stored_name)
        with ZipPacker(contents_of([held], prefix="", top="")).pack(folder, "") as stream:
            yield stream

    def step(self) -> Step:
        return Step("zip")

    def estimate(self, content: int, entries: int) -> int:
        return content + 1000 * entries


class GroupPackerHere(GroupPacker):
    """What :class:`GroupPacker` is where GNU tar is missing."""

    @contextmanager
    def pack(self, path: str, stored_name: str) -> Iterator[PackedStream]:
        with group_written_here(path, stored_name, self._contents, Doubts(path, stored_name)) as stream:
            yield stream
