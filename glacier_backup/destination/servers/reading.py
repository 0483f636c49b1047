"""Reading archives back from an SFTP server, over several connections at a time."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor, wait

from glacier_backup.destination.destination import Check
from glacier_backup.destination.layout import is_dated
from glacier_backup.destination.servers import files as sftp_files
from glacier_backup.destination.servers.errors import is_missing, is_refusal
from glacier_backup.destination.servers.examining import examined
from glacier_backup.destination.servers.paths import below, is_odd, remote, remote_paths
from glacier_backup.destination.servers.server import SftpServer
from glacier_backup.errors import DestinationError, NotThawed, VolumeMissing
from glacier_backup.model.thaw import Stored
from glacier_backup.ssh import Session
from glacier_backup.ssh.loop import Work
from glacier_backup.units import MIB

LEAST_PIECE = 4 * MIB
"""Bytes below which it isn't worth a second connection."""


class Reading:
    """What is stored below one directory. Every method raises VolumeMissing for what isn't there."""

    def __init__(self, server: SftpServer, where: Callable[[str], str], directory: str, most: int) -> None:
        """``most`` connections are read from at a time; ``where`` names a locator for people."""
        self._server = server
        self._where = where
        self._directory = directory
        self._most = most
        self._pool = ThreadPoolExecutor(most, thread_name_prefix="fetch")

    def is_there(self, locator: str, check: Check) -> None:
        """Raise VolumeMissing unless it is, or the server doesn't tell."""
        path = self._path(locator)

        async def seen(session: Session) -> sftp_files.Seen:
            return await sftp_files.look(session, path)

        found = self._server.ask(self._where(locator), seen, check)
        if found.is_there is False or found.is_folder:
            raise VolumeMissing(f"{self._where(locator)}: nothing is stored there")

    def into(self, locator: str, start: int, buffer: memoryview, check: Check) -> int:
        """Fill ``buffer`` with the bytes from ``start`` on; how many there were. Raises NotThawed where the server
        refuses to read what is there."""
        path = self._path(locator)
        size = max(LEAST_PIECE, -(-len(buffer) // self._most))
        pieces = [(at, buffer[at : at + size]) for at in range(0, len(buffer), size)] or [(0, buffer)]
        if len(pieces) == 1:
            return self._piece(locator, path, start, buffer, check)
        futures = [self._pool.submit(self._piece, locator, path, start + at, piece, check) for at, piece in pieces]
        return _whole(futures, [len(piece) for _, piece in pieces])

    def _piece(self, locator: str, path: bytes, start: int, buffer: memoryview, check: Check) -> int:
        async def read(session: Session) -> int:
            import asyncssh

            async with session.files.use(path, asyncssh.FXF_READ) as file:
                return await sftp_files.read(session, file, buffer, start)

        try:
            return self._server.ask(self._where(locator), read, check)
        except DestinationError as error:
            cause = error.__cause__
            if isinstance(cause, Exception) and is_missing(cause):
                raise VolumeMissing(f"{self._where(locator)}: nothing is stored there") from error
            if isinstance(cause, Exception) and is_refusal(cause):
                raise NotThawed(str(error), hint=error.hint) from error
            raise

    def examine(self, stored: Stored, check: Check, *, texts: bool) -> Stored:
        """What is listed, with the size that it has now, and with ``texts`` what lies beside an archive."""
        self._path(stored.locator)
        paths = remote_paths(self._directory, stored.locator)
        texts = texts and is_dated(stored.locator)

        def looked(session: Session) -> Work[Stored | None]:
            return examined(session, stored, paths, texts=texts)

        found = self._server.ask(self._where(stored.locator), looked, check)
        if found is None:
            raise VolumeMissing(f"{self._where(stored.locator)}: nothing is stored there")
        return found

    def _path(self, locator: str) -> bytes:
        if is_odd(locator):
            raise VolumeMissing(f"{locator!r} can't be the name of an archive")
        return remote(below(self._directory, locator))

    def close(self) -> None:
        """Let the threads go, without waiting."""
        self._pool.shutdown(wait=False, cancel_futures=True)


def _whole(futures: list[Future[int]], sizes: list[int]) -> int:
    """How many bytes there are from the first on, when all pieces have ended."""
    wait(futures)  # also where one has failed: the others still write to the buffer
    counts = [future.result() for future in futures]
    total = 0
    for count, size in zip(counts, sizes, strict=True):
        total += count
        if count < size:
            break
    return total
