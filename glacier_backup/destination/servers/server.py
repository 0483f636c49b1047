"""One SFTP server: requests repeated as often as it takes, and what was found out about what it allows."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TypeVar

from glacier_backup.destination.destination import Check
from glacier_backup.destination.remarks import Note, Remarks, Waiting
from glacier_backup.destination.retrying import Retrier
from glacier_backup.destination.servers.errors import translated, verdict
from glacier_backup.ssh import Connections, Server, Session
from glacier_backup.ssh.loop import Work

T = TypeVar("T")


class SftpServer:
    """Safe to use from several threads; ``check`` is asked while waiting, and what it raises ends it.

    Every method raises DestinationUnavailable when the server can't be used, DestinationError when it refuses this.
    """

    def __init__(self, server: Server, waiting: Waiting | None, note: Note | None) -> None:
        self._connections = Connections(server)
        self.tell = Remarks(str(server), note)
        tell = None if waiting is None else lambda error, seconds: waiting(str(error), seconds)
        # SFTP knows no throttling, so nothing is ever held back; each connection takes what it can.
        self._retrier = Retrier(verdict, most=1024, tell=tell)
        self.renames: bool | None = None
        """Whether files can be given another name; None until that was seen."""
        self.reads = True
        """Whether what was written can be read back, as far as was seen."""

    def ask(self, where: str, work: Callable[[Session], Work[T]], check: Check) -> T:
        """What a coroutine of a session returns, tried again where the connection broke: it must be repeatable."""

        def request() -> T:
            check()
            with self.session(check) as session:
                return session.run(work(session), check)

        with translated(where):
            return self.repeat(request, check)

    def repeat(self, request: Callable[[], T], check: Check) -> T:
        """Any other request, with errors as they are."""
        return self._retrier(request, check)

    @contextmanager
    def session(self, check: Check) -> Iterator[Session]:
        """A session for one try."""
        with self._connections.session(check) as session:
            yield session

    def forget(self, path: bytes) -> None:
        """Let go of what is open of a file that is gone."""
        self._connections.forget(path)

    def writes_only(self) -> None:
        """Note that nothing can be read back."""
        self.reads = False
        self.tell("it lets nobody read what was written: an interrupted upload is sent again from its beginning")

    def close(self) -> None:
        """Let go of the connections."""
        self._connections.close()
