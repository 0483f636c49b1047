"""Putting something in the place of what bears its name: a file replaces a file at once; a directory in the way may
hold what is nowhere else, so it gets another name."""

from __future__ import annotations

import os
import stat

from glacier_backup.units import now, stamp
from glacier_backup.workflow.restoring import beneath

LONGEST_ASIDE = 220
"""Bytes of a name, so that ``~`` and a time behind it fit."""


def replace(old: str, old_folder: int, new: str, new_folder: int) -> str | None:
    """What that which was in the way is called now, beside; None where it was replaced. Raises OSError."""
    if not _is_folder(old, old_folder) and not _is_folder(new, new_folder):
        os.rename(old, new, src_dir_fd=old_folder, dst_dir_fd=new_folder)
        return None
    aside = f"{os.fsdecode(os.fsencode(new)[:LONGEST_ASIDE])}~{stamp(now())}"
    beneath.rename_new(new, new_folder, aside, new_folder)
    try:
        beneath.rename_new(old, old_folder, new, new_folder)
    except OSError:
        beneath.rename_new(aside, new_folder, new, new_folder)
        raise
    return aside


def _is_folder(name: str, above: int) -> bool:
    return stat.S_ISDIR(os.stat(name, dir_fd=above, follow_symlinks=False).st_mode)
