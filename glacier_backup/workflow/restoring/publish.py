"""Giving things their names, once all of them is there and right.

What is moved is on the disk before it is moved, and the move before it counts as done. Killed between any two steps
the next run finds the note that all is there (:class:`~glacier_backup.workflow.restoring.checkpoint.Done`), and sees by
the inode what bears the name now. Nothing that has appeared at the name meanwhile is replaced, unless that is wanted;
and then only a file by a file: a directory that is in the way may hold what is nowhere else, so it gets another name.
What is several files is dealt with by :mod:`~glacier_backup.workflow.restoring.give_names`.
"""

from __future__ import annotations

import os
import stat
from collections.abc import Callable, Sequence
from contextlib import suppress
from typing import NamedTuple

from glacier_backup.errors import GlacierBackupError, Interrupted, TargetError
from glacier_backup.model.restore import ItemRecord, ItemState, RestoreItem
from glacier_backup.workflow.restoring import beneath
from glacier_backup.workflow.restoring.checkpoint import Done
from glacier_backup.workflow.restoring.give_names import give_names
from glacier_backup.workflow.restoring.item_folder import ItemFolder
from glacier_backup.workflow.restoring.replacing import replace
from glacier_backup.workflow.restoring.several import Several
from glacier_backup.workflow.restoring.target import Obstacle, Target, names, troubles

FEW = 16
"""Folders that are flushed one by one; more of them are as soon flushed with everything else."""


class Brought(NamedTuple):
    """Something that is all there, and right."""

    record: ItemRecord
    folder: ItemFolder
    done: Done
    of_many: bool
    """Whether it is made of members: what it looks like from outside doesn't tell later whether it is the same."""
    several: Several | None = None
    """The files that each get a name, where it isn't one thing."""


class Published(NamedTuple):
    """What became of it."""

    brought: Brought
    state: ItemState
    error: GlacierBackupError | None = None
    """Why it isn't ``restored``."""
    notes: tuple[str, ...] = ()
    """Where that is now which was in its way."""


def publish(
    target: Target, all_brought: Sequence[Brought], *, overwrite: bool, check: Callable[[], object] = lambda: None
) -> list[Published]:
    """Give each its name, durably. What is several files is left out of the result where ``check``, which is asked
    between two of them, raises Interrupted: not all of those have theirs then.

    Raises TargetError where the target isn't there any more, and CatalogError.
    """
    target.still_there()
    result = []
    for one in all_brought:
        with suppress(Interrupted):
            result.append(_publish(target, one, overwrite, check))
    if any(one.several is not None for one in all_brought):
        os.sync()
    else:
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


def all_came(target: Target, folder: ItemFolder, done: Done, item: RestoreItem, several: Several | None) -> bool:
    """Whether all that ``done`` speaks of is there, in the folder or under its name."""
    if several is not None:
        return folder.is_known_complete(done) and several.all_came(folder, target)
    return folder.is_known_complete(done) or is_published(target, done, item.to)


def _publish(target: Target, brought: Brought, overwrite: bool, check: Callable[[], object]) -> Published:
    if brought.several is not None:
        return _publish_several(target, brought, brought.several, overwrite, check)
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
    return Published(brought, "restored", notes=() if aside is None else (f"what was in its place is {aside} now",))


def _publish_several(
    target: Target, brought: Brought, several: Several, overwrite: bool, check: Callable[[], object]
) -> Published:
    try:
        with troubles(target.path):
            given = give_names(several, brought.folder, brought.done, target, overwrite=overwrite, check=check)
    except TargetError as error:
        return Published(brought, "failed", error)
    return Published(brought, *given)


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
                aside = replace(root, here, name, there)
                return aside and os.path.join(target.path, *above, aside)
    except NotADirectoryError:
        raise target.obstacle_above(brought.record.item.to) from None
    return None


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
