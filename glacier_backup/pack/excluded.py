"""What is left out of a directory of this machine, found before another program packs it."""

from __future__ import annotations

import os
from collections.abc import Iterator

from glacier_backup.descent import OPEN_DIRECTORY, Descent
from glacier_backup.exclusion import Below, LeftOut
from glacier_backup.mounts import mount_table, virtual_below
from glacier_backup.ordering import Ordering


def excluded_below(path: str, left_out: LeftOut) -> Iterator[bytes]:
    """The path below ``path`` of each entry that is left out; of those in a directory that is left out, none.

    What can't be read is for the one who packs to tell; only ``path`` itself has to be a directory, or lead to one:
    raises OSError.
    """
    virtual = frozenset(virtual_below(path, mount_table()).values()) - {os.stat(path).st_dev}
    with Descent(os.open(path, OPEN_DIRECTORY)) as here:
        below = Below(left_out)
        directories = Ordering()
        yield from _listed(here.present(), below, directories)
        waiting = [iter(directories)]
        while waiting:
            name = next(waiting[-1], None)
            if name is None:
                waiting.pop()
                here.leave()
                below.leave()
            elif (folder := _entered(here, name)) is not None:
                below.enter(os.fsdecode(name))
                directories = Ordering()
                if os.fstat(folder).st_dev not in virtual:
                    yield from _listed(folder, below, directories)
                waiting.append(iter(directories))


def _entered(here: Descent, name: bytes) -> int | None:
    try:
        return here.enter(name)
    except OSError:
        return None


def _listed(folder: int, below: Below, directories: Ordering) -> Iterator[bytes]:
    """What is left out of one directory; those in it that are to be entered are added to ``directories``."""
    try:
        with os.scandir(folder) as listing:
            for entry in listing:
                is_dir = entry.is_dir(follow_symlinks=False)
                if below.leaves_out(entry.name, is_dir):
                    yield os.fsencode(below.path_of(entry.name))
                elif is_dir:
                    directories.add(os.fsencode(entry.name))
    except OSError:
        return
