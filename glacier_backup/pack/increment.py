"""Some of what is in a directory as one POSIX tar made by GNU tar, or here where that is missing, with the list of what
was deleted."""

from __future__ import annotations

import os
import time
from collections.abc import Collection, Iterator
from contextlib import AbstractContextManager, ExitStack, contextmanager
from itertools import compress

from glacier_backup.descent import Descent
from glacier_backup.exclusion import Exclusion
from glacier_backup.model.archive import Container
from glacier_backup.model.contents import contents_of
from glacier_backup.model.increment import Linked
from glacier_backup.model.recipe import Step
from glacier_backup.pack.block_counts import blocks_are_counted
from glacier_backup.pack.deleted_list import WithList
from glacier_backup.pack.doubts import DoubtingStream, Doubts
from glacier_backup.pack.gnu_tar import SPARSE, find_gnu_tar
from glacier_backup.pack.group_names import BEFORE, LONGEST, TOO_MANY_OPEN, GroupNames
from glacier_backup.pack.listed_tar import listed_tar
from glacier_backup.pack.local_contents import GONE
from glacier_backup.pack.local_group import opened_section
from glacier_backup.pack.local_increment import increment_written_here
from glacier_backup.pack.packer import PackedStream, Packer
from glacier_backup.pack.tar import TarPacker
from glacier_backup.pack.tar_header import check_stored_name, estimate
from glacier_backup.pack.tar_messages import TarMessages
from glacier_backup.pack.tick import TICK_NS

EACH = ("--no-recursion",)


def packer_of_link(linked: Linked, exclusion: Exclusion) -> Packer:
    """What packs a directory of this machine as that link of a chain."""
    if linked.delta is None:
        return FullPacker(TarPacker(exclusion, doubting=True), linked)
    return IncrementPacker(linked)


class FullPacker:
    """A packer whose archives say that they are the first of a chain."""

    container: Container = "tar"

    def __init__(self, packer: Packer, linked: Linked) -> None:
        self._packer = packer
        self._linked = linked
        self.pack = packer.pack
        self.estimate = packer.estimate

    def step(self) -> Step:
        """Any tar undoes it."""
        return self._linked.link.step


class IncrementPacker:
    """Packs those entries of a directory that are named, each under the name that it has in a tar of all of it, behind
    the list of what was deleted.

    Files that are the same one under several names are stored once, as far as they are among those that are named. What
    has vanished is left out. What is said of :class:`~glacier_backup.pack.group.GroupPacker` holds of links on the way
    and of the bytes.
    """

    container: Container = "tar"

    def __init__(self, linked: Linked) -> None:
        self._linked = linked

    @contextmanager
    def pack(self, path: str, stored_name: str) -> Iterator[PackedStream]:
        """See :class:`glacier_backup.pack.packer.Packer`. Raises SourceError."""
        check_stored_name(stored_name)
        names = self._linked.delta.names if self._linked.delta is not None else ()
        doubts = Doubts(path, stored_name, time.time_ns() - TICK_NS)
        is_short = all(len(name) <= LONGEST - len(BEFORE) - 1 for name in names)
        program = find_gnu_tar() if is_short else None
        with ExitStack() as stack:
            if program is None:
                stream = stack.enter_context(increment_written_here(path, stored_name, names, doubts))
            else:
                stream = stack.enter_context(_made_by(program, path, stored_name, _Names(path, names), doubts))
            yield WithList(DoubtingStream(stream, doubts), self._linked, stored_name)

    def step(self) -> Step:
        """Any tar undoes it, on top of what it builds on."""
        return self._linked.link.step

    def estimate(self, content: int, entries: int) -> int:
        """At least the bytes of the stream, unless names or extended attributes are very long."""
        return estimate(content, entries)


def _made_by(
    program: str, path: str, stored_name: str, names: _Names, doubts: Doubts
) -> AbstractContextManager[PackedStream]:
    options = EACH + SPARSE if blocks_are_counted(path) else EACH
    return listed_tar(program, path, stored_name, names, TarMessages(path, doubts), options)


class _Names(GroupNames):
    """The names of an increment, handed on to a tar."""

    def __init__(self, path: str, names: Collection[bytes]) -> None:
        self._held_open = opened_section(path)
        super().__init__(path, self._held_open, contents_of(()))
        self._names = names

    def close(self) -> None:
        super().close()
        os.close(self._held_open)

    def _there(self, here: Descent) -> Iterator[bytes]:
        for name in self._names:
            is_there = self._still_there(here, name)
            self._told.append(is_there)
            if is_there:
                yield BEFORE + name + b"\0"

    def _told_names(self) -> Iterator[bytes]:
        return compress(self._names, self._told)

    def _still_there(self, here: Descent, name: bytes) -> bool:
        folder, _, base = name.rpartition(b"/")
        try:
            os.stat(base or b".", dir_fd=here.go(folder), follow_symlinks=False)
        except OSError as error:
            if error.errno in TOO_MANY_OPEN:
                raise
            return error.errno not in GONE  # tar says what is wrong with it
        return True
