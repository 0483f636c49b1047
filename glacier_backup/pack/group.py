"""Files of one section as one POSIX tar made by GNU tar, or here where that is missing."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager

from glacier_backup.model.archive import Container
from glacier_backup.model.contents import Contents
from glacier_backup.model.recipe import Step
from glacier_backup.pack.block_counts import blocks_are_counted
from glacier_backup.pack.doubts import Doubts
from glacier_backup.pack.gnu_tar import EACH_FILE, FOLLOWED, SPARSE, find_gnu_tar
from glacier_backup.pack.group_names import LONGEST, GroupNames
from glacier_backup.pack.group_stream import GroupStream
from glacier_backup.pack.listed_tar import listed_tar
from glacier_backup.pack.local_group import group_written_here, opened_section
from glacier_backup.pack.packer import PackedStream
from glacier_backup.pack.tar_header import check_stored_name, estimate
from glacier_backup.pack.tar_messages import TarMessages
from glacier_backup.pack.tick import settled

_TOO_LONG = re.compile(rb"[^\0]{%d}" % (LONGEST - len(b"./\0") + 1))


class GroupPacker:
    """Packs files, and symlinks that are sent as such, under the names that they have below a section.

    The bytes depend on names, content, metadata and holes alone, not on where the section lies. Each file is stored as
    one of its own, whatever other names it has; directories aren't. What has vanished, or has become something else, is
    left out without a word; what can't be read is a problem. Either way it isn't among the members.

    What lies behind a symlink isn't there, unless the contents say that links are followed. Where there is no GNU tar,
    that holds whatever happens meanwhile. GNU tar opens files by their whole names: the way to each is looked at
    some hundred files before its turn and once more in the end, so that only a directory which is swapped for a link in
    between, and swapped back before the end, can lead it outside.
    """

    container: Container = "tar"

    def __init__(self, contents: Contents) -> None:
        self._contents = contents

    @contextmanager
    def pack(self, path: str, stored_name: str) -> Iterator[PackedStream]:
        """See :class:`glacier_backup.pack.packer.Packer`; ``path`` is the section's. Raises SourceError."""
        check_stored_name(stored_name)
        doubts = Doubts(path, stored_name, settled(self._contents.newest_mtime_ns))
        program = None if _TOO_LONG.search(self._contents.packed) else find_gnu_tar()
        with ExitStack() as stack:
            if program is None:
                made = group_written_here(path, stored_name, self._contents, doubts)
            else:
                made = _made_by(program, path, stored_name, self._contents, doubts)
            yield stack.enter_context(made)

    def step(self) -> Step:
        """Any tar undoes it, without parameters."""
        return Step("tar")

    def estimate(self, content: int, entries: int) -> int:
        """At least the bytes of the stream, unless names or extended attributes are very long."""
        return estimate(content, entries)


@contextmanager
def _made_by(
    program: str, section: str, stored_name: str, contents: Contents, doubts: Doubts
) -> Iterator[PackedStream]:
    with ExitStack() as stack:
        root = opened_section(section)
        stack.callback(os.close, root)
        names = GroupNames(section, root, contents)
        messages = TarMessages(section, doubts)
        made = listed_tar(program, section, stored_name, names, messages, _options(section, contents))
        yield GroupStream(stack.enter_context(made), doubts, lambda: messages.explained)


def _options(section: str, contents: Contents) -> tuple[str, ...]:
    if contents.follow:
        return (*EACH_FILE, *FOLLOWED)  # links lead anywhere, and holes are looked for where blocks are counted
    return (*EACH_FILE, *SPARSE) if blocks_are_counted(section) else EACH_FILE
