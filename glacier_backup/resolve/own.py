"""What every run writes: the catalog, the log, the spool, and what lies beside them for their sake.

A directory that holds them differs each time it is looked at, so that it would be sent every night for nothing.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterable, Mapping

OwnNames = Mapping[tuple[int, int], frozenset[bytes]]
"""Names of own files by the directory that they lie in, as ``(st_dev, st_ino)``: whatever path leads there."""

_BESIDE = re.compile(rb"|-wal|-shm|-journal|\.lock|\.[1-9]")


def directory_of(found: os.stat_result) -> tuple[int, int]:
    """The key of a directory in :data:`OwnNames`."""
    return found.st_dev, found.st_ino


def own_names(paths: Iterable[str]) -> OwnNames:
    """Where ``paths`` lie just now, and where those that are symlinks lead. What has no directory yet is not there."""
    names: dict[tuple[int, int], frozenset[bytes]] = {}
    given = [path for path in paths if path]
    for way in {*given, *map(os.path.realpath, given)}:
        folder, name = os.path.split(os.fsencode(way))
        try:
            key = directory_of(os.stat(folder))
        except OSError:
            continue
        if name:
            names[key] = names.get(key, frozenset()) | {name}
    return names


def is_own(name: bytes, own: frozenset[bytes], *, directory: bool) -> bool:
    """Whether ``name`` is one of ``own`` or, if it is no directory, one of the few that come beside it.

    Those are SQLite's ``-wal``, ``-shm`` and ``-journal``, the ``.lock`` of a run and the ``.1`` to ``.9`` of a rotated
    log. No more: a ``log.txt`` beside ``log`` is somebody's file, whose change has to be seen.
    """
    if directory:
        return name in own
    return any(name.startswith(one) and _BESIDE.fullmatch(name, len(one)) for one in own)
