"""The files of one server, for threads that know nothing of connections: these are made anew as often as it takes."""

from __future__ import annotations

import random
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from typing import NamedTuple, TypeVar

from glacier_backup.errors import ServerError, ServerLost, ServerUnreachable
from glacier_backup.ordering import Ordering
from glacier_backup.ssh import reading
from glacier_backup.ssh.entries import Attributes, Entry, as_piece
from glacier_backup.ssh.loop import GLANCE, Check, Work
from glacier_backup.ssh.reading import Done, Range, Read
from glacier_backup.ssh.sessions import Connections, Session
from glacier_backup.units import KIB, MIB

T = TypeVar("T")
U = TypeVar("U")

TRIES = 10
"""Of one request that comes no further, once somebody has answered."""
FIRST_TRIES = 4
"""Before anybody has: a wrong address never will."""
FIRST_WAIT = 0.5
LONGEST_WAIT = 30.0
"""Seconds; each wait is up to twice as long as the one before."""
MEMORY = 60.0
"""Seconds for which a server that can't be used is not tried again: there may be thousands who ask."""
IN_VAIN = 3
"""Requests that broke the connection again and again, with none answered between: then it isn't their fault."""

STEP = 5_000
"""Entries of a directory listed as one piece of work."""

SMALL = 128 * KIB
"""Bytes; files up to that are read many at a time."""


class Listing(NamedTuple):
    """Entries of a directory."""

    pieces: Ordering
    """In the order of names; :func:`~glacier_backup.ssh.entries.from_piece` makes entries of them."""
    length: int


def nothing() -> None:
    """The check of who is never to be stopped."""


class Remote:
    """Reads, and never writes. Safe to use from several threads.

    Paths are bytes. Every method raises OSError for what the server refuses; ServerError when it can't be used, after
    trying for some minutes where the connection breaks; and what ``check`` raises, which is asked while waiting.
    """

    def __init__(self, connections: Connections, check: Check = nothing) -> None:
        """``check`` is asked by all methods, beside the one that they are given."""
        self._connections = connections
        self._check = check
        self._reached = False
        self._in_vain = 0
        self._unusable: tuple[float, ServerError] | None = None
        self._lock = threading.Lock()

    @property
    def width(self) -> int:
        """How many connections there may be."""
        return self._connections.server.connections

    def look(self, path: bytes, follow: bool = True, check: Check = nothing) -> Attributes:
        """What lies there, or, unless told not to, what a link there points to."""
        return self.ask(lambda session: reading.look(session, path, follow), check)

    def look_all(
        self, paths: Sequence[bytes], follow: bool = True, check: Check = nothing
    ) -> list[Attributes | OSError]:
        """:meth:`look`, at many; what it raises is returned."""
        return self._of_all(paths, lambda session, path: reading.look(session, path, follow), check)

    def link_target(self, path: bytes, check: Check = nothing) -> bytes:
        """What a link says."""
        return self.ask(lambda session: reading.link_target(session, path), check)

    def link_targets(self, paths: Sequence[bytes], check: Check = nothing) -> list[bytes | OSError]:
        """:meth:`link_target`, of many; what it raises is returned."""
        return self._of_all(paths, reading.link_target, check)

    def real_path(self, path: bytes, check: Check = nothing) -> bytes:
        """The path without links in it."""
        return self.ask(lambda session: reading.real_path(session, path), check)

    def entries(
        self,
        path: bytes,
        wanted: Callable[[Entry], bool],
        *,
        targets: bool = False,
        most: int | None = None,
        check: Check = nothing,
    ) -> Listing | None:
        """What a directory holds, as far as it is ``wanted``; with what links point to where ``targets`` are asked for.
        None where there are more than ``most``."""

        def listed(session: Session, check: Check) -> Listing | None:
            pieces, seen, kept = Ordering(), 0, 0

            def take(entry: Entry) -> None:
                nonlocal seen, kept
                seen += 1
                if wanted(entry):
                    pieces.add(as_piece(entry))
                    kept += 1

            with _listing(session, path, targets) as listing:
                while session.run(listing.some(take, STEP if most is None else min(STEP, most + 1)), check):
                    if most is not None and seen > most:
                        return None
            return Listing(pieces, kept)

        return self._repeat(listed, check)

    def fill(self, path: bytes, buffer: memoryview, offset: int, check: Check = nothing) -> int:
        """Fill ``buffer`` with the bytes from ``offset`` on; how many there were."""
        done = Done()
        self.ask(lambda session: reading.fill(session, path, buffer, offset, done), check, lambda: done.count)
        return done.count

    def read(self, ranges: Sequence[Range], check: Check = nothing) -> list[Read | OSError]:
        """Pieces of files: of large ones, or whole small ones, as they have become. OSErrors are returned."""
        if len(ranges) == 1 and (ranges[0].offset or ranges[0].length > SMALL):
            return [self._range(ranges[0], check)]
        return self._of_all(ranges, reading.read_file, check)

    def forget(self, path: bytes) -> None:
        """Let go of what is open of a file."""
        self._connections.forget(path)

    def ask(self, work: Callable[[Session], Work[T]], check: Check, progress: Callable[[], int] = lambda: 0) -> T:
        """What a coroutine of a session returns, tried again where the connection breaks: it must be repeatable.
        ``progress`` says how far it is; a break after some is no failure."""
        return self._repeat(lambda session, both: session.run(work(session), both), check, progress)

    def _repeat(
        self, attempt: Callable[[Session, Check], T], check: Check, progress: Callable[[], int] = lambda: 0
    ) -> T:
        self._fail_at_once()
        failures = 0
        while True:
            before = progress()
            try:
                answer = self._try(attempt, check)
                self._in_vain = 0
                return answer
            except ServerError as error:
                failures = 1 if progress() > before else failures + 1
                if not _may_mend(error) or failures >= (TRIES if self._reached else FIRST_TRIES):
                    self._note(error)
                    raise
                self._wait(failures, check)

    def _try(self, attempt: Callable[[Session, Check], T], check: Check) -> T:
        def both() -> None:
            self._check()
            check()

        both()
        with self._connections.session(both) as session:
            self._reached = True
            return attempt(session, both)

    def _of_all(self, things: Sequence[T], one: Callable[[Session, T], Work[U]], check: Check) -> list[U | OSError]:
        """What a coroutine returns of each, or the refusal that it raises; a few dozen at a time."""
        found: dict[int, U | OSError] = {}

        async def several(session: Session) -> None:
            left = iter([number for number in range(len(things)) if number not in found])

            async def some() -> None:
                for number in left:
                    found[number] = await _tried(one(session, things[number]))

            await reading.all_of([some() for _ in range(min(reading.TOGETHER, len(things) - len(found)))])

        if things:
            self.ask(several, check, lambda: len(found))
        return [found[number] for number in range(len(things))]

    def _range(self, wanted: Range, check: Check) -> Read | OSError:
        data, done = bytearray(min(wanted.length, 64 * MIB)), Done()
        try:
            return self.ask(lambda session: reading.read_range(session, wanted, data, done), check, lambda: done.count)
        except OSError as error:
            return error

    def _note(self, error: ServerError) -> None:
        """Some request has failed for good."""
        with self._lock:
            self._in_vain += 1
            if isinstance(error, ServerLost) and self._in_vain < IN_VAIN:
                return  # it may be what was asked for that the server can't stand
            self._unusable = self._unusable or (time.monotonic() + MEMORY, error)
            self._reached = False

    def _fail_at_once(self) -> None:
        with self._lock:
            if self._unusable is None:
                return
            until, error = self._unusable
            if time.monotonic() > until:
                self._unusable = None
                return
        raise type(error)(str(error), hint=error.hint)

    def _wait(self, failures: int, check: Check) -> None:
        longest = min(LONGEST_WAIT, FIRST_WAIT * 2 ** (failures - 1))
        until = time.monotonic() + random.uniform(0, longest)  # noqa: S311  # not a secret
        while (left := until - time.monotonic()) > 0:
            self._check()
            check()
            time.sleep(min(GLANCE, left))


@contextmanager
def _listing(session: Session, path: bytes, targets: bool) -> Iterator[reading.Listing]:
    listing = reading.Listing(session, path, targets)
    try:
        yield listing
    finally:
        with suppress(ServerError):
            session.start(listing.close())  # nobody waits for that


def _may_mend(error: ServerError) -> bool:
    return isinstance(error, ServerLost | ServerUnreachable)


async def _tried(work: Work[T]) -> T | OSError:
    """What a coroutine returns, or the refusal that it raises."""
    try:
        return await work
    except ConnectionError:
        raise
    except OSError as error:
        return error
