"""Many names, one after the other, most of which lie in the folder of the one before."""

from __future__ import annotations

import os
from collections.abc import Sequence
from contextlib import ExitStack

from glacier_backup.workflow.restoring import beneath


class Nearby:
    """The folder that was asked for last stays open. A context manager."""

    def __init__(self, top: int, *, make: bool = False) -> None:
        """Below the directory open as ``top``; ``make`` as of :func:`beneath.folder`."""
        self._top = top
        self._make = make
        self._names: Sequence[str] | None = None
        self._folder = -1
        self._open = ExitStack()

    def __enter__(self) -> Nearby:
        return self

    def __exit__(self, *_: object) -> None:
        self._open.close()

    def folder(self, names: Sequence[str]) -> int:
        """The directory of these names, open until another one is asked for. Raises OSError."""
        if names != self._names:
            self._names = None
            self._open.close()
            self._folder = self._open.enter_context(beneath.folder(self._top, names, make=self._make))
            self._names = names
        return self._folder

    def look(self, names: Sequence[str]) -> os.stat_result | None:
        """What bears that name, a link as itself; None where nothing does, or nothing can. Raises OSError."""
        try:
            return os.stat(names[-1], dir_fd=self.folder(names[:-1]), follow_symlinks=False)
        except OSError as error:
            if beneath.is_nothing(error):
                return None
            raise

    def leads_to(self, names: Sequence[str]) -> str:
        """The target of a symlink. Raises OSError."""
        return os.readlink(names[-1], dir_fd=self.folder(names[:-1]))
