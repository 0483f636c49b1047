"""The bytes of one upload on their way to an SFTP server."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future
from contextlib import ExitStack, contextmanager
from typing import TYPE_CHECKING, NamedTuple, TypeVar

from glacier_backup.destination.destination import Check
from glacier_backup.destination.multipart import Part
from glacier_backup.destination.servers import files as sftp_files
from glacier_backup.destination.servers.errors import is_missing, is_refusal, translated
from glacier_backup.destination.servers.paths import AnyRemotePaths
from glacier_backup.destination.servers.server import SftpServer
from glacier_backup.errors import DestinationError, ServerLost, UploadLost
from glacier_backup.ssh import Session
from glacier_backup.units import KIB, MIB

if TYPE_CHECKING:
    import asyncssh

T = TypeVar("T")

LEAST_CHUNK = 128 * KIB
"""Bytes that are not divided any more, however soon connections break."""

SETTLE = 2.0
"""Seconds that what is under way is given to arrive when an upload is given up, so that nothing arrives after it."""


class Chunk(NamedTuple):
    """Some bytes of a part, sent and acknowledged as one."""

    offset: int
    """In the file."""
    data: memoryview


def _chunks(part: Part) -> list[Chunk]:
    return [Chunk(part.start + at, part.data[at : at + part.chunk]) for at in range(0, len(part.data), part.chunk)]


class _Progress:
    """How far one part has come."""

    def __init__(self, chunks: list[Chunk], *, may_be_there: bool) -> None:
        self.doubtful = chunks if may_be_there else []
        """Perhaps stored: to be read back first."""
        self.left = [] if may_be_there else chunks
        """To be sent."""
        self.at_once = sftp_files.IN_FLIGHT
        """Bytes that may be under way."""
        self._least = self._work()

    def is_better(self) -> bool:
        """Whether there is less to be done than ever before."""
        before, self._least = self._least, min(self._least, self._work())
        return self._least < before

    def step_down(self) -> None:
        """Smaller steps, so that one gets through before the connection breaks again."""
        self.at_once = max(LEAST_CHUNK, self.at_once // 2)
        self.left = [half for chunk in self.left for half in _halves(chunk)]
        self.doubtful = [half for chunk in self.doubtful for half in _halves(chunk)]

    def _work(self) -> int:
        """Bytes to be moved."""
        return sum(len(chunk.data) for chunks in (self.left, self.left, self.doubtful) for chunk in chunks)


def _halves(chunk: Chunk) -> list[Chunk]:
    half = len(chunk.data) // 2
    if half < LEAST_CHUNK:
        return [chunk]
    return [Chunk(chunk.offset, chunk.data[:half]), Chunk(chunk.offset + half, chunk.data[half:])]


class Sending:
    """Writes parts at their places in one file that is there already, over several connections.

    A part counts as stored when all of it was acknowledged and then flushed to the server's disk, where that is
    offered. What was only acknowledged when a connection broke is read back before it is relied on: the server may
    have gone down. Where nothing can be read back, its word has to do.
    """

    def __init__(self, server: SftpServer, where: str, path: bytes, *, may_be_there: bool) -> None:
        self._server = server
        self._where = where
        self._path = path
        self._may_be_there = may_be_there

    def store(self, part: Part) -> None:
        """Have all of ``part`` on the server's disk. Raises UploadLost where the file is gone."""
        progress = _Progress(_chunks(part), may_be_there=self._may_be_there and self._server.reads)
        with self._translated():
            while progress.left or progress.doubtful:
                self._server.repeat(lambda: self._try(part, progress), lambda: part.sent(0))

    def _try(self, part: Part, progress: _Progress) -> None:
        """One try, over one connection: what it came to is in ``progress``. A server that breaks every connection
        sooner or later is put up with as long as each gets something done."""
        acknowledged: list[Chunk] = []
        try:
            with self._server.session(lambda: part.sent(0)) as session:
                self._compare(session, part, progress)
                self._write(session, part, progress, acknowledged)
                session.run(self._sync(session), lambda: part.sent(0))
        except ServerLost:
            if self._server.reads:
                progress.doubtful += acknowledged
                part.kept(-sum(len(chunk.data) for chunk in acknowledged))
            if not progress.is_better():
                progress.step_down()
                raise

    def _compare(self, session: Session, part: Part, progress: _Progress) -> None:
        """Read back what is in doubt."""

        def start(chunk: Chunk) -> Future[bool | None]:
            return session.start(self._same(session, chunk))

        for chunk, same in _in_order(session, progress.doubtful, progress.at_once, start, lambda: part.sent(0)):
            progress.doubtful.remove(chunk)
            if same:
                part.kept(len(chunk.data))
            else:
                progress.left.append(chunk)
            if same is None:
                self._server.writes_only()

    def _write(self, session: Session, part: Part, progress: _Progress, acknowledged: list[Chunk]) -> None:
        counted = 0

        def start(chunk: Chunk) -> Future[None]:
            nonlocal counted
            part.sent(len(chunk.data))
            counted += len(chunk.data)
            return session.start(self._put(session, chunk))

        try:
            for chunk, _ in _in_order(session, progress.left, progress.at_once, start, lambda: part.sent(0)):
                progress.left.remove(chunk)
                acknowledged.append(chunk)
                counted -= len(chunk.data)
        except ServerLost:
            part.kept(-counted)
            raise

    async def _same(self, session: Session, chunk: Chunk) -> bool | None:
        """Whether these bytes are stored; None where they can't be read."""
        import asyncssh

        found = bytearray(len(chunk.data))
        try:
            async with session.files.use(self._path, asyncssh.FXF_READ | asyncssh.FXF_WRITE) as file:
                count = await sftp_files.read(session, file, memoryview(found), chunk.offset)
        except asyncssh.SFTPError as error:
            if not is_refusal(error):
                raise
            return None
        return count == len(found) and found == chunk.data

    async def _put(self, session: Session, chunk: Chunk) -> None:
        import asyncssh

        try:
            async with session.files.use(self._path, self._flags()) as file:
                await sftp_files.write(session, file, chunk.data, chunk.offset)
        except asyncssh.SFTPFailure as error:
            if await _is_full(session, self._path):
                raise asyncssh.SFTPNoSpaceOnFilesystem(error.reason) from error
            raise

    async def _sync(self, session: Session) -> None:
        async with session.files.use(self._path, self._flags()) as file:
            await sftp_files.sync(file)

    def _flags(self) -> int:
        import asyncssh

        return asyncssh.FXF_WRITE | (asyncssh.FXF_READ if self._may_be_there and self._server.reads else 0)

    def finish(self, size: int, check: Check) -> None:
        """Cut off what lies behind ``size`` bytes, and see that all are there."""

        async def finished(session: Session) -> None:
            async with session.files.use(self._path, self._flags()) as file:
                found = (await sftp_files.look(session, self._path)).size
                if found is not None and found > size:
                    await file.truncate(size)
                await sftp_files.sync(file)
            await session.files.close(self._path)

        with self._translated():
            self._server.ask(self._where, finished, check)
        self._server.forget(self._path)

    @contextmanager
    def _translated(self) -> Iterator[None]:
        try:
            with translated(self._where):
                yield
        except DestinationError as error:
            if isinstance(error.__cause__, Exception) and is_missing(error.__cause__):
                raise UploadLost(f"{self._where}: somebody has removed what was sent") from error
            raise

    def clear(self) -> None:
        """Give the room back: what refused some of it isn't trusted with the rest."""

        async def cleared(session: Session) -> None:
            async with session.files.use(self._path, self._flags()) as file:
                await file.truncate(0)

        self._server.ask(self._where, cleared, lambda: None)


class InOneGo:
    """Writes a file from front to end over one connection, and closes it: all that an archive gateway takes.

    Nothing of it can be gone on with. For one connection and one thread at a time.
    """

    def __init__(self, server: SftpServer, where: str, paths: AnyRemotePaths) -> None:
        self._server = server
        self._where = where
        self._paths = paths
        self._held = ExitStack()
        self._open: tuple[Session, asyncssh.SFTPClientFile] | None = None

    def store(self, part: Part) -> None:
        """Write one part behind the one before. Raises UploadLost when the connection broke."""
        with self._translated():
            session, file = self._file(lambda: part.sent(0))

            def start(chunk: Chunk) -> Future[None]:
                part.sent(len(chunk.data))
                return session.start(sftp_files.write(session, file, chunk.data, chunk.offset))

            for _ in _in_order(session, _chunks(part), sftp_files.IN_FLIGHT, start, lambda: part.sent(0)):
                pass

    def finish(self, check: Check) -> None:
        """Close the file: that is what seals it."""
        with self._translated():
            session, file = self._file(check)
            session.run(file.close(), check)

    def close(self) -> None:
        """Let go of the connection."""
        self._held.close()

    def _file(self, check: Check) -> tuple[Session, asyncssh.SFTPClientFile]:
        if self._open is None:
            # Nothing is sent yet, so that this can be tried again.
            session = self._server.repeat(lambda: self._held.enter_context(self._server.session(check)), check)
            self._open = (
                session,
                session.run(sftp_files.open_new(session, self._paths.archive, self._paths.root), check),
            )
        return self._open

    @contextmanager
    def _translated(self) -> Iterator[None]:
        with translated(self._where):
            try:
                yield
            except ServerLost as error:
                raise UploadLost(f"{self._where}: {error}; a file there can't be gone on with") from error


def _in_order(
    session: Session, chunks: Iterable[Chunk], at_once: int, start: Callable[[Chunk], Future[T]], check: Check
) -> Iterator[tuple[Chunk, T]]:
    """What ``start`` of each chunk came to, in order, ``at_once`` bytes under way at a time; none at the end."""
    under_way: deque[tuple[Chunk, Future[T]]] = deque()

    def finished() -> tuple[Chunk, T]:
        chunk, future = under_way[0]
        answer = session.wait(future, check)
        under_way.popleft()
        return chunk, answer

    try:
        for chunk in list(chunks):
            under_way.append((chunk, start(chunk)))
            if sum(len(one.data) for one, _ in under_way) >= at_once:
                yield finished()
        while under_way:
            yield finished()
    finally:
        session.settle([future for _, future in under_way], SETTLE)


async def _is_full(session: Session, path: bytes) -> bool:
    """Whether a refusal that says nothing is about room: fewer bytes are free than a write has."""
    free = await sftp_files.free(session, path)
    return free is not None and free < MIB
