"""An SSH server that does as it is told: passwords, refusals, an archive gateway. asyncssh's own, in a thread."""

from __future__ import annotations

import asyncio
import os
import threading
from collections.abc import AsyncIterator, Callable, Coroutine
from dataclasses import dataclass, field
from io import BufferedIOBase, RawIOBase
from pathlib import Path
from types import TracebackType
from typing import Any, Literal

import asyncssh

from glacier_backup.ssh import Server

USER = "pca"
PASSWORD = "tenant.user.correct horse"

Operation = Literal["rename", "stat", "read", "list", "remove", "mkdir", "fsync", "write"]


@dataclass
class Script:
    """What the server is to do; may be changed at any time."""

    refused: set[Operation] = field(default_factory=set)
    """Answered with "Permission denied"; hard links and posix-rename go with ``rename``."""
    error: Callable[[], asyncssh.SFTPError] = lambda: asyncssh.SFTPPermissionDenied("Permission denied")
    """What a refusal is."""
    gateway: bool = False
    """Whether a file that was written and closed is sealed, and has to be written from front to end."""
    seen: list[tuple[str, str]] = field(default_factory=list)
    """Operation and path of all that was asked for."""
    unsealed: set[str] = field(default_factory=set)
    """Files that can be read."""
    unsealing: set[str] = field(default_factory=set)
    """Files that somebody has tried to read."""
    hangs: bool = False
    """Whether writes are never answered."""
    listed_too: list[bytes] = field(default_factory=list)
    """Names that every listing ends with, as those of directories."""


class ScriptedServer:
    """Runs for the length of a ``with`` block; ``root`` is what clients see as ``/``."""

    def __init__(self, root: Path, script: Script | None = None) -> None:
        self.root = root
        self.script = script or Script()
        self.port = 0
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, daemon=True)
        self._key = asyncssh.generate_private_key("ssh-ed25519")
        self._listening: asyncssh.SSHAcceptor | None = None
        self._connections: set[asyncssh.SSHServerConnection] = set()
        self._files: list[_Open] = []

    def __enter__(self) -> ScriptedServer:
        self.root.mkdir(parents=True, exist_ok=True)
        self._thread.start()
        self._run(self._listen())
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self._run(self._stop())
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(10)
        self._loop.close()

    @property
    def host_key(self) -> str:
        return " ".join(self._key.export_public_key().decode().split()[:2])

    def server(self, password: str | None = PASSWORD, connections: int = 4) -> Server:
        """What is needed to log in."""
        return Server("127.0.0.1", self.port, USER, password=password, host_key=self.host_key, connections=connections)

    def open_files(self) -> int:
        """How many files clients have open."""
        return sum(not file.is_closed for file in self._files)

    def _run(self, work: Coroutine[Any, Any, None]) -> None:
        asyncio.run_coroutine_threadsafe(work, self._loop).result(30)

    async def _listen(self) -> None:
        connections = self._connections

        class Doorkeeper(asyncssh.SSHServer):
            def connection_made(self, conn: asyncssh.SSHServerConnection) -> None:
                connections.add(conn)

            def password_auth_supported(self) -> bool:
                return True

            def validate_password(self, username: str, password: str) -> bool:
                return (username, password) == (USER, PASSWORD)

        def files(channel: asyncssh.SSHServerChannel[bytes]) -> asyncssh.SFTPServer:
            return _Files(channel, os.fsencode(self.root), self.script, self._files)

        self._listening = await asyncssh.listen(
            "127.0.0.1", 0, server_host_keys=[self._key], server_factory=Doorkeeper, sftp_factory=files
        )
        self.port = self._listening.get_port()

    async def _stop(self) -> None:
        if self._listening is not None:
            self._listening.close()
        for connection in self._connections:
            connection.abort()
        await asyncio.sleep(0)
        tasks = asyncio.all_tasks() - {asyncio.current_task()}
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        for file in self._files:  # asyncssh leaves open what a connection that broke had open
            file.close()


class _Open:
    """An open file."""

    def __init__(self, file: object, path: str, written: bool) -> None:
        self.file = file
        self.path = path
        self.written = written
        self.end = 0

    @property
    def is_closed(self) -> bool:
        return isinstance(self.file, BufferedIOBase | RawIOBase) and self.file.closed

    def close(self) -> None:
        if isinstance(self.file, BufferedIOBase | RawIOBase):
            self.file.close()


class _Files(asyncssh.SFTPServer):
    def __init__(
        self, channel: asyncssh.SSHServerChannel[bytes], root: bytes, script: Script, files: list[_Open]
    ) -> None:
        super().__init__(channel, chroot=root)
        self._files = files
        self._script = script

    def _ask(self, operation: Operation, path: bytes = b"") -> None:
        self._script.seen.append((operation, os.fsdecode(path)))
        if operation in self._script.refused:
            raise self._script.error()

    def open(self, path: bytes, pflags: int, attrs: asyncssh.SFTPAttrs) -> object:
        name = os.fsdecode(path)
        if pflags & asyncssh.FXF_READ:
            self._ask("read", path)
        if pflags & asyncssh.FXF_WRITE:
            self._ask("write", path)
        elif self._script.gateway and os.path.exists(self.map_path(path)) and name not in self._script.unsealed:
            self._script.unsealing.add(name)
            raise asyncssh.SFTPFailure("the object is sealed")
        file = _Open(super().open(path, pflags, attrs), name, bool(pflags & asyncssh.FXF_WRITE))
        self._files.append(file)
        return file

    def close(self, file_obj: object) -> Any:
        assert isinstance(file_obj, _Open)
        if file_obj.written:
            self._script.unsealed.discard(file_obj.path)
        return super().close(file_obj.file)

    def read(self, file_obj: object, offset: int, size: int) -> Any:
        assert isinstance(file_obj, _Open)
        return super().read(file_obj.file, offset, size)

    async def write(self, file_obj: object, offset: int, data: bytes) -> int:
        assert isinstance(file_obj, _Open)
        if self._script.hangs:
            await asyncio.sleep(3600)
        if self._script.gateway and offset != file_obj.end:
            raise asyncssh.SFTPFailure("only from front to end")
        file_obj.end = offset + len(data)
        written = super().write(file_obj.file, offset, data)
        assert isinstance(written, int)
        return written

    def fstat(self, file_obj: object) -> Any:
        assert isinstance(file_obj, _Open)
        self._ask("stat", os.fsencode(file_obj.path))
        return super().fstat(file_obj.file)

    def fsetstat(self, file_obj: object, attrs: asyncssh.SFTPAttrs) -> Any:
        assert isinstance(file_obj, _Open)
        return super().fsetstat(file_obj.file, attrs)

    def fsync(self, file_obj: object) -> Any:
        assert isinstance(file_obj, _Open)
        self._ask("fsync", os.fsencode(file_obj.path))
        return super().fsync(file_obj.file)

    def stat(self, path: bytes) -> Any:
        self._ask("stat", path)
        return super().stat(path)

    def lstat(self, path: bytes) -> Any:
        self._ask("stat", path)
        return super().lstat(path)

    async def scandir(self, path: bytes) -> AsyncIterator[asyncssh.SFTPName]:
        self._ask("list", path)
        async for name in super().scandir(path):
            yield name
        for more in self._script.listed_too:
            yield asyncssh.SFTPName(more, attrs=asyncssh.SFTPAttrs(permissions=0o40755, size=0, mtime=0))

    def remove(self, path: bytes) -> Any:
        self._ask("remove", path)
        return super().remove(path)

    def mkdir(self, path: bytes, attrs: asyncssh.SFTPAttrs) -> Any:
        self._ask("mkdir", path)
        return super().mkdir(path, attrs)

    def rename(self, oldpath: bytes, newpath: bytes) -> Any:
        self._ask("rename", oldpath)
        return super().rename(oldpath, newpath)

    def posix_rename(self, oldpath: bytes, newpath: bytes) -> Any:
        self._ask("rename", oldpath)
        return super().posix_rename(oldpath, newpath)

    def link(self, oldpath: bytes, newpath: bytes) -> Any:
        self._ask("rename", oldpath)
        return super().link(oldpath, newpath)
