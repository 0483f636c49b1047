"""Giving things their names, once all of them is there and right.

What is moved is on the disk before it is moved, and the move before it counts as done. Killed between any two steps
the next run finds the note that all is there (:class:`~glacier_backup.workflow.restoring.checkpoint.Done`), and sees by
the inode what bears the name now. Nothing that has appeared at the name meanwhile is replaced, unless that is wanted;
and then only a file by a file: a directory that is in the way may hold what is nowhere else, so it gets another name.
"""

from __future__ import annotations

import os
import stat
from collections.abc import Sequence
from contextlib import suppress
from typing import NamedTuple

from glacier_backup.errors import GlacierBackupError, TargetError
from glacier_backup.model.restore import ItemRecord, ItemState
from glacier_backup.units import now, stamp
from glacier_backup.workflow.restoring import beneath
from glacier_backup.workflow.restoring.checkpoint import Done
from glacier_backup.workflow.restoring.item_folder import ItemFolder
from glacier_backup.workflow.restoring.target import Obstacle, Target, names, troubles

FEW = 16
"""Folders that are flushed one by one; more of them are as soon flushed with everything else."""


LONGEST_ASIDE = 220
"""Bytes of a name, so that ``~`` and a time behind it fit."""


class Brought(NamedTuple):
    """Something that is all there, and right."""

    record: ItemRecord
    folder: ItemFolder
    done: Done
    of_many: bool
    """Whether it is made of members: what it looks like from outside doesn't tell later whether it is the same."""


class Published(NamedTuple):
    """What became of it."""

    brought: Brought
    state: ItemState
    error: GlacierBackupError | None = None
    """Why it isn't ``restored``."""
    aside: str | None = None
    """Where that is now which was in its way."""


def publish(target: Target, all_brought: Sequence[Brought], *, overwrite: bool) -> list[Published]:
    """Give each its name, durably. Raises TargetError where the target isn't there any more."""
    target.still_there()
    result = [_publish(target, one, overwrite) for one in all_brought]
    _flush(target, {"/".join(names(one.record.item.to)[:-1]) for one in all_brought})
    return result


def tidy(brought: Brought) -> None:
    """What isn't needed any more, after the catalog knows of it. The note stays of what can't be told otherwise, until
    everything is back: for a process whose catalog was lost."""
    if brought.of_many:
        brought.folder.empty()
    else:
        brought.folder.remove()


def is_published(target: Target, done: Done, to: str) -> bool:
    """Whether what ``done`` speaks of has its name already."""
    with suppress(Obstacle, TargetError):
        found = target.look(to)
        return found is not None and found.st_ino == done.inode
    return False


def _publish(target: Target, brought: Brought, overwrite: bool) -> Published:
    to, done = brought.record.item.to, brought.done
    aside = None
    try:
        if not is_published(target, done, to):
            with troubles(os.path.join(target.path, to)):
                aside = _move(target, brought, overwrite)
        elif stat.S_ISDIR((target.look(to) or os.fstat(target.folder)).st_mode):
            _restore_mode(target, to, done.mode)
    except Obstacle as error:
        return Published(brought, "kept", error)
    except TargetError as error:
        return Published(brought, "failed", error)
    return Published(brought, "restored", aside=aside)


def _move(target: Target, brought: Brought, overwrite: bool) -> str | None:
    """What that which was in the way is called now; None where nothing was, or it was replaced."""
    *above, name = names(brought.record.item.to)
    *inside, root = beneath.components(brought.done.root)
    try:
        with beneath.folder(target.folder, above, make=True) as there, brought.folder.inside(inside) as here:
            try:
                beneath.rename_new(root, here, name, there)
            except FileExistsError:
                if not overwrite:
                    raise Obstacle(f"{os.path.join(target.path, *above, name)} is there already") from None
                aside = _replace(root, here, name, there)
                return aside and os.path.join(target.path, *above, aside)
    except NotADirectoryError:
        raise target.obstacle_above(brought.record.item.to) from None
    return None


def _replace(root: str, here: int, name: str, there: int) -> str | None:
    if not _is_folder(root, here) and not _is_folder(name, there):
        os.rename(root, name, src_dir_fd=here, dst_dir_fd=there)
        return None
    aside = f"{os.fsdecode(os.fsencode(name)[:LONGEST_ASIDE])}~{stamp(now())}"
    beneath.rename_new(name, there, aside, there)
    try:
        beneath.rename_new(root, here, name, there)
    except OSError:
        beneath.rename_new(aside, there, name, there)
        raise
    return aside


def _is_folder(name: str, above: int) -> bool:
    return stat.S_ISDIR(os.stat(name, dir_fd=above, follow_symlinks=False).st_mode)


def _restore_mode(target: Target, to: str, mode: int) -> None:
    """A process that was killed while it moved a directory may have left it writable."""
    with suppress(OSError), beneath.folder(target.folder, names(to)) as itself:
        if stat.S_IMODE(os.fstat(itself).st_mode) == mode | stat.S_IRWXU:
            os.fchmod(itself, mode)


def _flush(target: Target, folders: set[str]) -> None:
    if len(folders) > FEW:
        os.sync()
        return
    for one in folders:
        with suppress(OSError), beneath.folder(target.folder, one.split("/") if one else []) as folder:
            os.fsync(folder)
