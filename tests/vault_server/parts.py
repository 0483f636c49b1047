"""One part on its way into an upload's file.

A part that is new is written straight to its place, so that completing copies nothing. A part that is already there
(or that another connection is just writing) is first written beside, and only replaces the old one once it proved
whole: a second try that fails must not damage the first.
"""

from __future__ import annotations

import os
import shutil
import threading
from pathlib import Path


class PartWriter:
    """Takes a part's bytes in order. `revoke` from another thread makes it forget what comes, without an error."""

    def __init__(self, path: Path, offset: int) -> None:
        self.path = path
        self.revoked = False
        self._offset = offset
        self._lock = threading.Lock()
        self._file = os.open(path, os.O_WRONLY | os.O_CREAT, 0o644)

    def write(self, block: memoryview) -> None:
        """Put a block behind the last one."""
        with self._lock:
            if not self.revoked:
                os.pwrite(self._file, block, self._offset)
                self._offset += len(block)

    def revoke(self) -> None:
        """From the return of this call on nothing is written any more."""
        with self._lock:
            self.revoked = True

    def close(self) -> None:
        """Let the file go."""
        self.revoke()
        os.close(self._file)


def copy_into(source: Path, target: Path, offset: int) -> None:
    """Put the whole of one file into another from `offset` on, and remove the first."""
    with source.open("rb") as taken, target.open("r+b") as given:
        given.seek(offset)
        shutil.copyfileobj(taken, given, 1 << 20)
    source.unlink()
