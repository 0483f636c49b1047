"""The hidden folder of a target, ``.glacier-backup-restore``, in which everything is made before it gets its name.

Each thing that comes back has a folder there, named by a hash of where it lies and where it goes, so that a later
process finds it again, though the catalog was lost and rebuilt meanwhile::

    .glacier-backup-restore/          0700
        lock                          held while a restore is at work
        <hash>/
            content/                  what is being unpacked
            leaves.1                  SHA-256 of each MiB of volume 1, where the catalog has none
            checkpoint                how far it is, for a process that was killed
            flushed                   likewise, for a machine that went down: what it speaks of is on the disk
            done                      it is all there and right

Nothing is read from there that is trusted: whoever can write to it can write to the target.
"""

from __future__ import annotations

import fcntl
import hashlib
import os
import re
import secrets
import stat
import time
from collections.abc import Sequence
from contextlib import suppress

from glacier_backup.errors import LockHeld, TargetError
from glacier_backup.workflow.restoring import beneath
from glacier_backup.workflow.restoring.checkpoint import boot_id
from glacier_backup.workflow.restoring.item_folder import ItemFolder
from glacier_backup.workflow.restoring.target import STAGING, Target, troubles

LOCK = "lock"
MOMENT, GLANCE = 1.0, 0.05
"""Seconds that a lock is waited for, and between two looks: one of a process that was just killed is gone then."""

_TRASH = re.compile(r"trash-.*")


class Staging:
    """That folder, locked. A context manager."""

    def __init__(self, target: Target, *, create: bool) -> None:
        """Raises LockHeld when another restore is at work there; TargetError, also where it isn't there and is to be
        (not ``create``), as on the bare mount point of a disk."""
        self.target = target
        self.path = os.path.join(target.path, STAGING)
        self.boot = boot_id() or secrets.token_hex(8)
        self.abandoned = False
        """Whether somebody may still be at work here: then it stays open, and locked, as long as the process lives."""
        with troubles(target.path):
            if create:
                with suppress(FileExistsError):
                    os.mkdir(STAGING, 0o700, dir_fd=target.folder)
            self.folder = self._opened()
            try:
                self._lock = self._locked()
            except BaseException:
                os.close(self.folder)
                raise
            self._empty_trash()

    def __enter__(self) -> Staging:
        return self

    def __exit__(self, *_: object) -> None:
        if self.abandoned:
            return
        os.close(self._lock)
        os.close(self.folder)

    def item(self, name: str) -> ItemFolder:
        """The folder of that name, which need not be there."""
        return ItemFolder(self.target, self.folder, name, self.boot)

    def try_out(self) -> None:
        """Write something and take it away again. Raises TargetError where that can't be done: then nothing can."""
        with troubles(self.target.path):
            name = f"trash-{secrets.token_hex(8)}"
            file = os.open(name, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600, dir_fd=self.folder)
            try:
                os.write(file, bytes(1 << 16))
                os.fsync(file)
            finally:
                os.close(file)
                os.unlink(name, dir_fd=self.folder)

    def flush(self) -> None:
        """All that was written in here is on the disk."""
        os.sync()

    def leave(self) -> None:
        """Take the folder away, if nothing is in it any more."""
        with suppress(OSError):
            if os.listdir(self.folder) == [LOCK]:
                os.unlink(LOCK, dir_fd=self.folder)
                os.rmdir(STAGING, dir_fd=self.target.folder)

    def _opened(self) -> int:
        try:
            folder = os.open(STAGING, beneath.FOLDER, dir_fd=self.target.folder)
        except FileNotFoundError:
            raise TargetError(
                f"{self.path} is not there any more, and what was begun is in it",
                hint=f"is the disk of {self.target.path} mounted? To begin there anew: mkdir -m 700 {self.path}",
            ) from None
        found = os.fstat(folder)
        if found.st_uid != os.geteuid() or found.st_mode & (stat.S_IWGRP | stat.S_IWOTH):
            os.close(folder)
            raise TargetError(
                f"{self.path} belongs to somebody else, or others may write to it",
                hint="have that user restore, or remove it: what was fetched so far is fetched again then",
            )
        return folder

    def _locked(self) -> int:
        until = time.monotonic() + MOMENT
        while True:
            file = os.open(LOCK, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC | os.O_NOFOLLOW, 0o600, dir_fd=self.folder)
            try:
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
                if self._is_current(file):
                    return file
            except BlockingIOError:
                if time.monotonic() > until:
                    os.close(file)
                    raise LockHeld(
                        f"another restore into {self.target.path} is at work",
                        hint=f"run again when it is done; its lock is {self.path}/{LOCK}",
                    ) from None
                time.sleep(GLANCE)
            os.close(file)

    def _is_current(self, file: int) -> bool:
        """Whether it still has its name: the last one to leave takes it away."""
        found = beneath.look(self.folder, [LOCK])
        return found is not None and found.st_ino == os.fstat(file).st_ino

    def _empty_trash(self) -> None:
        for name in os.listdir(self.folder):
            if _TRASH.fullmatch(name):
                beneath.remove(name, self.folder)


def name_of(
    place: str, locators: Sequence[str], member: str | None, to: str, numbers: Sequence[tuple[int, int]] = ()
) -> str:
    """What the folder of a thing is called."""
    parts = [place, *locators, member or "", to, *(f"{first}-{last}" for first, last in numbers)]
    text = "\0".join(part.replace("\0", "\0\0") for part in parts)
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()[:32]
