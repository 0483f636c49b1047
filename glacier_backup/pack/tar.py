"""A directory tree, or one file, as a POSIX tar made by GNU tar, or here where that is missing."""

from __future__ import annotations

import os
import stat
import tempfile
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from typing import IO, NamedTuple

from glacier_backup.errors import SourceError
from glacier_backup.exclusion import NOTHING, Exclusion
from glacier_backup.model.archive import Container
from glacier_backup.model.recipe import Step
from glacier_backup.mounts import mount_table, virtual_below
from glacier_backup.pack.block_counts import blocks_are_counted
from glacier_backup.pack.doubts import DoubtingStream, Doubts
from glacier_backup.pack.excluded import excluded_below
from glacier_backup.pack.gnu_tar import (
    ONE_FILE,
    SPARSE,
    Untold,
    arguments,
    environment,
    find_gnu_tar,
    leaving_out,
    without,
)
from glacier_backup.pack.local_tar import written_here
from glacier_backup.pack.packer import PackedStream
from glacier_backup.pack.tar_header import check_stored_name, estimate
from glacier_backup.pack.tar_messages import TarMessages
from glacier_backup.pack.tar_stream import TarStream
from glacier_backup.pack.tick import TICK_NS
from glacier_backup.process import running


class TarPacker:
    """Packs a directory or a regular file, or what a symlink to one points to, under its own name.

    The bytes depend on content, names, metadata and holes alone: not on where the tree lies, the order on disk,
    inode numbers or times of access. Sockets are left out, and so is what the kernel shows of itself below, such as all
    in /proc; names and links are stored byte for byte.

    Where there is no GNU tar the same members come in the same order, but no maps of holes, and other bytes: an upload
    that was begun with the one begins anew with the other. So it is for a tree of which very many names with line
    breaks in them are left out.
    """

    container: Container = "tar"

    def __init__(self, exclusion: Exclusion = NOTHING, *, doubting: bool = False) -> None:
        """``doubting``: what may be in it otherwise than it looks is among the members with a time that it doesn't
        have, as of groups; see :mod:`glacier_backup.pack.doubts`."""
        self._exclusion = exclusion
        self._doubting = doubting

    def leaving_out(self, exclusion: Exclusion) -> TarPacker:
        """See :class:`glacier_backup.pack.packer.PacksDirectories`."""
        return TarPacker(exclusion, doubting=self._doubting)

    @contextmanager
    def pack(self, path: str, stored_name: str) -> Iterator[PackedStream]:
        """See :class:`glacier_backup.pack.packer.Packer`. Raises SourceError."""
        check_stored_name(stored_name)
        doubts = Doubts(path, stored_name, time.time_ns() - TICK_NS) if self._doubting else None
        with ExitStack() as stack:
            program = find_gnu_tar()
            left_out = None if program is None else self._told(path, stack)
            if program is None or left_out is None:
                stream = stack.enter_context(written_here(path, stored_name, self._exclusion, doubts))
            else:
                stream = stack.enter_context(_made_by(program, path, stored_name, left_out, doubts))
            yield stream if doubts is None else DoubtingStream(stream, doubts)

    def _told(self, path: str, stack: ExitStack) -> _LeftOut | None:
        """What GNU tar is told to leave out; None where it can't be. Raises SourceError."""
        left_out = self._exclusion.compiled()
        if left_out is None:
            return _LeftOut()
        try:
            if not stat.S_ISDIR(os.stat(path).st_mode):
                return _LeftOut()
            # It has no name, so nothing is left of it, however this process ends.
            file = stack.enter_context(tempfile.TemporaryFile())  # noqa: SIM115  # the stack closes it
            return _LeftOut(leaving_out(excluded_below(path, left_out), file), (file.fileno(),))
        except Untold:
            return None
        except OSError as error:
            raise SourceError(f"{path}: {error.strerror or error}") from error

    def step(self) -> Step:
        """Any tar undoes it, without parameters."""
        return Step("tar")

    def estimate(self, content: int, entries: int) -> int:
        """At least the bytes of the stream, unless names or extended attributes are very long."""
        return estimate(content, entries)


class _LeftOut(NamedTuple):
    options: tuple[str, ...] = ()
    descriptors: tuple[int, ...] = ()
    """Of files that the options name."""


@contextmanager
def _made_by(
    program: str, path: str, stored_name: str, left_out: _LeftOut, doubts: Doubts | None
) -> Iterator[PackedStream]:
    with ExitStack() as stack:
        try:
            source = _look(path, left_out.options)
            # It has no name, so nothing is left of it, however this process ends.
            index = stack.enter_context(tempfile.TemporaryFile())
            messages = TarMessages(source.folder, doubts)
            tar = stack.enter_context(
                running(
                    program,
                    source.arguments(stored_name, index),
                    cwd=source.folder,
                    env=environment(),
                    hear=messages.hear,
                    pass_fds=(index.fileno(), *left_out.descriptors),
                )
            )
        except OSError as error:
            raise SourceError(f"{path}: {error.strerror or error}") from error
        yield TarStream(path, tar, messages, index)


class _Source(NamedTuple):
    """What tar is told to pack. The bytes are then the same whatever the candidate's name on disk."""

    folder: str
    """Where tar is started, and what its messages are relative to."""
    name: str
    """Never anything that could be an option."""
    pattern: str
    """What of each member's name is replaced by the stored name."""
    options: tuple[str, ...]

    def arguments(self, stored_name: str, index: IO[bytes]) -> list[str]:
        counted = blocks_are_counted(os.path.join(self.folder, self.name))
        return arguments(
            ("--", self.name),
            self.pattern,
            stored_name,
            index=f"/dev/fd/{index.fileno()}",
            options=self.options + SPARSE if counted else self.options,
        )


def _look(path: str, left_out: tuple[str, ...]) -> _Source:
    mode = os.stat(path).st_mode
    if stat.S_ISDIR(mode):
        above = len(os.path.realpath(os.fsencode(path)).rstrip(b"/")) + 1
        virtual = virtual_below(path, mount_table())
        return _Source(path, ".", r"^\.", without(point[above:] for point in virtual) + left_out)
    if stat.S_ISREG(mode):
        folder, name = os.path.split(path)
        return _Source(folder, f"./{name}", "^.*", ONE_FILE)
    raise SourceError(f"{path}: neither a file nor a directory")
