"""Files of one session that stay open between two uses: opening and closing cost a round trip each."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Coroutine
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import asyncssh

MOST_IDLE = 8
"""Files that stay open though nobody uses them."""


class _OpenFile:
    def __init__(self, flags: int, opening: asyncio.Task[asyncssh.SFTPClientFile]) -> None:
        self.flags = flags
        self.opening = opening
        self.users = 0
        self.is_left = False
        """Whether it was opened in another way since: who uses it last closes it."""

    @property
    def is_open(self) -> bool:
        return self.opening.done() and not self.opening.cancelled() and self.opening.exception() is None


class OpenFiles:
    """Only for coroutines of the loop that runs the session."""

    def __init__(self, sftp: asyncssh.SFTPClient) -> None:
        self._sftp = sftp
        self._files: dict[bytes, _OpenFile] = {}
        self._closing: set[asyncio.Task[None]] = set()

    @asynccontextmanager
    async def use(self, path: bytes, flags: int) -> AsyncIterator[asyncssh.SFTPClientFile]:
        """The file, opened with ``flags`` (FXF_READ, FXF_WRITE) if it isn't yet. Each read and each write is one
        request. Raises SFTPError."""
        file = self._files.pop(path, None)
        if file is None or file.flags != flags:
            if file is not None:
                self._leave(file)
            opening = self._sftp.open(path, flags, encoding=None, block_size=0)
            file = _OpenFile(flags, asyncio.ensure_future(_awaited(opening)))
        self._files[path] = file  # behind those that were used longer ago
        file.users += 1
        try:
            yield await asyncio.shield(file.opening)
        finally:
            file.users -= 1
            if file.is_left:
                self._leave(file)
            if file.opening.done() and not file.is_open and self._files.get(path) is file:
                del self._files[path]
            self._close_idle()

    async def close(self, path: bytes) -> None:
        """Close a file, where it is open."""
        file = self._files.pop(path, None)
        if file is not None and file.is_open:
            await file.opening.result().close()

    def forget(self, path: bytes) -> None:
        """:meth:`close`, and nobody waits."""
        self._later(self.close(path))

    def _leave(self, file: _OpenFile) -> None:
        file.is_left = True
        if not file.users:
            self._later(_closed(file))

    def _later(self, work: Coroutine[Any, Any, None]) -> None:
        task = asyncio.ensure_future(_quietly(work))
        self._closing.add(task)  # the loop itself remembers it weakly
        task.add_done_callback(self._closing.discard)

    def _close_idle(self) -> None:
        idle = [path for path, file in self._files.items() if not file.users and file.opening.done()]
        for path in idle[:-MOST_IDLE]:
            self.forget(path)


async def _awaited(opening: Any) -> asyncssh.SFTPClientFile:
    file: asyncssh.SFTPClientFile = await opening
    return file


async def _closed(file: _OpenFile) -> None:
    await (await file.opening).close()


async def _quietly(work: Coroutine[Any, Any, None]) -> None:
    await asyncio.gather(work, return_exceptions=True)
