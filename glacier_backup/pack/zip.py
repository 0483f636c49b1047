"""Files of one section as one ZIP, under names of their own."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager

from glacier_backup.model.archive import Container
from glacier_backup.model.contents import Contents
from glacier_backup.model.recipe import Step
from glacier_backup.pack.doubts import Doubts
from glacier_backup.pack.group_stream import GroupStream
from glacier_backup.pack.local_files import LocalFiles
from glacier_backup.pack.packer import PackedStream
from glacier_backup.pack.tick import settled
from glacier_backup.pack.written_tar import written
from glacier_backup.pack.zip_header import estimate
from glacier_backup.pack.zip_writer import ZipWriter

THREADS = 2
"""That read ahead. More of them wait for one another where all is in memory already."""


class ZipPacker:
    """Packs files, and symlinks that are sent as such, of a group that goes by a prefix.

    The bytes depend on names, content, types, permissions and times alone, not on where the section lies. What has
    vanished, or has become something else, is left out without a word; what can't be read is a problem. Either way it
    isn't among the members, which have the hash of their content. No symlink on the way to a file is followed, unless
    the contents say so, whatever happens meanwhile.
    """

    container: Container = "zip"

    def __init__(self, contents: Contents) -> None:
        self._contents = contents

    @contextmanager
    def pack(self, path: str, stored_name: str) -> Iterator[PackedStream]:
        """See :class:`glacier_backup.pack.packer.Packer`; ``path`` is the section's, ``stored_name`` what stands in
        front of the names, which may be empty. Raises SourceError."""
        doubts = Doubts(path, stored_name, settled(self._contents.newest_mtime_ns))
        files = LocalFiles(path, self._contents)
        with ExitStack() as stack:
            stack.callback(files.close)
            writer = ZipWriter(path, stored_name, files, THREADS, doubts)
            stream = stack.enter_context(written(writer))
            yield GroupStream(stream, doubts, lambda: False, lambda: files.as_planned)

    def step(self) -> Step:
        """Any unzip undoes it; how names became members is told for whoever wants some of them."""
        return zip_step(self._contents)

    def estimate(self, content: int, entries: int) -> int:
        """At least the bytes of the stream."""
        return zip_estimate(self._contents, content, entries)


def zip_step(contents: Contents) -> Step:
    """That of any packer of such a group."""
    top = {} if contents.top is None else {"top": contents.top}
    return Step("zip", {**top, "depth": contents.depth})


def zip_estimate(contents: Contents, content: int, entries: int) -> int:
    """Likewise; the top is counted as a component of a path may be long, where the contents don't say it."""
    top = 255 if contents.top is None else len(contents.top.encode("utf-8", "surrogateescape"))
    return estimate(content, len(contents.packed) + entries * (top + 1), entries)
