"""Giving the files of a group their names, one by one.

Any of these steps may be the last before a kill: whatever has left the folder has its name, and a file that has both
names, for linking and unlinking are two steps, is told by its inode. So all of it may be done again.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from typing import NamedTuple, NoReturn

from glacier_backup.errors import GlacierBackupError, TargetError
from glacier_backup.model.restore import ItemState
from glacier_backup.workflow.restoring import beneath
from glacier_backup.workflow.restoring.checkpoint import Done
from glacier_backup.workflow.restoring.item_folder import ItemFolder
from glacier_backup.workflow.restoring.nearby import Nearby
from glacier_backup.workflow.restoring.replacing import replace
from glacier_backup.workflow.restoring.several import (
    Few,
    Landing,
    Several,
    failing,
    in_place_of,
    is_itself,
    kept,
    there_already,
)
from glacier_backup.workflow.restoring.target import Obstacle, Target, troubles


class Given(NamedTuple):
    """What became of them all."""

    state: ItemState
    error: GlacierBackupError | None
    notes: tuple[str, ...]
    """Where that is now which was in the way of some."""


def give_names(
    several: Several, folder: ItemFolder, done: Done, target: Target, *, overwrite: bool, check: Callable[[], object]
) -> Given:
    """Each that is right in ``folder`` gets its name, unless something else has it; that is replaced if ``overwrite``.
    What looks the same is left alone.

    Raises what ``check`` raises, between two of them, and CatalogError; what went wrong with single ones is in the
    result.
    """
    with (
        folder.inside(("content",)) as content,
        Nearby(content) as here,
        Nearby(target.folder, make=True) as there,
    ):
        giving = _Giving(target, here, there, overwrite, some_left_out=bool(done.left_out))
        for one in several:
            check()
            giving.give(one)
    return giving.result(len(several))


class _Giving:
    def __init__(self, target: Target, here: Nearby, there: Nearby, overwrite: bool, *, some_left_out: bool) -> None:
        self._target = target
        self._here = here
        self._there = there
        self._overwrite = overwrite
        self._some_left_out = some_left_out
        self._kept, self._failed = Few(), Few()
        self._replaceable = False
        self._asides = Few()

    def give(self, one: Landing) -> None:
        try:
            if one.refused:
                raise Obstacle(one.refused)
            with troubles(os.path.join(self._target.path, *one.to)):
                self._move(one)
        except Obstacle as error:
            self._kept.add(str(error))
        except TargetError as error:
            self._failed.add(str(error))

    def result(self, of: int) -> Given:
        notes = (str(self._asides),) if self._asides.count else ()
        if self._failed.count:
            return Given("failed", failing(self._failed, of), notes)
        if self._kept.count:
            return Given("kept", kept(self._kept, of, replaceable=self._replaceable), notes)
        return Given("restored", None, notes)

    def _move(self, one: Landing) -> None:
        found = self._here.look(one.inside)
        if found is None:
            self._not_in_the_folder(one)
            return
        if not is_itself(one, found):
            raise TargetError(f"{'/'.join(one.to)}: another file has come in its place, which has the same name here")
        here = self._here.folder(one.inside[:-1])
        try:
            there = self._there.folder(one.to[:-1])
        except NotADirectoryError:
            raise self._target.obstacle_above("/".join(one.to)) from None
        try:
            beneath.rename_new(one.inside[-1], here, one.to[-1], there)
        except FileExistsError:
            self._taken(one, here, there)

    def _not_in_the_folder(self, one: Landing) -> None:
        """It has its name, from before or since a process that was killed gave it; or it wasn't fetched, for something
        else has that; or the file system of the target has no such things, which was said."""
        alike = in_place_of(one, self._there, self._target)
        if not alike:
            self._target.refuse_elsewhere("/".join(one.to))
        if alike is False:
            self._stays(one)
        if alike is None and (one.member.type == "file" or not self._some_left_out):
            left_out = "could not be made, or " if self._some_left_out else ""
            why = f"{'/'.join(one.to)} {left_out}has vanished on its way"
            raise TargetError(why, hint="run again: it is fetched again")

    def _stays(self, one: Landing) -> NoReturn:
        """What is in its place does."""
        self._replaceable = True
        raise Obstacle(there_already(one, self._target))

    def _taken(self, one: Landing, here: int, there: int) -> None:
        old, new = one.inside[-1], one.to[-1]
        if _identity(old, here) == _identity(new, there):
            os.unlink(old, dir_fd=here)
        elif in_place_of(one, self._there, self._target):
            return
        elif not self._overwrite:
            self._stays(one)
        elif (aside := replace(old, here, new, there)) is not None:
            above = os.path.join(self._target.path, *one.to[:-1])
            self._asides.add(f"what was in the place of {os.path.join(above, new)} is {os.path.join(above, aside)} now")


def _identity(name: str, above: int) -> tuple[int, int]:
    found = os.stat(name, dir_fd=above, follow_symlinks=False)
    return found.st_dev, found.st_ino
