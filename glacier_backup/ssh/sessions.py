"""SFTP sessions for threads that know nothing of asyncio.

All that touches asyncssh runs in one thread, as coroutines that other threads hand in and wait for. OpenSSH takes 2 MiB
of a channel at a time before it wants to be asked again, so that one connection moves 2 MiB in one round trip at most:
several side by side are what hides a long way.
"""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Iterable, Iterator
from concurrent.futures import Future, wait
from contextlib import contextmanager
from typing import TYPE_CHECKING, TypeVar

from glacier_backup.errors import ServerError, ServerLost
from glacier_backup.ssh.files import OpenFiles
from glacier_backup.ssh.login import connect
from glacier_backup.ssh.loop import PATIENCE, Check, LoopClosed, LoopThread, Work
from glacier_backup.ssh.server import Server

if TYPE_CHECKING:
    import asyncssh

T = TypeVar("T")

ANSWER_TIMEOUT = 300.0
"""Seconds that an answer may take: a slow disk's flush of some MiB, or a few MiB over a very slow line."""

_LEAST_BLOCK = 32 * 1024
_MOST_BLOCK = 255 * 1024
"""Bytes of one request: every server takes the first (draft-ietf-secsh-filexfer-02, section 3), OpenSSH no more than
the second."""


class Session:
    """SFTP over one connection, used by several threads at the same time."""

    def __init__(
        self, server: Server, loop: LoopThread, connection: asyncssh.SSHClientConnection, sftp: asyncssh.SFTPClient
    ) -> None:
        self.sftp = sftp
        """For coroutines that :meth:`start` is given; paths are bytes."""
        self.files = OpenFiles(sftp)
        """Likewise."""
        self.read_block = max(_LEAST_BLOCK, min(sftp.limits.max_read_len, _MOST_BLOCK))
        self.write_block = max(_LEAST_BLOCK, min(sftp.limits.max_write_len, _MOST_BLOCK))
        """Bytes that one request is to ask for, and to carry."""
        self._server = server
        self._loop = loop
        self._connection = connection
        self._is_given_up = False

    @property
    def is_broken(self) -> bool:
        """Whether nothing goes over it any more."""
        return self._is_given_up or self._connection.is_closed()

    def start(self, work: Work[T]) -> Future[T]:
        """Have a coroutine run; its answer is for :meth:`wait`. Raises ServerError after close()."""
        try:
            return self._loop.start(_bounded(work))
        except LoopClosed:
            work.close()
            raise _closed(self._server) from None

    def wait(self, answer: Future[T], check: Check) -> T:
        """What a coroutine returned, or raised: an SFTPError that says no to what was asked for is asyncssh's own.

        Raises ServerLost when the connection broke or no answer came in time, ServerError after close(), and what
        ``check`` raises.
        """
        with self._translated():
            return self._loop.wait(answer, check)

    def run(self, work: Work[T], check: Check) -> T:
        """:meth:`start` and :meth:`wait`; what is waited for no longer is called off, and has ended at the return."""
        with self._translated():
            try:
                return self._loop.run(_bounded(work), check)
            finally:
                work.close()

    def settle(self, answers: Iterable[Future[T]], seconds: float) -> None:
        """Wait until all have ended, well or not; after so many seconds break the connection, which ends them."""
        if wait(answers, seconds).not_done:
            self.abort()
            wait(answers, PATIENCE)

    def abort(self) -> None:
        """Break the connection: nothing that was started goes on. From any thread."""
        self._is_given_up = True
        self._loop.call(self._connection.abort)

    def break_now(self) -> None:
        """:meth:`abort`, in the loop's thread."""
        self._connection.abort()

    @contextmanager
    def _translated(self) -> Iterator[None]:
        import asyncssh

        broken = (asyncssh.SFTPConnectionLost, asyncssh.SFTPNoConnection, asyncssh.SFTPBadMessage)
        try:
            yield
        except asyncssh.Error as error:
            if isinstance(error, asyncssh.SFTPError) and not isinstance(error, broken):
                raise
            raise self._lost(str(error)) from error
        except _TookTooLong:
            raise self._lost(f"no answer within {ANSWER_TIMEOUT:.0f} s") from None
        except LoopClosed:
            raise _closed(self._server) from None
        except (ConnectionError, BrokenPipeError) as error:
            raise self._lost(error.strerror or str(error)) from error

    def _lost(self, cause: str) -> ServerLost:
        self.abort()
        return ServerLost(f"{self._server}: the connection broke: {cause}")


class _TookTooLong(Exception):
    pass


async def _bounded(work: Work[T]) -> T:
    try:
        async with asyncio.timeout(ANSWER_TIMEOUT):
            return await work
    except TimeoutError:
        raise _TookTooLong from None


class _Slot:
    """Where one connection is, or will be."""

    def __init__(self) -> None:
        self.users = 0
        self.opening: asyncio.Task[Session] | None = None

    @property
    def session(self) -> Session | None:
        """The session, where it is open."""
        task = self.opening
        if task is None or not task.done() or task.cancelled() or task.exception() is not None:
            return None
        return None if task.result().is_broken else task.result()


class Connections:
    """Up to ``server.connections`` connections to one server, made as they are needed, and anew after a break.

    Safe to use from several threads. Nothing is connected, and no thread started, before the first session.
    """

    def __init__(self, server: Server) -> None:
        self.server = server
        self._slots = [_Slot() for _ in range(server.connections)]
        self._loop: LoopThread | None = None
        self._is_closed = False
        self._lock = threading.Lock()

    @contextmanager
    def session(self, check: Check) -> Iterator[Session]:
        """The session that has least to do, for as long as the block runs.

        Raises ServerUnreachable, ServerLost and ServerError as :func:`~glacier_backup.ssh.login.connect` does, and what
        ``check`` raises, which is asked while connecting.
        """
        loop, slot = self._started(), self._seat()
        try:
            try:
                session = loop.run(self._open(slot, loop), check)
            except LoopClosed:
                raise _closed(self.server) from None
            yield session
        finally:
            self._leave(slot)

    def forget(self, path: bytes) -> None:
        """Let go of what sessions have open of a file."""
        with self._lock:
            loop = self._loop
        if loop is not None:
            loop.call(self._forget, path)

    def close(self) -> None:
        """Break all connections and end the thread, without waiting for a server; what waits elsewhere is called
        off."""
        with self._lock:
            self._is_closed = True
            loop = self._loop
        if loop is not None:
            loop.stop(self._break)

    def _started(self) -> LoopThread:
        with self._lock:
            if self._is_closed:
                raise _closed(self.server)
            if self._loop is None:
                self._loop = LoopThread()
            return self._loop

    def _seat(self) -> _Slot:
        """The slot to use: an open one that is idle, else one that isn't open yet, else the one with fewest users."""
        with self._lock:
            slot = min(self._slots, key=lambda one: (one.users, one.session is None))
            slot.users += 1
            return slot

    def _leave(self, slot: _Slot) -> None:
        with self._lock:
            slot.users -= 1

    async def _open(self, slot: _Slot, loop: LoopThread) -> Session:
        task = slot.opening
        if task is None or (task.done() and slot.session is None):
            task = slot.opening = asyncio.ensure_future(_session(self.server, loop))
        try:
            return await asyncio.shield(task)
        except ServerError:
            # A server may allow fewer connections than it was asked for: those that there are will do.
            for other in self._slots:
                if (session := other.session) is not None:
                    return session
            raise

    def _forget(self, path: bytes) -> None:
        for slot in self._slots:
            if (session := slot.session) is not None:
                session.files.forget(path)

    def _break(self) -> None:
        for slot in self._slots:
            if (session := slot.session) is not None:
                session.break_now()


async def _session(server: Server, loop: LoopThread) -> Session:
    import asyncssh

    connection = await connect(server)
    try:
        async with asyncio.timeout(ANSWER_TIMEOUT):
            sftp = await connection.start_sftp_client(path_encoding=None)
        return Session(server, loop, connection, sftp)
    except (asyncssh.ChannelOpenError, asyncssh.SFTPError) as error:
        if connection.is_closed():
            raise ServerLost(f"{server}: the connection broke: {error}") from error
        connection.abort()
        raise ServerError(f"{server}: the server offers no SFTP: {error}") from error
    except (asyncssh.Error, OSError) as error:
        connection.abort()
        raise ServerLost(f"{server}: the connection broke: {error}") from error
    except BaseException:
        connection.abort()
        raise


def _closed(server: Server) -> ServerError:
    return ServerError(f"{server}: the connections were closed")
