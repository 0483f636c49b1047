"""A directory, or one file, as a POSIX tar that is made here, for where GNU tar is missing."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager

from glacier_backup.exclusion import NOTHING, Exclusion
from glacier_backup.pack.doubts import Doubts
from glacier_backup.pack.local_tree import LocalTree
from glacier_backup.pack.packer import PackedStream
from glacier_backup.pack.tar_writer import TarWriter
from glacier_backup.pack.written_tar import written

THREADS = 4
"""That read contents ahead."""


@contextmanager
def written_here(
    path: str, stored_name: str, exclusion: Exclusion = NOTHING, doubts: Doubts | None = None
) -> Iterator[PackedStream]:
    """The tar of what lies at ``path``, or that a symlink there points to, under ``stored_name``: names, types, sizes,
    modes, times, owners, links and extended attributes are as GNU tar stores them; holes are not told from zeros.
    What the ``exclusion`` leaves out is not in it; ``doubts`` are told of what changed meanwhile.

    Raises SourceError.
    """
    tree = LocalTree(path, exclusion)
    with ExitStack() as stack:
        stack.callback(tree.close)
        yield stack.enter_context(written(TarWriter(path, stored_name, tree, THREADS, doubts), tree.is_as_before))
