"""One run at a time for each catalog.

A lock of the operating system's (``flock``) on a file beside the catalog. It dies with its process however that
ends, so a file that was left behind locks nobody out; what is written in it only serves the message.
"""

from __future__ import annotations

import fcntl
import os
import socket
import time
from contextlib import suppress
from types import TracebackType

from glacier_backup.errors import CatalogError, LockHeld
from glacier_backup.units import local_time, now, parse_rfc3339, rfc3339

_FILE_MODE, _FOLDER_MODE = 0o600, 0o700

MOMENT, GLANCE = 1.0, 0.05
"""Seconds that a lock is waited for, and between two looks. A run that was killed while it started a program leaves its
lock to that one until it has begun, and only then it is gone."""

_HELD_BYTES = 4096
"""How much of a lock file is read: far more than is ever written."""


class RunLock:
    """Held from entering the context to leaving it. Programs that the run starts don't inherit it."""

    def __init__(self, catalog: str) -> None:
        """``catalog`` is the path of the catalog, which need not exist; the lock is ``<catalog>.lock``."""
        # By the real path: two names for one catalog have one lock.
        self.path = os.path.realpath(catalog) + ".lock"
        self._descriptor: int | None = None

    def __enter__(self) -> RunLock:
        """Raises LockHeld when another process holds it for longer than a moment, CatalogError when the file can't be
        made."""
        try:
            os.makedirs(os.path.dirname(self.path), _FOLDER_MODE, exist_ok=True)
            # What Python opens is closed in the programs that it starts (PEP 446).
            descriptor = os.open(self.path, os.O_RDWR | os.O_CREAT, _FILE_MODE)
        except OSError as error:
            raise _unusable(self.path, error) from error
        try:
            self._take(descriptor)
        except BaseException:
            os.close(descriptor)
            raise
        self._descriptor = descriptor
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._descriptor is not None:
            # Emptied, not removed: another process may just have opened this very file to lock it.
            os.ftruncate(self._descriptor, 0)
            # Said, for closing alone leaves it locked while a program is being started (between fork and exec).
            fcntl.flock(self._descriptor, fcntl.LOCK_UN)
            os.close(self._descriptor)
            self._descriptor = None

    def _take(self, descriptor: int) -> None:
        until = time.monotonic() + MOMENT
        while not self._taken(descriptor):
            if time.monotonic() > until:
                raise _held(self.path, os.pread(descriptor, _HELD_BYTES, 0))
            time.sleep(GLANCE)
        # The lock is had, whether its text can be written or, on a full disk, not.
        with suppress(OSError):
            os.ftruncate(descriptor, 0)
            os.pwrite(descriptor, _holder(), 0)

    def _taken(self, descriptor: int) -> bool:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return False
        except OSError as error:
            raise _unusable(self.path, error) from error
        return True


def _holder() -> bytes:
    """Three lines: process id, host, start time."""
    return f"{os.getpid()}\n{socket.gethostname()}\n{rfc3339(now())}\n".encode()


def _held(path: str, text: bytes) -> LockHeld:
    # A last line without its end is half-written.
    lines = text.decode("utf-8", "replace").split("\n")[:-1]
    known = " on ".join([f"process {lines[0]}", *lines[1:2]]) if lines else ""
    if len(lines) == 3:
        known += f", since {_readable(lines[2])}"
    return LockHeld(
        f"another run ({known}) is at work" if known else "another run is at work",
        hint=f"run again when it is done; its lock is {path}",
    )


def _readable(time: str) -> str:
    try:
        return local_time(parse_rfc3339(time))
    except ValueError:
        return time


def _unusable(path: str, error: OSError) -> CatalogError:
    return CatalogError(
        f"the lock {path} can't be had: {error.strerror}",
        hint=f"make {os.path.dirname(path)} writable for the user who runs glacier-backup, "
        "or name another place in `catalog`",
    )
